//! Both eras of MCP, by hand and with the SDK's own client.

use std::time::Duration;

use rmcp::{
    ServiceExt as _,
    model::{CallToolRequestParams, ProtocolVersion},
    service::{ClientLifecycleMode, ClientServiceExt as _},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Client, settings};

fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

#[tokio::test(start_paused = true)]
async fn a_stateless_request_may_be_the_first() {
    let mut client = Client::connect_through(4096, settings());
    client.request(json!(1), "tools/call", json!({"name": "echo", "_meta": meta()})).await;
    assert_eq!(client.read_text().await, (json!(1), "done".to_owned()));
    // Cancelling works: the notification is not taken for one that comes before the handshake.
    client.request(json!(2), "tools/call", json!({"name": "gate", "_meta": meta()})).await;
    client.line(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}"#).await;
    client.close_input();
    assert_eq!(client.end().await.unanswered, 0);
}

#[tokio::test(start_paused = true)]
async fn discovery_may_be_the_first() {
    let mut client = Client::connect_through(4096, settings());
    client.request(json!(1), "server/discover", json!({"_meta": meta()})).await;
    let reply = client.read().await;
    assert!(
        reply["result"]["supportedVersions"].as_array().unwrap().contains(&json!("2026-07-28")),
        "{reply}"
    );
    client.request(json!(2), "tools/call", json!({"name": "echo", "_meta": meta()})).await;
    assert_eq!(client.read_text().await, (json!(2), "done".to_owned()));
}

/// A request without what the stateless era needs is answered and changes nothing.
#[tokio::test(start_paused = true)]
async fn an_incomplete_stateless_request_changes_nothing() {
    let mut client = Client::connect_through(4096, settings());
    client.call(1, "echo").await;
    assert_eq!(client.read_error().await, (json!(1), -32602));
    client.line(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    client.initialize().await;
    client.ping().await;
}

#[tokio::test(start_paused = true)]
async fn an_open_subscription_delays_no_end() {
    let mut client = Client::connect_through(4096, settings());
    client
        .request(
            json!(1),
            "subscriptions/listen",
            json!({"_meta": meta(), "notifications": {"toolsListChanged": true}}),
        )
        .await;
    assert_eq!(client.read().await["method"], "notifications/subscriptions/acknowledged");
    let begin = Instant::now();
    client.close_input();
    assert_eq!(client.read().await["id"], 1);
    assert_eq!(client.end().await.unanswered, 0);
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_sdk_client_knows_both_eras() {
    let modern = ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] };
    for mode in [ClientLifecycleMode::Initialize, modern] {
        let mut client = Client::connect_through(4096, settings());
        let output = client.output.take().unwrap().into_inner();
        let io = (output, client.input.take().unwrap());
        let peer = ().into_dyn().serve_with_lifecycle(io, mode).await.unwrap();
        let result = peer.call_tool(CallToolRequestParams::new("echo")).await.unwrap();
        assert_eq!(serde_json::to_value(&result.content).unwrap()[0]["text"], "done");
        let error = peer.call_tool(CallToolRequestParams::new("nothing")).await.unwrap_err();
        assert!(error.to_string().contains("no tool nothing"), "{error}");
        let calls = (0..50).map(|_| peer.call_tool(CallToolRequestParams::new("echo")));
        assert!(futures::future::join_all(calls).await.iter().all(Result::is_ok));
        peer.cancel().await.unwrap();
        assert_eq!(client.end().await.unanswered, 0);
    }
}
