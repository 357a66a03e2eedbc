//! What ends at once, and what the orderly end does not wait for.

use std::time::Instant;

use exai_core::event::{Event, EventBus, NoEvents};
use parking_lot::Mutex;
use rmcp::model::SubscriptionFilter;
use tokio::sync::broadcast;

use super::*;

/// Counts the sessions that have ended.
#[derive(Debug, Default)]
struct Closed(Mutex<usize>);

impl EventBus for Closed {
    fn publish(&self, event: Event) {
        if matches!(event, Event::SessionClosed { .. }) {
            *self.0.lock() += 1;
        }
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        NoEvents.subscribe()
    }
}

/// Its place was free only when another session was opened, so until then the caller's places counted it as open.
#[tokio::test]
async fn a_deleted_session_is_free_at_once() {
    let closed = Arc::new(Closed::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let lifecycle = Lifecycle::default();
    let settings = ServerSettings { events: Arc::clone(&closed) as _, ..ServerSettings::default() };
    let server = Server::new(settings, Arc::new(Well), lifecycle.clone());
    let server = mount(server, Nothing, &McpSettings::default());
    let door = Open { address, lifecycle, ended: tokio::spawn(server.serve(Listener::tcp(listener))) };
    let hello = door.hello().await;
    let session = hello.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")).unwrap();
    let delete = |session: &str| {
        format!(
            "DELETE /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nmcp-session-id: {session}\r\n\r\n"
        )
    };
    door.ask(&delete("another")).await.unwrap();
    assert_eq!(*closed.0.lock(), 0, "the session of another name stays");
    let deleted = door.ask(&delete(session)).await.unwrap();
    assert!(deleted.starts_with("HTTP/1.1 20"), "{deleted}");
    assert_eq!(*closed.0.lock(), 1);
    door.end().await;
}

#[derive(Clone)]
struct Subscribed;

impl ServerHandler for Subscribed {
    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }
}

/// A subscription goes on until one side ends it, so the orderly end would have waited for it as long as it may.
#[tokio::test]
async fn an_open_subscription_delays_no_end() {
    let drain = Duration::from_secs(8);
    let settings = ServerSettings { drain, ..ServerSettings::default() };
    let door = open_for(Subscribed, settings, McpSettings::default()).await;
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {}});
    let listen = json!({"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen",
        "params": {"_meta": meta, "notifications": {"toolsListChanged": true}}});
    let request = posted(&listen.to_string())
        .replace("mcp-method: tools/call\r\nmcp-name: x\r\n", "mcp-method: subscriptions/listen\r\n");
    let mut socket = TcpStream::connect(door.address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut said = String::new();
    while !said.contains("notifications/subscriptions/acknowledged") {
        let mut bytes = [0; 1024];
        let count = socket.read(&mut bytes).await.unwrap();
        assert_ne!(count, 0, "{said}");
        said.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    let begun = Instant::now();
    assert_eq!(door.end().await.cut_short, 0);
    assert!(begun.elapsed() < drain);
}
