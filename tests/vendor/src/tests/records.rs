//! What the vendor remembers of its visitors.

use serde_json::Value;

use super::client::{Client, plain};
use crate::{Answer, Gate, Stats, Vendor};

#[tokio::test]
async fn a_request_is_recorded_as_it_came() {
    let vendor = Vendor::start().await;
    let mut client = Client::connect(&vendor).await;
    client.get("/v1/models").await;
    let body = plain("m", "hi").to_string();
    client.send("POST", "/api/paas/v4/chat/completions?x=1", &body).await;
    client.read().await;
    let requests = vendor.requests();
    assert_eq!(requests.len(), 2);
    let call = &requests[1];
    assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/api/paas/v4/chat/completions?x=1"));
    assert_eq!(call.header("Authorization"), Some("Bearer key"));
    assert_eq!((call.body.as_ref(), &call.json), (body.as_bytes(), &plain("m", "hi")));
    assert!(call.arrived >= requests[0].arrived && !call.disconnected);
    assert_eq!(vendor.calls().len(), 1);
    let expected = Stats { calls: 1, in_flight: 0, peak_in_flight: 1, max_body: body.len(), disconnects: 0 };
    assert_eq!(vendor.stats(), expected);
}

#[tokio::test]
async fn bodies_can_be_left_out() {
    let vendor = Vendor::start().await;
    vendor.record_bodies(false);
    let mut client = Client::connect(&vendor).await;
    let body = plain("m", "hi");
    let reply = client.ask(&body).await;
    assert_eq!(reply.json()["choices"][0]["message"]["content"], "ok: hi");
    let request = &vendor.requests()[0];
    assert_eq!((request.body.len(), &request.json), (0, &Value::Null));
    assert_eq!(vendor.stats().max_body, body.to_string().len());
}

#[tokio::test]
async fn a_body_of_64_mebibytes_is_taken() {
    let vendor = Vendor::start().await;
    let mut client = Client::connect(&vendor).await;
    let body = plain("m", &"x".repeat(64 * 1024 * 1024));
    assert_eq!(client.ask(&body).await.status, 200);
    assert!(vendor.stats().max_body > 64 * 1024 * 1024);
}

#[tokio::test]
async fn a_reset_keeps_what_is_open() {
    let vendor = Vendor::start().await;
    let gate = Gate::new();
    let mut waiting = Client::connect(&vendor).await;
    vendor.then(Answer::text("late").gated(&gate));
    waiting.send("POST", "/v1/chat/completions", &plain("m", "hi").to_string()).await;
    gate.wait_for_arrivals(1).await;
    vendor.then(Answer::text("forgotten"));
    vendor.default_answer(Answer::server_error());
    vendor.reset();
    assert_eq!(vendor.stats(), Stats { in_flight: 1, peak_in_flight: 1, ..Stats::default() });
    assert!(vendor.requests().is_empty());
    let reply = Client::connect(&vendor).await.ask(&plain("m", "hi")).await;
    assert_eq!(reply.json()["choices"][0]["message"]["content"], "ok: hi");
    gate.open();
    assert_eq!(waiting.read().await.json()["choices"][0]["message"]["content"], "late");
}

/// A driver in another process reads and resets the counts.
#[tokio::test]
async fn another_process_reads_the_counts() {
    let vendor = Vendor::start().await;
    let mut client = Client::connect(&vendor).await;
    let body = plain("m", "hi");
    client.ask(&body).await;
    let stats = client.get("/stats").await.json();
    assert_eq!((&stats["calls"], &stats["peak_inflight"]), (&1.into(), &1.into()));
    assert_eq!(stats["max_body"], body.to_string().len());
    client.send("POST", "/reset", "").await;
    assert_eq!(client.read().await.text(), "ok");
    assert_eq!(client.get("/stats").await.json()["calls"], 0);
}
