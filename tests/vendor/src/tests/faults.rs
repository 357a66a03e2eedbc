//! Every way to misbehave, as a client sees it on the wire.

use serde_json::json;

use super::client::{Client, plain, streamed};
use crate::{Answer, Vendor};

/// The reply to a streamed request for this answer.
async fn stream_of(answer: Answer) -> super::client::Reply {
    let vendor = Vendor::start().await;
    vendor.then(answer);
    Client::connect(&vendor).await.ask(&streamed("m", "hi")).await
}

/// A cut leaves exactly the bytes asked for and no end.
#[tokio::test]
async fn a_cut_leaves_exactly_its_bytes() {
    let reply = stream_of(Answer::text("a text of some length").cut_after(300)).await;
    assert_eq!((reply.status, reply.text().len(), reply.complete), (200, 300, false));
    let reply = stream_of(Answer::text("a text of some length").cut_after(0)).await;
    assert_eq!((reply.status, reply.text().len(), reply.complete), (200, 0, false));
}

/// A cut in a large body loses nothing before it.
#[tokio::test]
async fn a_cut_keeps_what_comes_before() {
    let bytes = 8 * 1024 * 1024;
    let reply = stream_of(Answer::text("a").endless_line(2 * bytes).cut_after(bytes)).await;
    assert_eq!((reply.text().len(), reply.complete), (bytes, false));
}

/// A plain reply can be cut short of its length.
#[tokio::test]
async fn a_plain_reply_can_be_cut() {
    let vendor = Vendor::start().await;
    vendor.then(Answer::text("a text").cut_after(10));
    let mut client = Client::connect(&vendor).await;
    let reply = client.ask(&plain("m", "hi")).await;
    assert_eq!((reply.text().len(), reply.complete), (10, false));
    assert_eq!(vendor.stats().disconnects, 0, "the vendor ended it, not the client");
}

#[tokio::test]
async fn a_cut_after_pieces_keeps_whole_events() {
    let reply = stream_of(Answer::pieces(["one ", "two ", "three"]).cut_after_pieces(2)).await;
    assert_eq!((reply.deltas("content").as_str(), reply.complete), ("one two ", false));
}

#[tokio::test]
async fn hanging_up_sends_nothing_at_all() {
    let vendor = Vendor::start().await;
    vendor.then(Answer::hang_up());
    let mut client = Client::connect(&vendor).await;
    client.send("POST", "/v1/chat/completions", &plain("m", "hi").to_string()).await;
    assert_eq!(client.read_head().await, "");
    assert_eq!((vendor.stats().calls, vendor.stats().in_flight, vendor.stats().disconnects), (1, 0, 0));
}

#[tokio::test]
async fn a_stream_may_end_without_done() {
    let reply = stream_of(Answer::text("a").without_done()).await;
    assert!(reply.complete);
    assert!(!reply.text().contains("[DONE]"));
    assert_eq!(reply.deltas("content"), "a");
}

/// Lines may end with CRLF and comments may stand between.
#[tokio::test]
async fn lines_may_end_with_crlf() {
    let text = stream_of(Answer::text("a").crlf().comments()).await.text();
    assert!(text.ends_with("data: [DONE]\r\n\r\n"));
    assert!(!text.replace("\r\n", "").contains('\n'));
    assert_eq!(text.matches("\r\n\r\ndata: ").count(), text.matches(": waiting\r\n").count());
    assert!(text.starts_with(": waiting\r\n"));
}

#[tokio::test]
async fn characters_fall_apart_between_chunks() {
    let reply = stream_of(Answer::text("żółw 龜").split_every(1)).await;
    assert!(reply.chunks.iter().all(|chunk| chunk.len() == 1));
    assert!(reply.chunks.iter().any(|chunk| std::str::from_utf8(chunk).is_err()));
    assert_eq!((reply.deltas("content").as_str(), reply.complete), ("żółw 龜", true));
}

#[tokio::test]
async fn garbage_stands_among_good_events() {
    let reply = stream_of(Answer::pieces(["a", "b"]).garbage("{not json")).await;
    assert_eq!(reply.data()[2], "{not json");
    assert_eq!(reply.deltas("content"), "ab");
}

/// An error can come inside a stream that began well.
#[tokio::test]
async fn an_error_can_follow_a_beginning() {
    let reply = stream_of(Answer::text("a").error_in_stream(json!({"message": "gone", "code": 502}))).await;
    assert_eq!((reply.status, reply.complete), (200, true));
    assert_eq!(reply.events().last().unwrap()["error"]["code"], 502);
    assert!(!reply.text().contains("[DONE]"));
}

#[tokio::test]
async fn an_endless_line_has_its_size() {
    let reply = stream_of(Answer::text("a").endless_line(200_000)).await;
    let text = reply.text();
    assert_eq!(text.rsplit('\n').next().unwrap().len(), 200_000);
}

#[tokio::test]
async fn vendors_own_error_shapes_are_kept() {
    let reply = stream_of(Answer::glm_error(429, "1113", "Insufficient balance")).await;
    assert_eq!((reply.status, reply.json()["error"]["code"].as_str()), (429, Some("1113")));
    let reply = stream_of(Answer::minimax_error(1008, "insufficient balance")).await;
    assert_eq!((reply.status, reply.json()["base_resp"]["status_code"].as_u64()), (200, Some(1008)));
    let reply = stream_of(Answer::quota_exhausted().header("x-request-id", "r1")).await;
    assert_eq!((reply.status, reply.json()["error"]["code"].as_str()), (429, Some("insufficient_quota")));
    assert_eq!(reply.header("x-request-id"), Some("r1"));
    let reply = stream_of(Answer::proxy_page()).await;
    assert_eq!((reply.status, reply.header("content-type")), (502, Some("text/html")));
    assert!(reply.text().starts_with("<html>"));
}

#[tokio::test]
async fn a_raw_stream_is_sent_unchanged() {
    let reply = stream_of(Answer::raw_stream(["event: x\n", "data: {}\n\n"])).await;
    assert_eq!(reply.chunks, [b"event: x\n".to_vec(), b"data: {}\n\n".to_vec()]);
    assert!(reply.complete);
}

#[test]
#[should_panic(expected = "only an answer made by Answer::text")]
fn a_fault_of_texts_is_refused_elsewhere() {
    drop(Answer::server_error().without_done());
}
