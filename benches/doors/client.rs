//! A client of streamable HTTP that does no more than it must: one connection that is kept, one request after another.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// One session.
pub(crate) struct Session {
    socket: TcpStream,
    address: SocketAddr,
    /// The headers of every message.
    headers: String,
    received: Vec<u8>,
}

/// The status of an answer and its bytes.
pub(crate) type Answer = (u16, usize);

impl Session {
    /// Connects, without a word.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.expect("the server accepts");
        socket.set_nodelay(true).expect("a socket");
        Self { socket, address, headers: String::new(), received: Vec::with_capacity(16 * 1024) }
    }

    /// Connects and shakes hands.
    pub(crate) async fn open(address: SocketAddr, key: Option<&str>) -> Self {
        let mut session = Self::connect(address).await;
        if let Some(key) = key {
            session.headers = format!("authorization: Bearer {key}\r\n");
        }
        let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}});
        let (status, _) = session.post(&hello).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&session.received));
        let head = String::from_utf8_lossy(&session.received).to_lowercase();
        let id = head.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")).expect("a session");
        session.headers =
            format!("{}mcp-session-id: {id}\r\nmcp-protocol-version: 2025-11-25\r\n", session.headers);
        session.post(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        session
    }

    /// Sends a message and reads the whole answer.
    pub(crate) async fn post(&mut self, message: &Value) -> Answer {
        let body = message.to_string();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\n{}\
             content-length: {}\r\n\r\n{body}",
            self.address,
            self.headers,
            body.len()
        );
        self.request(head.as_bytes()).await
    }

    /// Ends the session.
    pub(crate) async fn end(&mut self) -> Answer {
        let head = format!(
            "DELETE /mcp HTTP/1.1\r\nhost: {}\r\n{}content-length: 0\r\n\r\n",
            self.address, self.headers
        );
        self.request(head.as_bytes()).await
    }

    /// Sends a request as it stands and reads the whole answer.
    pub(crate) async fn request(&mut self, request: &[u8]) -> Answer {
        self.socket.write_all(request).await.expect("the server reads");
        self.received.clear();
        loop {
            let read = self.socket.read_buf(&mut self.received).await.expect("an answer");
            assert!(read > 0, "the server hung up: {}", String::from_utf8_lossy(&self.received));
            if let Some(status) = whole(&self.received) {
                return (status, self.received.len());
            }
        }
    }
}

/// The status of an answer that is all there.
fn whole(bytes: &[u8]) -> Option<u16> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..end]).expect("a head is text");
    let status = head.get(9..12)?.parse().ok()?;
    let value = |name: &str| {
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let is_whole = match (value("content-length"), value("transfer-encoding")) {
        (Some(length), _) => bytes.len() >= end + length.parse::<usize>().expect("a length"),
        (None, Some(_)) => bytes.ends_with(b"0\r\n\r\n"),
        (None, None) => true,
    };
    is_whole.then_some(status)
}
