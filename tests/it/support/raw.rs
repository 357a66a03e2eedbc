//! The program as a child process, driven line by line: for what no well-behaved client sends.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout},
};

use super::{Setup, within};

/// A running server and its pipes.
pub(crate) struct Raw {
    pub(crate) child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

impl Raw {
    /// Starts the server; no handshake yet.
    pub(crate) fn start(setup: &Setup) -> Self {
        let mut command = setup.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program can be started");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { child, input, output }
    }

    /// Starts the server and shakes hands.
    pub(crate) async fn ready(setup: &Setup) -> Self {
        let mut raw = Self::start(setup);
        let hello = json!({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}});
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

    /// The next message. Every line on standard output must be one.
    pub(crate) async fn next(&mut self) -> Value {
        self.try_next().await.expect("the output is still open")
    }

    /// The next message, or `None` at the end of the output.
    pub(crate) async fn try_next(&mut self) -> Option<Value> {
        let line = within("a line of output", self.output.next_line()).await.expect("the output is text")?;
        Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("standard output holds only JSON-RPC ({error}): {line}")))
    }

    /// Closes the program's input.
    pub(crate) fn close_input(&mut self) {
        self.input = None;
    }

    /// Waits for the end of the process and returns its exit code.
    pub(crate) async fn exit_code(&mut self) -> i32 {
        within("the end of the program", self.child.wait()).await.expect("a status").code().unwrap_or(-1)
    }
}
