//! Time, size and cancellation: nothing waits for ever, nothing grows for ever, nobody is left listening.

use std::time::Duration;

use exai_core::{Kind, chat::Delta};
use exai_mock_vendor::{Answer, Gate, Vendor};
use exai_providers::{HttpSettings, VendorKind};
use futures::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{ask, call, call_within, custom, fold, provider_with, request, soon};

const SHORT: Duration = Duration::from_millis(80);

#[tokio::test]
async fn cancelling_closes_requests_at_every_stage() {
    let vendor = Vendor::start().await;
    let provider = custom(&vendor);

    // Before the head of the answer.
    vendor.then(Answer::never());
    let waiting = call();
    let cancel = waiting.cancel.clone();
    let asked = {
        let provider = provider.clone();
        tokio::spawn(async move { fold(provider.chat(&request("m"), &waiting).await).await })
    };
    soon(vendor.wait_for_calls(1)).await;
    cancel.cancel();
    assert_eq!(soon(asked).await.unwrap().error.unwrap().kind, Kind::Cancelled);
    soon(vendor.wait_for_disconnects(1)).await;

    // In the middle of the answer.
    vendor.then(Answer::pieces(["a", "b"]).stall_after(1));
    let reading = call();
    let mut stream = provider.chat(&request("m"), &reading).await.unwrap();
    while stream.next().await.unwrap().unwrap() != Delta::Text("a".to_owned()) {}
    reading.cancel.cancel();
    assert_eq!(soon(stream.next()).await.unwrap().unwrap_err().kind, Kind::Cancelled);
    assert!(stream.next().await.is_none());
    soon(vendor.wait_for_disconnects(2)).await;
}

#[tokio::test]
async fn dropping_an_answer_closes_the_upstream_request() {
    let vendor = Vendor::start().await;
    let provider = custom(&vendor);
    vendor.then(Answer::pieces(["a", "b"]).stall_after(1));
    let stream = provider.chat(&request("m"), &call()).await.unwrap();
    drop(stream);
    soon(vendor.wait_for_disconnects(1)).await;

    vendor.then(Answer::never());
    let asked = {
        let provider = provider.clone();
        tokio::spawn(async move { provider.chat(&request("m"), &call()).await.map(|_| ()) })
    };
    soon(vendor.wait_for_calls(2)).await;
    asked.abort();
    soon(vendor.wait_for_disconnects(2)).await;
    soon(vendor.wait_until_idle()).await;
}

#[tokio::test]
async fn the_deadline_holds_at_every_moment() {
    let vendor = Vendor::start().await;
    let provider = custom(&vendor);
    // The first request of a process also loads certificates, which on a busy machine takes longer than the deadline.
    vendor.then(Answer::text("a"));
    assert_eq!(soon(ask(&provider, "m")).await.text, "a");
    for answer in [
        Answer::never(),
        Answer::pieces(["a", "b"]).stall_after(0),
        Answer::pieces(["a", "b"]).stall_after(1),
    ] {
        vendor.then(answer);
        let answer =
            soon(async { fold(provider.chat(&request("m"), &call_within(SHORT)).await).await }).await;
        let error = answer.error.unwrap();
        assert_eq!(error.kind, Kind::Timeout);
        assert!(error.message.contains("deadline"), "{error}");
    }
    soon(vendor.wait_for_disconnects(3)).await;
}

#[tokio::test]
async fn silence_is_bounded_apart_from_the_deadline() {
    let vendor = Vendor::start().await;
    let quiet = HttpSettings { first_byte: SHORT, idle: SHORT, ..HttpSettings::default() };
    let provider = provider_with(VendorKind::Custom, &vendor.url(), quiet);
    let gate = Gate::new();
    for answer in [Answer::text("a").gated(&gate), Answer::pieces(["a", "b"]).stall_after(1)] {
        vendor.then(answer);
        let error = soon(ask(&provider, "m")).await.error.unwrap();
        assert_eq!(error.kind, Kind::Timeout);
        assert!(error.message.contains("nothing arrived"), "{error}");
    }
}

#[tokio::test]
async fn an_endless_line_is_given_up_early() {
    let vendor = Vendor::start().await;
    vendor.then(Answer::pieces(["a"]).endless_line(100 << 20));
    let answer = soon(ask(&custom(&vendor), "m")).await;
    let error = answer.error.unwrap();
    assert_eq!((answer.text.as_str(), error.kind), ("a", Kind::Protocol));
    assert!(error.message.contains("1048576 bytes"), "{error}");
    soon(vendor.wait_for_disconnects(1)).await;
}

#[tokio::test]
async fn an_answer_has_a_largest_size() {
    let vendor = Vendor::start().await;
    let small = HttpSettings { max_answer_bytes: 10_000, ..HttpSettings::default() };
    let provider = provider_with(VendorKind::Custom, &vendor.url(), small);
    vendor.then(Answer::text("x".repeat(20_000)));
    let error = ask(&provider, "m").await.error.unwrap();
    assert_eq!(error.kind, Kind::Protocol);
    assert!(error.message.contains("10000 bytes"), "{error}");
    vendor.then(Answer::whole(200, "application/json", "[".repeat(20_000)));
    assert_eq!(ask(&provider, "m").await.error.unwrap().kind, Kind::Protocol);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_calls_run_at_once() {
    let vendor = Vendor::start().await;
    let provider = custom(&vendor);
    let gate = Gate::new();
    vendor.default_answer(Answer::text("done").gated(&gate));
    let calls: Vec<_> = (0..32)
        .map(|_| {
            let provider = provider.clone();
            tokio::spawn(async move { ask(&provider, "m").await })
        })
        .collect();
    soon(gate.wait_for_arrivals(32)).await;
    gate.open();
    for call in calls {
        assert_eq!(soon(call).await.unwrap().text, "done");
    }
    assert_eq!(vendor.stats().peak_in_flight, 32);
}

#[tokio::test]
async fn failures_without_text_go_by_status() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let hasty = HttpSettings { error_body: SHORT, ..HttpSettings::default() };
    let provider = provider_with(VendorKind::Custom, &address, hasty);
    let serve = async {
        let (mut line, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"}") {
            line.read_buf(&mut asked).await.unwrap();
        }
        line.write_all(b"HTTP/1.1 503 Busy\r\nretry-after: 4\r\ncontent-length: 99\r\n\r\n{").await.unwrap();
        // Keeps the connection open until the client has left.
        while line.read_buf(&mut asked).await.is_ok_and(|read| read > 0) {}
    };
    let (answer, ()) = soon(futures::future::join(ask(&provider, "m"), serve)).await;
    let error = answer.error.unwrap();
    assert_eq!((error.kind, error.retry_after), (Kind::Unavailable, Some(Duration::from_secs(4))));
}

/// A reply that is whole lacks nothing, whatever its head has announced.
#[tokio::test]
async fn a_reply_may_announce_too_much() {
    const REPLY: &str = r#"{"choices":[{"message":{"content":"yes"},"finish_reason":"stop"}]}"#;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let quiet = HttpSettings { idle: SHORT, ..HttpSettings::default() };
    let provider = provider_with(VendorKind::Custom, &address, quiet);
    for (body, stays_open, is_whole) in [
        (REPLY, false, true),
        (REPLY, true, true),
        (&REPLY[..REPLY.len() - 1], false, false),
        (&REPLY[..REPLY.len() - 1], true, false),
    ] {
        let serve = async {
            let (mut line, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"}") {
                line.read_buf(&mut asked).await.unwrap();
            }
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n";
            line.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            // Keeps the connection open until the client has left.
            while stays_open && line.read_buf(&mut asked).await.is_ok_and(|read| read > 0) {}
        };
        let (answer, ()) = soon(futures::future::join(ask(&provider, "m"), serve)).await;
        assert_eq!(answer.error.is_none(), is_whole, "{body} {stays_open} {:?}", answer.error);
        assert!(!is_whole || answer.text == "yes", "{body}");
    }
}
