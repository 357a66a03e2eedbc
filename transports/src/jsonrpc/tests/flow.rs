//! Many requests, slow readers, and ids that are used twice.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, time::timeout};

use super::{Client, settings};
use crate::jsonrpc::ConnectionSettings;

fn ping(id: usize) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\"}}\n")
}

/// Sends everything while reading `count` answers.
async fn exchange(client: &mut Client, lines: String, count: usize) -> BTreeMap<u64, Value> {
    let mut input = client.input.take().unwrap();
    let writing = tokio::spawn(async move {
        input.write_all(lines.as_bytes()).await.unwrap();
        input
    });
    let mut answers = BTreeMap::new();
    for _ in 0..count {
        let reply = client.read().await;
        assert_eq!(answers.insert(reply["id"].as_u64().unwrap(), reply), None, "answered twice");
    }
    client.input = Some(writing.await.unwrap());
    answers
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_pings_are_answered() {
    let mut client = Client::connect(settings()).await;
    let answers = exchange(&mut client, (0..10_000).map(ping).collect(), 10_000).await;
    assert!(answers.values().all(|reply| reply["result"] == json!({})));
    assert_eq!(answers.len(), 10_000);
    client.ping().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_gets_one_answer_each() {
    let mut client = Client::connect(settings()).await;
    let call = |id: usize| {
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "echo"}}).to_string()
            + "\n"
    };
    let answers = exchange(&mut client, (0..2_000).map(call).collect(), 2_000).await;
    assert_eq!(answers.len(), 2_000);
    client.ping().await;
}

/// A burst of quick calls is slowed down and not refused.
#[tokio::test(start_paused = true)]
async fn a_burst_is_slowed_and_not_refused() {
    let mut client = Client::connect(ConnectionSettings { max_in_flight: 4, ..settings() }).await;
    let call = |id: usize| {
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "echo"}}).to_string()
            + "\n"
    };
    let answers = exchange(&mut client, (0..500).map(call).collect(), 500).await;
    assert!(answers.values().all(|reply| reply["result"]["content"][0]["text"] == "done"));
}

/// A client that does not read is read no more.
#[tokio::test(start_paused = true)]
async fn a_client_that_stops_reading_waits() {
    let mut client =
        Client::connect_through(256, ConnectionSettings { max_unwritten_bytes: 10_000, ..settings() });
    client.initialize().await;
    let mut sent = 0;
    // Time stands still until nobody can go on: then, and only then, the limit passes.
    while timeout(Duration::from_secs(60), client.input.as_mut().unwrap().write_all(ping(sent).as_bytes()))
        .await
        .is_ok()
    {
        sent += 1;
        assert!(sent < 5_000, "back-pressure never came");
    }
    assert!(sent > 100);
    // The last line may have been written in part: the answers up to it are complete and in full.
    for _ in 0..sent {
        assert_eq!(client.read().await["result"], json!({}));
    }
}

/// The end is seen although the client does not read.
#[tokio::test(start_paused = true)]
async fn an_unread_output_hides_no_end() {
    let mut client =
        Client::connect_through(256, ConnectionSettings { max_unwritten_bytes: 1_000, ..settings() });
    client.initialize().await;
    for id in 0..500 {
        client.input.as_mut().unwrap().write_all(ping(id).as_bytes()).await.unwrap();
    }
    client.close_input();
    client.lifecycle.ending.cancelled().await;
    for _ in 0..500 {
        client.read().await;
    }
    assert_eq!(client.end().await.unanswered, 0);
}

#[tokio::test(start_paused = true)]
async fn requests_above_the_limit_are_refused() {
    let mut client = Client::connect(ConnectionSettings { max_in_flight: 2, ..settings() }).await;
    client.call_and_enter(1, "gate").await;
    client.call_and_enter(2, "gate").await;
    client.call(3, "echo").await;
    let refusal = json!({
        "jsonrpc": "2.0",
        "id": 3,
        "error": {
            "code": -32000,
            "message": "too many requests in flight (2); try again",
            "data": {"code": "over_capacity", "retry_after_ms": 1000},
        },
    });
    assert_eq!(client.read().await, refusal);
    client.ping().await;
    client.tools.release.notify_one();
    assert_eq!(client.read_text().await.1, "done");
    client.call(3, "echo").await;
    assert_eq!(client.read_text().await, (json!(3), "done".to_owned()));
}

/// A second request with the same id does not disturb the first.
#[tokio::test(start_paused = true)]
async fn a_repeated_id_disturbs_no_other_request() {
    let mut client = Client::connect(settings()).await;
    client.call_and_enter("a", "gate").await;
    client.call("a", "echo").await;
    let reply = client.read().await;
    assert_eq!((&reply["id"], &reply["error"]["code"]), (&json!("a"), &json!(-32600)));
    assert_eq!(reply["error"]["message"], "request id is in use");
    client.tools.release.notify_one();
    assert_eq!(client.read_text().await, (json!("a"), "done".to_owned()));
    client.call("a", "echo").await;
    assert_eq!(client.read_text().await, (json!("a"), "done".to_owned()));
}

/// The late result of a cancelled call is not taken for the result of the next one.
#[tokio::test(start_paused = true)]
async fn a_late_result_is_dropped() {
    let mut client = Client::connect(settings()).await;
    client.call_and_enter(1, "deaf").await;
    client.line(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#).await;
    client.call(1, "echo").await;
    assert_eq!(client.read_error().await, (json!(1), -32600));
    client.tools.release.notify_one();
    client.ping().await;
    client.call(1, "echo").await;
    assert_eq!(client.read_text().await, (json!(1), "done".to_owned()));
}
