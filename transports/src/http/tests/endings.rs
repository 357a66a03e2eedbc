//! What ends at once.

use exai_core::event::{Event, EventBus, NoEvents};
use parking_lot::Mutex;
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
    let server = Server::new(ServerSettings::default(), Arc::new(Well), lifecycle.clone());
    let server = mount(server.events(closed.clone()), Nothing, &McpSettings::default());
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
