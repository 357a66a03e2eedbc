//! The program as a child process, driven line by line: for what no well-behaved client sends.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    task::JoinHandle,
};

use super::{Setup, within};

/// A running server and its pipes.
pub(crate) struct Raw {
    pub(crate) child: Child,
    input: Option<ChildStdin>,
    output: Option<Lines<BufReader<ChildStdout>>>,
    log: JoinHandle<String>,
    requests: u32,
}

/// The context that a client of revision 2026-07-28 sends with every request.
pub(crate) fn discover_meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
    })
}

impl Raw {
    /// Starts the server; no handshake yet.
    pub(crate) fn start(setup: &Setup) -> Self {
        Self::of(setup.command())
    }

    /// Starts a command that becomes the server, or brings it up.
    pub(crate) fn of(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program can be started");
        let input = child.stdin.take();
        let output = child.stdout.take().map(|pipe| BufReader::new(pipe).lines());
        let mut errors = child.stderr.take().expect("a pipe");
        // Read all the time: a program that logs a lot would stand still otherwise.
        let log = tokio::spawn(async move {
            let mut bytes = Vec::new();
            errors.read_to_end(&mut bytes).await.expect("the log can be read");
            String::from_utf8_lossy(&bytes).into_owned()
        });
        Self { child, input, output, log, requests: 0 }
    }

    /// Starts the server and shakes hands.
    pub(crate) async fn ready(setup: &Setup) -> Self {
        Self::ready_as(setup, "raw").await
    }

    /// Starts the server and shakes hands under the name of a client.
    pub(crate) async fn ready_as(setup: &Setup, client: &str) -> Self {
        let mut raw = Self::start(setup);
        let hello = json!({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": client, "version": "1"}}});
        raw.send(&hello.to_string()).await;
        let answer = raw.next().await;
        assert_eq!(answer["id"], "hello", "{answer}");
        raw.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
        raw
    }

    /// Sends one line.
    pub(crate) async fn send(&mut self, line: &str) {
        self.send_bytes(line.as_bytes()).await;
    }

    /// Sends one line of any bytes.
    pub(crate) async fn send_bytes(&mut self, line: &[u8]) {
        let input = self.input.as_mut().expect("the input is open");
        input.write_all(line).await.expect("the program reads");
        input.write_all(b"\n").await.expect("the program reads");
        input.flush().await.expect("the program reads");
    }

    /// Sends a call of a tool.
    pub(crate) async fn send_call(&mut self, id: i64, tool: &str, arguments: Value) {
        let call = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": arguments}});
        self.send(&call.to_string()).await;
    }

    /// Sends a request and waits for its answer; notifications in between are passed over.
    pub(crate) async fn request(&mut self, method: &str, params: Value) -> Value {
        self.requests += 1;
        let id = format!("request-{}", self.requests);
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()).await;
        loop {
            let message = self.next().await;
            if message.get("method").is_none() {
                assert_eq!(message["id"], id, "{message}");
                return message;
            }
        }
    }

    /// Calls a tool and returns its JSON text.
    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.request("tools/call", json!({"name": tool, "arguments": arguments})).await;
        let text =
            answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {answer}"));
        serde_json::from_str(text).expect("an answer is JSON")
    }

    /// The next message. Every line on standard output must be one.
    pub(crate) async fn next(&mut self) -> Value {
        self.try_next().await.expect("the output is still open")
    }

    /// The next message, or `None` at the end of the output.
    pub(crate) async fn try_next(&mut self) -> Option<Value> {
        let line = within("a line of output", self.output.as_mut().expect("the output is open").next_line())
            .await
            .expect("the output is text")?;
        Some(
            serde_json::from_str(&line)
                .unwrap_or_else(|error| panic!("standard output holds only JSON-RPC ({error}): {line}")),
        )
    }

    /// Sends the signal that makes the program read its configuration again.
    #[cfg(unix)]
    pub(crate) fn hang_up(&self) {
        let pid = self.child.id().expect("the program runs").to_string();
        let sent = std::process::Command::new("kill").args(["-HUP", &pid]).status().expect("kill can be run");
        assert!(sent.success(), "the signal is sent");
    }

    /// Closes the program's input.
    pub(crate) fn close_input(&mut self) {
        self.input = None;
    }

    /// Closes our end of the program's output.
    pub(crate) fn close_output(&mut self) {
        self.output = None;
    }

    /// The most memory that the process has ever held, in MiB.
    pub(crate) fn peak_memory(&self) -> u64 {
        super::peak_memory(self.child.id().expect("the program runs"))
    }

    /// Waits for the end of the process and returns its exit code.
    pub(crate) async fn exit_code(&mut self) -> i32 {
        within("the end of the program", self.child.wait()).await.expect("a status").code().unwrap_or(-1)
    }

    /// Waits for the end of the process; returns its exit code and everything that it logged.
    pub(crate) async fn end(mut self) -> (i32, String) {
        let code = self.exit_code().await;
        (code, within("the end of the log", self.log).await.expect("the log is read"))
    }
}
