//! The ways in which a connection ends, and how long they take.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::{Client, settings};
use crate::jsonrpc::{Cause, ConnectionSettings, Ended};

const IN_ORDER: Ended = Ended { cause: Cause::InputClosed, unanswered: 0 };

#[tokio::test(start_paused = true)]
async fn an_idle_connection_ends_at_once() {
    for shake_hands in [true, false] {
        let mut client = Client::connect_through(1024, settings());
        if shake_hands {
            client.initialize().await;
        }
        let begin = Instant::now();
        client.close_input();
        let lifecycle = client.lifecycle.clone();
        assert_eq!(client.end().await, IN_ORDER);
        assert_eq!(begin.elapsed(), Duration::ZERO);
        assert!(lifecycle.ending.is_cancelled() && lifecycle.closing.is_cancelled());
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_before_is_answered() {
    let mut client = Client::connect(settings()).await;
    for id in 0..20 {
        client.call(id, "echo").await;
    }
    // Without its line feed.
    let last = json!({"jsonrpc": "2.0", "id": 20, "method": "ping"}).to_string();
    tokio::io::AsyncWriteExt::write_all(client.input.as_mut().unwrap(), last.as_bytes()).await.unwrap();
    client.close_input();
    let mut ids = Vec::new();
    for _ in 0..=20 {
        ids.push(client.read().await["id"].as_u64().unwrap());
    }
    ids.sort_unstable();
    assert_eq!(ids, (0..=20).collect::<Vec<_>>());
    assert_eq!(client.end().await, IN_ORDER);
}

/// A call that ends in time is answered as usual.
#[tokio::test(start_paused = true)]
async fn a_call_that_ends_is_answered() {
    let mut client = Client::connect(settings()).await;
    client.call_and_enter(1, "gate").await;
    let begin = Instant::now();
    client.close_input();
    client.lifecycle.ending.cancelled().await;
    assert_eq!(begin.elapsed(), Duration::ZERO, "the end is told at once");
    tokio::time::advance(Duration::from_millis(900)).await;
    assert!(!client.lifecycle.closing.is_cancelled());
    client.tools.release.notify_one();
    assert_eq!(client.read_text().await, (json!(1), "done".to_owned()));
    assert_eq!(client.end().await, IN_ORDER);
    assert_eq!(begin.elapsed(), Duration::from_millis(900));
}

/// A stuck call that heeds the closing answers for itself.
#[tokio::test(start_paused = true)]
async fn a_stuck_call_may_answer_itself() {
    let mut client = Client::connect(settings()).await;
    client.call_and_enter(1, "polite").await;
    let begin = Instant::now();
    client.close_input();
    assert_eq!(
        client.read_text().await,
        (json!(1), "interrupted: the client closed the connection".to_owned())
    );
    assert_eq!(client.end().await, IN_ORDER);
    assert_eq!(begin.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_stuck_call_is_answered_for() {
    let mut client = Client::connect(settings()).await;
    client.call_and_enter(1, "stuck").await;
    client.call_and_enter(2, "stuck").await;
    client.call(3, "echo").await;
    let begin = Instant::now();
    client.close_input();
    assert_eq!(client.read_text().await, (json!(3), "done".to_owned()));
    let mut ids = Vec::new();
    for _ in 0..2 {
        let reply = client.read().await;
        assert_eq!(
            (&reply["error"]["code"], &reply["error"]["data"]["code"]),
            (&json!(-32000), &json!("cancelled"))
        );
        ids.push(reply["id"].as_u64().unwrap());
    }
    ids.sort_unstable();
    assert_eq!(ids, [1, 2]);
    assert_eq!(client.end().await, IN_ORDER);
    assert_eq!(begin.elapsed(), Duration::from_millis(1500));
}

/// In real time: a handler that blocks its thread cannot be dropped, so only the hard limit helps.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_blocked_thread_delays_no_end() {
    let settings = ConnectionSettings {
        grace: Duration::from_millis(10),
        abandon_after: Duration::from_millis(20),
        hard_limit: Duration::from_millis(30),
        ..settings()
    };
    let mut client = Client::connect(settings).await;
    client.call_and_enter(1, "block").await;
    client.close_input();
    let unblock = client.unblock.clone();
    assert_eq!(client.end().await, Ended { cause: Cause::InputClosed, unanswered: 1 });
    unblock.send(()).unwrap();
}

/// A client that does not read does not delay the end.
#[tokio::test(start_paused = true)]
async fn an_unread_output_delays_no_end() {
    let mut client = Client::connect(settings()).await;
    for id in 0..5 {
        client.call(id, "big").await;
    }
    let begin = Instant::now();
    client.close_input();
    let output = client.output.take();
    assert_eq!(client.end().await.cause, Cause::InputClosed);
    assert_eq!(begin.elapsed(), Duration::from_millis(1900));
    drop(output);
}

#[tokio::test(start_paused = true)]
async fn an_unread_output_ends_the_service() {
    let mut client = Client::connect(settings()).await;
    client.call_and_enter(1, "polite").await;
    client.output = None;
    let begin = Instant::now();
    client.request(json!(2), "ping", json!({})).await;
    assert_eq!(client.end().await, Ended { cause: Cause::OutputClosed, unanswered: 0 });
    assert_eq!(
        begin.elapsed(),
        Duration::ZERO,
        "nothing can be answered, so the call is interrupted at once"
    );
}

#[tokio::test(start_paused = true)]
async fn an_unread_output_ends_the_handshake() {
    let mut client = Client::connect_through(1024, settings());
    client.output = None;
    client.request(json!(1), "ping", json!({})).await;
    assert_eq!(client.end().await, Ended { cause: Cause::OutputClosed, unanswered: 0 });
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_takes_the_same_steps() {
    let mut client = Client::connect(settings()).await;
    client.call_and_enter(1, "gate").await;
    client.call_and_enter(2, "polite").await;
    let begin = Instant::now();
    client.lifecycle.shutdown.cancel();
    client.lifecycle.ending.cancelled().await;
    client.call(3, "echo").await;
    client.tools.release.notify_one();
    assert_eq!(client.read_text().await.0, json!(1));
    assert_eq!(client.read_text().await.0, json!(2));
    assert_eq!(client.end().await, Ended { cause: Cause::Shutdown, unanswered: 0 });
    assert_eq!(begin.elapsed(), Duration::from_secs(1));
}

/// A cancelled call that still runs does not delay the end.
#[tokio::test(start_paused = true)]
async fn a_cancelled_call_delays_no_end() {
    let mut client = Client::connect(settings()).await;
    client.call_and_enter(1, "deaf").await;
    client.line(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#).await;
    client.ping().await;
    let begin = Instant::now();
    client.close_input();
    assert_eq!(client.end().await, IN_ORDER);
    assert_eq!(begin.elapsed(), Duration::ZERO);
}
