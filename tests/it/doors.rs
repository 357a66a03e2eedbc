//! What must hold at every door alike: a cancellation reaches the vendor, and a client that dies at any point of a call leaves nothing
//! behind.

use std::time::Duration;

use exai_mock_vendor::{Answer, Gate};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::support::{CLIENT, MODEL, Raw, Served, Setup, discover_meta, modern, tool_call, within};

/// How long a cancellation may take to reach the vendor.
const REACHES: Duration = Duration::from_secs(2);

fn arguments(prompt: &str) -> Value {
    json!({"prompt": prompt, "model": MODEL})
}

fn call(id: u32, prompt: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "chat", "arguments": arguments(prompt)}})
}

fn cancelled(id: u32) -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}})
}

async fn silent() -> Setup {
    let setup = Setup::new().await.with("EXAI_RATE", "0").with("EXAI_CLIENT_RATE", "0");
    setup.vendor.default_answer(Answer::never());
    setup
}

async fn reaches_the_vendor(setup: &Setup, so_many: usize) {
    timeout(REACHES, setup.vendor.wait_for_disconnects(so_many)).await.expect("the vendor is let go of");
}

/// A cancellation reaches the vendor in a session over HTTP.
#[tokio::test]
async fn a_session_over_http_can_cancel() {
    let setup = silent().await;
    let served = Served::start(&setup).await;
    let session = served.session(&[]).await;
    let headers = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", "2025-11-25")];
    let all: Vec<_> = CLIENT.iter().chain(&headers).copied().collect();
    let _open = served.send("POST", "/mcp", &all, &call(7, "one").to_string()).await;
    within("the request upstream", setup.vendor.wait_for_calls(1)).await;
    assert_eq!(served.post(&cancelled(7), &headers).await.status, 202);
    reaches_the_vendor(&setup, 1).await;
}

#[tokio::test]
async fn a_cancellation_reaches_the_vendor_over_sse() {
    let setup = silent().await;
    let served = Served::start(&setup).await;
    let mut stream = served.send("GET", "/sse", &[("accept", "text/event-stream")], "").await;
    let mut head = vec![0; 4096];
    let mut said = String::new();
    while !said.contains("sessionId=") || !said.ends_with("\n\n") {
        let length = within("the endpoint", stream.read(&mut head)).await.unwrap();
        said.push_str(&String::from_utf8_lossy(&head[..length]));
        said = said.replace("\r\n", "\n");
    }
    let path = said.lines().find_map(|line| line.strip_prefix("data: ")).expect("a path").to_owned();
    let params = json!({"name": "chat", "arguments": arguments("one"), "_meta": discover_meta()});
    let message = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params});
    assert_eq!(served.request("POST", &path, &CLIENT, &message.to_string()).await.status, 202);
    within("the request upstream", setup.vendor.wait_for_calls(1)).await;
    assert_eq!(served.request("POST", &path, &CLIENT, &cancelled(7).to_string()).await.status, 202);
    reaches_the_vendor(&setup, 1).await;
}

#[tokio::test]
async fn a_bridge_can_cancel() {
    let setup = silent().await;
    let served = Served::start(&setup).await;
    let mut command = setup.command();
    command.args(["connect", &format!("ws://{}", served.address)]);
    let mut raw = Raw::of(command);
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}});
    raw.request("initialize", hello).await;
    raw.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    raw.send(&call(7, "one").to_string()).await;
    within("the request upstream", setup.vendor.wait_for_calls(1)).await;
    raw.send(&cancelled(7).to_string()).await;
    reaches_the_vendor(&setup, 1).await;
}

/// Hanging up is a cancellation where the user wants it.
#[tokio::test]
async fn hanging_up_may_cancel() {
    for (policy, ends) in [("cancel", true), ("finish", false)] {
        let setup = silent().await.with("EXAI_ON_DISCONNECT", policy);
        let served = Served::start(&setup).await;
        let headers: Vec<_> = CLIENT.iter().copied().chain(modern("chat")).collect();
        let body = tool_call("chat", &arguments("one")).to_string();
        let open = served.send("POST", "/mcp", &headers, &body).await;
        within("the request upstream", setup.vendor.wait_for_calls(1)).await;
        drop(open);
        let let_go = timeout(REACHES, setup.vendor.wait_for_disconnects(1)).await.is_ok();
        assert_eq!(let_go, ends, "{policy}");
    }
}

/// Waits until a figure has come down to a value.
async fn comes_down(served: &Served, name: &str, to: f64) {
    let down = async {
        while served.figure(name).await > to {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within(name, down).await;
}

/// Sends so many bytes of a request and hangs up.
async fn die_after(served: &Served, bytes: &[u8]) {
    let mut socket = TcpStream::connect(served.address).await.unwrap();
    socket.write_all(bytes).await.unwrap();
    socket.set_zero_linger().unwrap();
}

#[tokio::test]
async fn a_dying_client_leaves_nothing_behind() {
    let setup = Setup::new().await.with("EXAI_RATE", "0").with("EXAI_CLIENT_RATE", "0");
    let gate = Gate::new();
    setup.vendor.default_answer(Answer::text("hello").gated(&gate));
    let served = Served::start(&setup).await;
    let host = served.address.to_string();
    let body = tool_call("chat", &arguments("one")).to_string();
    let http = format!(
        "POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\naccept: */*\r\nmcp-protocol-version: 2026-07-28\r\n\
         mcp-method: tools/call\r\nmcp-name: chat\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let upgrade = format!(
        "GET /ws HTTP/1.1\r\nhost: {host}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: mcp\r\n\r\n"
    );
    let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}});
    let session = format!(
        "POST /mcp HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\naccept: */*\r\ncontent-length: {}\r\n\r\n{hello}",
        hello.to_string().len()
    );
    let mut framed = upgrade.clone().into_bytes();
    framed.extend(frame(&body));
    let sse = format!("GET /sse HTTP/1.1\r\nhost: {host}\r\naccept: text/event-stream\r\n\r\n");
    for whole in [http.as_bytes(), upgrade.as_bytes(), session.as_bytes(), &framed, sse.as_bytes()] {
        for sixteenth in 0..=16 {
            die_after(&served, &whole[..whole.len() * sixteenth / 16]).await;
        }
    }
    // And once in the middle of a consultation.
    let mut socket = TcpStream::connect(served.address).await.unwrap();
    socket.write_all(http.as_bytes()).await.unwrap();
    within("the request upstream", setup.vendor.wait_for_calls(1)).await;
    socket.set_zero_linger().unwrap();
    drop(socket);
    // Whatever was begun is finished, and everything is given back.
    gate.open();
    comes_down(&served, "exai_active_connections", 1.0).await;
    comes_down(&served, "exai_consultations", 0.0).await;
    comes_down(&served, "exai_permits_in_use{of=\"all\"}", 0.0).await;
    assert_eq!(setup.vendor.calls().len(), 1, "equal calls of one owner are one consultation");
    assert_eq!(served.call("chat", &arguments("one"), &[]).await.tool()["content"], "hello");
    assert_eq!(setup.vendor.calls().len(), 1);
}

/// A text frame as a client sends it: masked, here with zeros.
fn frame(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap().to_be_bytes();
    let mut bytes = vec![0x81, 0xFE, length[0], length[1], 0, 0, 0, 0];
    bytes.extend(text.as_bytes());
    bytes
}

/// A client of revision 2025-11-25 whose stream broke takes it up at the event that it saw last.
#[tokio::test]
async fn a_broken_stream_is_taken_up() {
    let setup = Setup::new().await;
    let gate = Gate::new();
    setup.vendor.default_answer(Answer::text("hello").gated(&gate));
    let served = Served::start(&setup).await;
    let session = served.session(&[]).await;
    let known = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", "2025-11-25")];
    let headers: Vec<_> = CLIENT.iter().chain(&known).copied().collect();
    let mut open = served.send("POST", "/mcp", &headers, &call(7, "one").to_string()).await;
    let mut said = String::new();
    until(&mut open, &mut said, "retry: ").await;
    within("the request upstream", setup.vendor.wait_for_calls(1)).await;
    let last = said.lines().find_map(|line| line.strip_prefix("id: ")).expect("an id").trim().to_owned();
    drop(open);
    let headers: Vec<_> =
        known.iter().copied().chain([("accept", "text/event-stream"), ("last-event-id", &last)]).collect();
    let mut again = served.send("GET", "/mcp", &headers, "").await;
    gate.open();
    let mut said = String::new();
    until(&mut again, &mut said, "hello").await;
    assert!(said.contains("\"id\":7"), "{said}");
    assert_eq!(setup.vendor.stats().calls, 1);
}

/// Reads a stream until its text contains something.
async fn until(stream: &mut TcpStream, said: &mut String, wanted: &str) {
    let mut buffer = [0; 4096];
    while !said.contains(wanted) {
        let length = within(wanted, stream.read(&mut buffer)).await.unwrap();
        assert!(length > 0, "the stream ended: {said}");
        said.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
}
