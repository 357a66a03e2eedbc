//! What a handler learns of the connection that a message came over, whatever carries it.

use exai_core::ConnectionId;
use rmcp::{
    RoleServer,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, CancelledNotificationParam, ErrorData,
        Extensions,
    },
    service::{NotificationContext, RequestContext},
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    sync::mpsc,
};

use super::*;
use crate::jsonrpc::{self, ConnectionSettings, Lifecycle};

/// Tells the test over which connection each call and each cancellation came.
#[derive(Clone)]
struct Recorder(mpsc::UnboundedSender<Option<ConnectionId>>);

type Seen = mpsc::UnboundedReceiver<Option<ConnectionId>>;

impl Recorder {
    fn note(&self, extensions: &Extensions) {
        let of_head = || extensions.get::<axum::http::request::Parts>()?.extensions.get();
        let seen = extensions.get::<ConnectionId>().or_else(of_head);
        self.0.send(seen.copied()).unwrap();
    }
}

impl ServerHandler for Recorder {
    async fn call_tool(
        &self,
        _request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.note(&context.extensions);
        Ok(CallToolResult::success(Vec::new()).into())
    }

    async fn on_cancelled(&self, _: CancelledNotificationParam, context: NotificationContext<RoleServer>) {
        self.note(&context.extensions);
    }
}

fn call() -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "x"}}).to_string()
}

fn cancelled() -> String {
    json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}).to_string()
}

/// A call and a cancellation over a connection of its own: the two names that the handler saw.
async fn over_lines(recorder: &Recorder, seen: &mut Seen) -> [ConnectionId; 2] {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let settings = ConnectionSettings::default();
    let serving = jsonrpc::serve(recorder.clone(), tokio::io::split(theirs), settings, Lifecycle::default());
    let serving = tokio::spawn(serving);
    let (read, mut write) = tokio::io::split(ours);
    let mut lines = BufReader::new(read).lines();
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
    let mut names = Vec::new();
    for (said, is_answered, is_seen) in [
        (hello("2025-11-25"), true, false),
        (ready, false, false),
        (call(), true, true),
        (cancelled(), false, true),
    ] {
        write.write_all(format!("{said}\n").as_bytes()).await.unwrap();
        if is_answered {
            lines.next_line().await.unwrap().unwrap();
        }
        if is_seen {
            names.push(next(seen).await);
        }
    }
    drop((write, lines));
    serving.await.unwrap().unwrap();
    names.try_into().unwrap()
}

async fn next(seen: &mut Seen) -> ConnectionId {
    seen.recv().await.unwrap().expect("the message names its connection")
}

/// Two clients that number their requests alike must not cancel each other's.
#[tokio::test]
async fn messages_of_one_connection_share_its_name() {
    let (to, mut seen) = mpsc::unbounded_channel();
    let recorder = Recorder(to);
    let mut names = Vec::new();
    for _ in 0..2 {
        let [of_call, of_cancellation] = over_lines(&recorder, &mut seen).await;
        assert_eq!(of_call, of_cancellation);
        names.push(of_call);
    }
    let door = open_for(recorder.clone(), ServerSettings::default(), McpSettings::default()).await;
    for _ in 0..2 {
        let hello = door.hello().await;
        let session = hello.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")).unwrap();
        let more = format!("mcp-session-id: {session}\r\nmcp-protocol-version: 2025-11-25\r\n");
        let mut of_session = Vec::new();
        for said in [call(), cancelled()] {
            let answer = door.post_with(MCP_PATH, &more, &said).await;
            assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
            of_session.push(next(&mut seen).await);
        }
        assert_eq!(of_session[0], of_session[1]);
        names.push(of_session[0]);
    }
    // Without a session each request is a connection of its own.
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {}});
    let call =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "x", "_meta": meta}});
    for _ in 0..2 {
        let answer = door.ask(&posted(&call.to_string())).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        names.push(next(&mut seen).await);
    }
    door.end().await;
    let different: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(different.len(), 6, "{names:?}");
}
