//! MCP on a server over real sockets, with a handler that does nothing: what the bounds do when a client reaches them.

mod connections;
mod endings;
mod priming;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use exai_server::{Drained, Health, Lifecycle, Listener, ServerSettings, Trouble};
use rmcp::ServerHandler;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::*;

#[derive(Clone)]
struct Nothing;

impl ServerHandler for Nothing {}

struct Well;

#[async_trait]
impl Health for Well {
    async fn trouble(&self) -> Option<Trouble> {
        None
    }

    fn figures(&self) -> Value {
        json!({})
    }
}

struct Open {
    address: SocketAddr,
    lifecycle: Lifecycle,
    ended: JoinHandle<Drained>,
}

async fn open(settings: ServerSettings) -> Open {
    open_for(Nothing, settings, McpSettings::default()).await
}

/// For two sessions.
async fn open_for_two() -> Open {
    let sessions = SessionLimits { all: 2, each: 2 };
    let mcp = McpSettings { sessions, ..McpSettings::default() };
    open_for(Nothing, ServerSettings::default(), mcp).await
}

async fn open_for<H>(handler: H, settings: ServerSettings, mcp: McpSettings) -> Open
where
    H: ServerHandler + Clone + Send + Sync + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let lifecycle = Lifecycle::default();
    let server = mount(Server::new(settings, Arc::new(Well), lifecycle.clone()), handler, &mcp);
    let ended = tokio::spawn(server.serve(Listener::tcp(listener)));
    Open { address, lifecycle, ended }
}

impl Open {
    async fn ask(&self, request: &str) -> io::Result<String> {
        let mut socket = TcpStream::connect(self.address).await?;
        socket.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    async fn post(&self, path: &str, body: &str) -> String {
        self.post_with(path, "", body).await
    }

    /// With further lines in the head.
    async fn post_with(&self, path: &str, more: &str, body: &str) -> String {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\naccept: */*\r\n{more}content-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        self.ask(&(head + body)).await.unwrap()
    }

    async fn hello(&self) -> String {
        self.post(MCP_PATH, &hello("2025-11-25")).await
    }

    async fn end(self) -> Drained {
        self.lifecycle.shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.ended).await.expect("it ends").unwrap()
    }
}

fn hello(revision: &str) -> String {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": revision,
        "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}})
    .to_string()
}

#[tokio::test]
async fn sessions_beyond_the_most_are_refused() {
    let door = open_for_two().await;
    for _ in 0..2 {
        let answer = door.hello().await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("mcp-session-id: "), "{answer}");
    }
    let refused = door.hello().await;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("retry-after: 5"), "{refused}");
    door.end().await;
}

/// A page that may send no header of the protocol cannot speak it.
#[tokio::test]
async fn pages_may_use_the_protocols_headers() {
    let door = open(ServerSettings::default()).await;
    let asks = "OPTIONS /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\norigin: http://localhost:3000\r\naccess-control-request-method: POST\r\n\r\n";
    let answer = door.ask(asks).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    assert!(
        answer.contains(
            "access-control-allow-headers: authorization, content-type, accept, last-event-id, mcp-session-id, \
             mcp-protocol-version, mcp-method, mcp-name, x-api-key\r\n"
        ),
        "{answer}"
    );
    let answer = door.post_with("/mcp", "origin: http://localhost:3000\r\n", "{").await;
    let exposed = "access-control-expose-headers: mcp-session-id, mcp-protocol-version, retry-after, www-authenticate\r\n";
    assert!(answer.contains(exposed), "{answer}");
    door.end().await;
}

/// A path that reached the protocol and not what stands before it got past the bound of a message's values.
#[tokio::test]
async fn no_other_path_reaches_the_protocol() {
    let door = open(ServerSettings::default()).await;
    let many = format!("{{\"x\":[{}0]}}", "0,".repeat(30_000));
    for (path, refused) in [
        ("/mcp", "more than 20000 JSON values"),
        ("/mcp/", "more than 20000 JSON values"),
        ("/mcp?x=1", "more than 20000 JSON values"),
        ("/mcp/x", "not_found"),
        ("/mcp/%2e", "not_found"),
        ("/mcp//", "not_found"),
        ("//mcp", "not_found"),
        ("/%6dcp", "not_found"),
        ("/x/../mcp", "not_found"),
    ] {
        let answer = door.post(path, &many).await;
        assert!(answer.contains(refused), "{path}: {answer}");
    }
    door.end().await;
}

/// Revision 2026-07-28 has no sessions, so who named it was not counted; the SDK opens one for every `initialize`.
#[tokio::test]
async fn no_revision_opens_sessions_uncounted() {
    let door = open_for_two().await;
    let named = "mcp-protocol-version: 2026-07-28\r\n";
    let unreadable = "mcp-session-id: \u{e9}\r\nmcp-protocol-version: 2026-07-28\r\n";
    for (more, is_opened) in [(named, true), (unreadable, true), (named, false), (unreadable, false)] {
        let answer = door.post_with(MCP_PATH, more, &hello("2026-07-28")).await;
        assert_eq!(answer.contains("mcp-session-id: "), is_opened, "{answer}");
    }
    assert!(door.hello().await.starts_with("HTTP/1.1 503"));
    door.end().await;
}

/// What is there of a body takes memory for as long as the rest may come.
#[tokio::test]
async fn an_endless_body_is_given_up() {
    let settings = ServerSettings {
        max_body_bytes: 1024,
        header_wait: Duration::from_millis(200),
        ..ServerSettings::default()
    };
    let door = open(settings).await;
    for (path, status) in [("/mcp", "408"), ("/messages?sessionId=x", "404")] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: 1000\r\n\r\n{{\"a\":"
        );
        let answer = door.ask(&head).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
}

/// What the SDK cannot read it takes for a question of media types.
#[tokio::test]
async fn unreadable_numbers_are_parse_errors() {
    let door = open(ServerSettings::default()).await;
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for (inside, code) in [("1e999", "-32700"), (deep.as_str(), "-32700")] {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"x","arguments":{{"a":{inside}}}}}}}"#
        );
        let answer = door.ask(&posted(&body)).await.unwrap();
        assert!(answer.contains(code) && answer.contains(r#""id":7"#), "{inside}: {answer}");
    }
    let answer = door.ask(&posted(r#"{"jsonrpc":"2.0","id":7,"method":5}"#)).await.unwrap();
    assert!(answer.contains("-32600") && answer.contains(r#""id":7"#), "{answer}");
}

fn posted(body: &str) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\n\
         mcp-name: x\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}
