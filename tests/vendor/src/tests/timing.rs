//! Answers that wait, and clients that do not.

use std::time::{Duration, Instant};

use super::client::{Client, plain, streamed};
use crate::{Answer, Gate, Vendor};

const CHAT: &str = "/v1/chat/completions";

#[tokio::test]
async fn a_gated_answer_waits_for_the_test() {
    let vendor = Vendor::start().await;
    let gate = Gate::new();
    vendor.then(Answer::text("through").gated(&gate));
    let mut client = Client::connect(&vendor).await;
    client.send("POST", CHAT, &plain("m", "hi").to_string()).await;
    gate.wait_for_arrivals(1).await;
    assert_eq!((vendor.stats().calls, vendor.stats().in_flight), (1, 1));
    gate.open();
    assert_eq!(client.read().await.json()["choices"][0]["message"]["content"], "through");
    vendor.wait_until_idle().await;
}

/// A stream held after a piece has delivered that piece.
#[tokio::test]
async fn a_held_stream_delivered_its_piece() {
    let vendor = Vendor::start().await;
    let gate = Gate::new();
    vendor.then(Answer::pieces(["first", "second"]).hold_after(1, &gate));
    let mut client = Client::connect(&vendor).await;
    client.send("POST", CHAT, &streamed("m", "hi").to_string()).await;
    client.read_head().await;
    client.read_chunk().await.unwrap();
    assert!(String::from_utf8(client.read_chunk().await.unwrap()).unwrap().contains("first"));
    gate.wait_for_arrivals(1).await;
    gate.open();
    assert!(String::from_utf8(client.read_chunk().await.unwrap()).unwrap().contains("second"));
}

#[tokio::test]
async fn a_client_leaving_early_is_noticed() {
    let vendor = Vendor::start().await;
    vendor.then(Answer::never());
    let mut client = Client::connect(&vendor).await;
    client.send("POST", CHAT, &plain("m", "hi").to_string()).await;
    vendor.wait_for_calls(1).await;
    assert_eq!((vendor.stats().disconnects, vendor.requests()[0].disconnected), (0, false));
    drop(client);
    vendor.wait_for_disconnects(1).await;
    assert_eq!((vendor.stats().in_flight, vendor.requests()[0].disconnected), (0, true));
}

/// A client that leaves in the middle of a stream is noticed.
#[tokio::test]
async fn a_client_leaving_midstream_is_noticed() {
    let vendor = Vendor::start().await;
    vendor.then(Answer::pieces(["first", "second"]).stall_after(1));
    let mut client = Client::connect(&vendor).await;
    client.send("POST", CHAT, &streamed("m", "hi").to_string()).await;
    client.read_head().await;
    client.read_chunk().await.unwrap();
    drop(client);
    vendor.wait_for_disconnects(1).await;
    assert!(vendor.requests()[0].disconnected);
}

#[tokio::test]
async fn a_client_leaving_the_gate_is_noticed() {
    let vendor = Vendor::start().await;
    let gate = Gate::new();
    vendor.then(Answer::text("late").gated(&gate));
    let mut client = Client::connect(&vendor).await;
    client.send("POST", CHAT, &plain("m", "hi").to_string()).await;
    gate.wait_for_arrivals(1).await;
    drop(client);
    vendor.wait_for_disconnects(1).await;
}

#[tokio::test]
async fn the_peak_counts_simultaneous_calls() {
    let vendor = Vendor::start().await;
    let gate = Gate::new();
    vendor.default_answer(Answer::text("ok").gated(&gate));
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = Client::connect(&vendor).await;
        client.send("POST", CHAT, &plain("m", "hi").to_string()).await;
        clients.push(client);
    }
    vendor.wait_for_calls(3).await;
    assert_eq!((vendor.stats().in_flight, vendor.stats().peak_in_flight), (3, 3));
    gate.open();
    for client in &mut clients {
        assert!(client.read().await.complete);
    }
    vendor.wait_until_idle().await;
    assert_eq!((vendor.stats().peak_in_flight, vendor.stats().disconnects), (3, 0));
}

#[tokio::test]
async fn latency_and_gaps_take_their_time() {
    let vendor = Vendor::start().await;
    let mut client = Client::connect(&vendor).await;
    let start = Instant::now();
    client.ask(&plain("mock-latency=30", "hi")).await;
    assert!(start.elapsed() >= Duration::from_millis(30));
    vendor.then(Answer::pieces(["a", "b", "c"]).piece_delay(Duration::from_millis(20)));
    let start = Instant::now();
    client.ask(&streamed("m", "hi")).await;
    assert!(start.elapsed() >= Duration::from_millis(40));
}

#[tokio::test]
async fn a_dropped_vendor_closes_its_port() {
    let vendor = Vendor::start().await;
    vendor.then(Answer::never());
    let address = vendor.origin().trim_start_matches("http://").to_owned();
    let mut waiting = Client::connect(&vendor).await;
    waiting.send("POST", CHAT, &plain("m", "hi").to_string()).await;
    vendor.wait_for_calls(1).await;
    let mut idle = Client::connect(&vendor).await;
    assert!(idle.ask(&plain("m", "hi")).await.complete);
    drop(vendor);
    assert!(waiting.is_closed().await);
    assert!(idle.is_closed().await);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
