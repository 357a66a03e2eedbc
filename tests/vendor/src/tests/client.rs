//! An HTTP/1.1 client that hides nothing: one socket, hand-written requests, chunks as they came.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::Vendor;

pub(super) struct Client {
    socket: BufReader<TcpStream>,
    host: String,
}

/// A whole reply, as far as it came.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) head: String,
    /// HTTP chunks; one item for a body with a length.
    pub(super) chunks: Vec<Vec<u8>>,
    /// Whether the body ended as HTTP says it must.
    pub(super) complete: bool,
}

impl Client {
    pub(super) async fn connect(vendor: &Vendor) -> Self {
        let host = vendor.origin().trim_start_matches("http://").to_owned();
        Self { socket: BufReader::new(TcpStream::connect(&host).await.unwrap()), host }
    }

    pub(super) async fn send(&mut self, method: &str, path: &str, body: &str) {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer key\r\nContent-Length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        );
        self.socket.write_all(request.as_bytes()).await.unwrap();
    }

    pub(super) async fn ask(&mut self, body: &Value) -> Reply {
        self.send("POST", "/v1/chat/completions", &body.to_string()).await;
        self.read().await
    }

    pub(super) async fn get(&mut self, path: &str) -> Reply {
        self.send("GET", path, "").await;
        self.read().await
    }

    /// The status line and headers; empty when the connection ended before them.
    pub(super) async fn read_head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.socket.read_line(&mut head).await.unwrap_or(0) == 0 {
                break;
            }
        }
        head.to_lowercase()
    }

    /// The next HTTP chunk: `None` when the connection broke off, empty at the regular end.
    pub(super) async fn read_chunk(&mut self) -> Option<Vec<u8>> {
        let mut line = String::new();
        self.socket.read_line(&mut line).await.ok()?;
        let size = usize::from_str_radix(line.trim_end(), 16).ok()?;
        let mut chunk = vec![0; size + 2];
        self.socket.read_exact(&mut chunk).await.ok()?;
        chunk.truncate(size);
        Some(chunk)
    }

    pub(super) async fn read(&mut self) -> Reply {
        let head = self.read_head().await;
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        let mut reply = Reply { status, head, chunks: Vec::new(), complete: false };
        if let Some(length) = reply.header("content-length") {
            let mut body = Vec::new();
            let length: usize = length.parse().unwrap();
            (&mut self.socket).take(length as u64).read_to_end(&mut body).await.unwrap();
            reply.complete = body.len() == length;
            reply.chunks.push(body);
        } else {
            while let Some(chunk) = self.read_chunk().await {
                if chunk.is_empty() {
                    reply.complete = true;
                    break;
                }
                reply.chunks.push(chunk);
            }
        }
        reply
    }

    /// Whether the vendor has closed the connection, without another byte.
    pub(super) async fn is_closed(&mut self) -> bool {
        matches!(self.socket.read(&mut [0; 1]).await, Ok(0) | Err(_))
    }
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.chunks.concat()).unwrap()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// What stands after `data: `, line by line.
    pub(super) fn data(&self) -> Vec<String> {
        self.text().lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect()
    }

    /// The events that are JSON.
    pub(super) fn events(&self) -> Vec<Value> {
        self.data().iter().filter_map(|data| serde_json::from_str(data).ok()).collect()
    }

    /// The deltas under this key, joined.
    pub(super) fn deltas(&self, key: &str) -> String {
        self.events()
            .iter()
            .filter_map(|event| event["choices"][0]["delta"][key].as_str().map(str::to_owned))
            .collect()
    }
}

pub(super) fn plain(model: &str, prompt: &str) -> Value {
    json!({"model": model, "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": prompt}]})
}

pub(super) fn streamed(model: &str, prompt: &str) -> Value {
    let mut body = plain(model, prompt);
    body["stream"] = json!(true);
    body["stream_options"] = json!({"include_usage": true});
    body
}
