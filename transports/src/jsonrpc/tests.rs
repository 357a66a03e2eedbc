//! A client on the other end of two pipes. Time is paused: waiting costs nothing and is exact.

mod bad_lines;
mod closing;
mod flow;
mod lifecycles;

use std::sync::{Arc, Mutex};

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ServerCapabilities,
        ServerConfig, SubscriptionFilter,
    },
    service::RequestContext,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines},
    sync::Notify,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{ConnectionSettings, Ended, Lifecycle, serve};
use crate::TransportError;

/// A server whose tools misbehave in all ways that matter to a transport.
#[derive(Clone)]
pub(super) struct Tools {
    closing: CancellationToken,
    /// One for each call of `gate` or `deaf` that has begun.
    entered: Arc<Notify>,
    /// Lets one call of `gate` or `deaf` go on.
    release: Arc<Notify>,
    /// Lets the thread of a call of `block` go on.
    unblock: Arc<Mutex<Option<std::sync::mpsc::Receiver<()>>>>,
}

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().enable_tool_list_changed().build())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        match request.name.as_ref() {
            "echo" => {}
            "big" => return text("x".repeat(100_000)),
            "gate" => {
                self.entered.notify_one();
                tokio::select! {
                    () = self.release.notified() => {}
                    () = context.ct.cancelled() => {}
                }
            }
            "deaf" => {
                self.entered.notify_one();
                self.release.notified().await;
                return text("late");
            }
            "polite" => {
                self.entered.notify_one();
                self.closing.cancelled().await;
                return text("interrupted: the client closed the connection");
            }
            "stuck" => {
                self.entered.notify_one();
                std::future::pending::<()>().await;
            }
            "block" => {
                self.entered.notify_one();
                let unblock = self.unblock.lock().unwrap().take().unwrap();
                unblock.recv().unwrap();
            }
            "panic" => panic!("a tool panicked"),
            other => return Err(ErrorData::invalid_params(format!("no tool {other}"), None)),
        }
        text("done")
    }
}

fn text(text: impl Into<String>) -> Result<CallToolResponse, ErrorData> {
    Ok(CallToolResult::success(vec![ContentBlock::text(text.into())]).into())
}

/// A client that writes lines and reads lines.
struct Client {
    input: Option<DuplexStream>,
    output: Option<Lines<BufReader<DuplexStream>>>,
    server: JoinHandle<Result<Ended, TransportError>>,
    lifecycle: Lifecycle,
    tools: Tools,
    unblock: std::sync::mpsc::Sender<()>,
}

fn settings() -> ConnectionSettings {
    ConnectionSettings::default()
}

impl Client {
    /// Connects through pipes that hold `pipe` bytes.
    fn connect_through(pipe: usize, settings: ConnectionSettings) -> Self {
        let (input, server_input) = tokio::io::duplex(pipe);
        let (server_output, output) = tokio::io::duplex(pipe);
        let lifecycle = Lifecycle::default();
        let (unblock, blocked) = std::sync::mpsc::channel();
        let tools = Tools {
            closing: lifecycle.closing.clone(),
            entered: Arc::default(),
            release: Arc::default(),
            unblock: Arc::new(Mutex::new(Some(blocked))),
        };
        let server =
            tokio::spawn(serve(tools.clone(), (server_input, server_output), settings, lifecycle.clone()));
        let output = Some(BufReader::new(output).lines());
        Self { input: Some(input), output, server, lifecycle, tools, unblock }
    }

    /// Connects and shakes hands.
    async fn connect(settings: ConnectionSettings) -> Self {
        let mut client = Self::connect_through(64 * 1024, settings);
        client.initialize().await;
        client
    }

    async fn initialize(&mut self) {
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
        self.request(json!("init"), "initialize", params).await;
        let reply = self.read().await;
        assert_eq!(
            (&reply["id"], &reply["result"]["protocolVersion"]),
            (&json!("init"), &json!("2025-11-25"))
        );
        self.line(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string()).await;
    }

    async fn line(&mut self, line: impl AsRef<[u8]>) {
        let input = self.input.as_mut().unwrap();
        input.write_all(line.as_ref()).await.unwrap();
        input.write_all(b"\n").await.unwrap();
    }

    async fn request(&mut self, id: Value, method: &str, params: Value) {
        self.line(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()).await;
    }

    async fn call(&mut self, id: impl Into<Value>, tool: &str) {
        self.request(id.into(), "tools/call", json!({ "name": tool })).await;
    }

    /// Calls and waits until the handler runs.
    async fn call_and_enter(&mut self, id: impl Into<Value>, tool: &str) {
        self.call(id, tool).await;
        self.tools.entered.notified().await;
    }

    async fn next(&mut self) -> Option<Value> {
        let line = self.output.as_mut().unwrap().next_line().await.unwrap()?;
        Some(serde_json::from_str(&line).unwrap())
    }

    async fn read(&mut self) -> Value {
        self.next().await.expect("the server closed its output")
    }

    /// The id and the text of the next answer, which is the result of a tool.
    async fn read_text(&mut self) -> (Value, String) {
        let reply = self.read().await;
        (reply["id"].clone(), reply["result"]["content"][0]["text"].as_str().expect("a text").to_owned())
    }

    /// The id and the code of the next answer, which is an error.
    async fn read_error(&mut self) -> (Value, i64) {
        let reply = self.read().await;
        (reply["id"].clone(), reply["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error: {reply}")))
    }

    /// Proves that the connection lives: nothing else comes before the answer to a ping.
    async fn ping(&mut self) {
        self.request(json!("alive"), "ping", json!({})).await;
        assert_eq!(self.read().await, json!({"jsonrpc": "2.0", "id": "alive", "result": {}}));
    }

    fn close_input(&mut self) {
        self.input = None;
    }

    /// Waits for the end of the service; nothing more must come from it.
    async fn end(mut self) -> Ended {
        if self.output.is_some() {
            assert_eq!(self.next().await, None);
        }
        self.server.await.unwrap().unwrap()
    }
}
