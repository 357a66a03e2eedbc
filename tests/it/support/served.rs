//! `exai-mcp serve` as a child process, spoken to with plain HTTP over a socket: what goes over the wire is written and read here.

use std::{collections::BTreeMap, net::SocketAddr, process::Stdio};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    process::{Child, ChildStderr, Command},
};

use super::{Setup, discover_meta, within};

/// A running server.
pub(crate) struct Served {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    _log: tokio::task::JoinHandle<()>,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answered {
    /// The JSON of the body, or the last message of an event stream.
    pub(crate) fn json(&self) -> Value {
        let mut events = self.body.lines().filter_map(|line| line.strip_prefix("data: "));
        let last = events.rfind(|data| data.starts_with('{'));
        let text = last.unwrap_or(&self.body);
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The answer of a tool.
    pub(crate) fn tool(&self) -> Value {
        let message = self.json();
        let text = message["result"]["content"][0]["text"].as_str();
        let text = text.unwrap_or_else(|| panic!("a tool's answer, not {message:#}"));
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }
}

/// The headers of a client.
pub(crate) const CLIENT: [(&str, &str); 2] =
    [("content-type", "application/json"), ("accept", "application/json, text/event-stream")];

impl Served {
    /// Starts it on a free port.
    pub(crate) async fn start(setup: &Setup) -> Self {
        Self::start_at(setup, "127.0.0.1:0", &[]).await
    }

    /// Starts it at an address, with further arguments.
    pub(crate) async fn start_at(setup: &Setup, listen: &str, more: &[&str]) -> Self {
        let mut command = setup.command();
        command.args(["serve", "--listen", listen]).args(more);
        Self::of(command).await
    }

    /// Starts a command that becomes a server on TCP.
    pub(crate) async fn of(command: Command) -> Self {
        Self::begin(command, true).await
    }

    /// Starts it on a free port. Nobody reads its log once it has told its address; the pipe stays open.
    pub(crate) async fn unread(setup: &Setup) -> Self {
        let mut command = setup.command();
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        Self::begin(command, false).await
    }

    async fn begin(mut command: Command, is_read: bool) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program can be started");
        let mut log = BufReader::new(child.stderr.take().expect("a pipe"));
        let address = within("the server's address", told_address(&mut log)).await;
        let log = tokio::spawn(async move {
            if !is_read {
                std::future::pending::<()>().await;
            }
            let mut rest = String::new();
            drop(log.read_to_string(&mut rest).await);
        });
        Self { child, address, _log: log }
    }

    /// A request and its answer, on a connection of its own.
    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answered {
        let socket = self.send(method, path, headers, body).await;
        within("the answer", read(socket)).await
    }

    /// Sends a request; the answer is still to be read.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> TcpStream {
        let mut socket = TcpStream::connect(self.address).await.expect("the server accepts");
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        if !headers.iter().any(|(name, _)| *name == "host") {
            head.push_str(&format!("host: {}\r\n", self.address));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        socket.write_all(format!("{head}\r\n{body}").as_bytes()).await.expect("the server reads");
        socket
    }

    /// A message of the protocol, with further headers.
    pub(crate) async fn post(&self, message: &Value, more: &[(&str, &str)]) -> Answered {
        let headers: Vec<(&str, &str)> = CLIENT.iter().chain(more).copied().collect();
        self.request("POST", "/mcp", &headers, &message.to_string()).await
    }

    /// Opens a session of the older revisions; its id.
    pub(crate) async fn session(&self, more: &[(&str, &str)]) -> String {
        let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}});
        let answer = self.post(&hello, more).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let id = answer.headers["mcp-session-id"].clone();
        let mut headers = more.to_vec();
        headers.push(("mcp-session-id", &id));
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(self.post(&ready, &headers).await.status, 202);
        id
    }

    /// A call of a tool without a session, as revision 2026-07-28 has it.
    pub(crate) async fn call(&self, tool: &str, arguments: &Value, more: &[(&str, &str)]) -> Answered {
        let headers: Vec<(&str, &str)> = modern(tool).into_iter().chain(more.iter().copied()).collect();
        self.post(&tool_call(tool, arguments), &headers).await
    }

    /// The value of a figure that it shows, by the beginning of its line.
    pub(crate) async fn figure(&self, name: &str) -> f64 {
        let answer = self.request("GET", "/metrics", &[], "").await;
        let line =
            answer.body.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}"));
        line.rsplit(' ').next().expect("a value").parse().expect("a number")
    }

    /// Asks the process to end.
    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let status = std::process::Command::new("kill").args([signal, &pid]).status();
        assert!(status.expect("kill can be run").success());
    }

    /// Waits for its end; the exit code and what stood on standard output.
    pub(crate) async fn ended(mut self) -> (i32, String) {
        let status = within("the end of the server", self.child.wait()).await.expect("it can be waited for");
        let mut printed = String::new();
        self.child.stdout.take().expect("a pipe").read_to_string(&mut printed).await.expect("text");
        (status.code().unwrap_or(-1), printed)
    }
}

/// The headers of a call in revision 2026-07-28.
pub(crate) fn modern(tool: &str) -> [(&str, &str); 3] {
    [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", tool)]
}

/// The message of a call in that revision.
pub(crate) fn tool_call(tool: &str, arguments: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": tool, "arguments": arguments, "_meta": discover_meta()}})
}

async fn told_address(log: &mut BufReader<ChildStderr>) -> SocketAddr {
    loop {
        let mut line = String::new();
        assert!(log.read_line(&mut line).await.expect("the log can be read") > 0, "the server ended");
        if let Some((_, rest)) = line.trim().split_once("exai-mcp listens on http") {
            let address = rest.trim_start_matches("s").trim_start_matches("://").trim_end_matches("/mcp");
            return address.parse().expect("an address");
        }
    }
}

/// Reads an answer to the end of its connection.
pub(crate) async fn read(mut socket: TcpStream) -> Answered {
    let mut bytes = Vec::new();
    // A server that has refused a body may reset the connection behind its answer.
    drop(socket.read_to_end(&mut bytes).await);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let mut lines = head.lines();
    let status =
        lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status").parse().expect("a number");
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let is_chunked = headers.get("transfer-encoding").is_some_and(|value| value == "chunked");
    let body = if is_chunked { unchunked(body) } else { body.to_owned() };
    Answered { status, headers, body }
}

fn unchunked(mut rest: &str) -> String {
    let mut whole = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        let Some(chunk) = after.get(..size).filter(|_| size > 0) else { break };
        whole.push_str(chunk);
        rest = after.get(size + 2..).unwrap_or_default();
    }
    whole
}
