//! The event that opens a stream, as its bytes on a socket.

use super::*;

const EVENT: &str = "data: \nid: 0\nretry: 3000\n\n";

/// Sends a request and reads until `wanted` has come; a stream of its own never ends.
async fn read_until(door: &Open, request: &str, wanted: &str) -> String {
    let mut socket = TcpStream::connect(door.address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    while !String::from_utf8_lossy(&bytes).contains(wanted) {
        let read = tokio::time::timeout(Duration::from_secs(20), socket.read_buf(&mut bytes)).await;
        assert!(read.expect("it comes").unwrap() > 0, "{}", String::from_utf8_lossy(&bytes));
    }
    String::from_utf8(bytes).unwrap()
}

fn session_of(answer: &str) -> String {
    let line = answer.lines().find_map(|line| line.strip_prefix("mcp-session-id: "));
    line.expect(answer).to_owned()
}

/// The answers of a session: to its first message, to a request, and the first bytes of the stream that it listens to.
async fn of_session(door: &Open, revision: &str) -> [String; 3] {
    let first = door.post(MCP_PATH, &hello(revision)).await;
    let session = session_of(&first);
    let more = format!("mcp-session-id: {session}\r\n");
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
    assert!(door.post_with(MCP_PATH, &more, &ready).await.starts_with("HTTP/1.1 202"));
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
    let second = door.post_with(MCP_PATH, &more, &ping).await;
    let listen =
        format!("GET {MCP_PATH} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n{more}\r\n");
    let third = read_until(door, &listen, "\r\n\r\n").await;
    [first, second, third]
}

/// The TypeScript SDK parses the empty data as a message before its version 1.24, and its clients then have no tools.
#[tokio::test]
async fn older_clients_see_messages_only() {
    let door = open(ServerSettings::default()).await;
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "no revision"] {
        for answer in of_session(&door, revision).await {
            assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("text/event-stream"), "{answer}");
            assert!(!answer.contains("retry:") && !answer.contains("data: \n"), "{revision}: {answer}");
        }
    }
    door.end().await;
}

#[tokio::test]
async fn newer_clients_get_the_event() {
    let door = open(ServerSettings::default()).await;
    for revision in ["2025-11-25", "2026-07-28"] {
        let [first, second, _] = of_session(&door, revision).await;
        assert!(first.contains(EVENT), "{first}");
        assert!(second.contains("retry: 3000") && second.contains("\"result\":{}"), "{second}");
        let listen = format!(
            "GET {MCP_PATH} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\nmcp-session-id: {}\r\n\r\n",
            session_of(&first)
        );
        assert!(read_until(&door, &listen, "retry: 3000").await.contains("data: \n"));
    }
    door.end().await;
}

/// Without sessions there is no stream to come back to, whatever the client knows.
#[tokio::test]
async fn no_event_without_sessions() {
    let sessions = SessionLimits { all: 0, each: 0 };
    let mcp = McpSettings { sessions, ..McpSettings::default() };
    let door = open_for(Nothing, ServerSettings::default(), mcp).await;
    for revision in ["2025-06-18", "2025-11-25"] {
        let more = format!("mcp-protocol-version: {revision}\r\n");
        let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
        for answer in
            [door.post(MCP_PATH, &hello(revision)).await, door.post_with(MCP_PATH, &more, &list).await]
        {
            assert!(answer.contains("\"result\":") && !answer.contains("retry:"), "{revision}: {answer}");
        }
    }
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {}});
    let list =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}}).to_string();
    let more = "mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/list\r\n";
    let answer = door.post_with(MCP_PATH, more, &list).await;
    assert!(answer.contains("\"result\":") && !answer.contains("retry:"), "{answer}");
    door.end().await;
}
