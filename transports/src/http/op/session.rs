//! One session: a connection to MCP that outlives the client's, and the translation between the two. It is one task, so that its events
//! happen one after the other.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::extract::ws::close_code;
use exai_server::dialect::Goodbye;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream},
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Surroundings,
    calls::{Call, Calls, Known, Pending},
    command::Command,
    delivery::Delivery,
    registry::{Entry, Registered},
    request::{self, Request},
    result,
};

/// How long a session without a connection is kept.
pub(super) const KEPT: Duration = Duration::from_secs(600);
/// Room for one read of answers.
const READ: usize = 2 * 1024;
/// Messages on their way to MCP.
const QUEUE: usize = 8;
/// What is negotiated: the newest revision with a handshake.
const REVISION: &str = "2025-11-25";
/// A tool's requests to a client that has declared nothing are answered with this.
const METHOD_NOT_FOUND: i64 = -32_601;

/// The task's state.
pub(super) struct Session {
    pub(super) entry: Entry,
    pub(super) surroundings: Arc<Surroundings>,
    calls: Calls,
    delivery: Delivery,
    /// What the server says of itself; absent until the handshake is over.
    server: Option<Value>,
    /// When the client went away.
    alone_since: Instant,
}

/// A place in the queue to MCP, taken before there is something to put there: the session never waits with a message in its hands.
type Place<'a> = mpsc::Permit<'a, Vec<u8>>;

impl Session {
    pub(super) fn new(entry: Entry, surroundings: Arc<Surroundings>) -> Self {
        Self {
            entry,
            surroundings,
            calls: Calls::default(),
            delivery: Delivery::default(),
            server: None,
            alone_since: Instant::now(),
        }
    }

    /// Runs until MCP ends, or until no client has come back in time.
    pub(super) async fn run(
        mut self,
        mcp: DuplexStream,
        mut commands: mpsc::Receiver<Command>,
        client: Value,
        _registered: Registered,
    ) {
        let (answers, mut messages) = tokio::io::split(mcp);
        let (to_mcp, mut queue) = mpsc::channel::<Vec<u8>>(QUEUE);
        let _writer = AbortOnDropHandle::new(tokio::spawn(async move {
            while let Some(message) = queue.recv().await {
                if messages.write_all(&message).await.is_err() {
                    return;
                }
            }
        }));
        if let Ok(place) = to_mcp.reserve().await {
            self.shake_hands(place, &client);
        }
        let end = self.entry.end.clone();
        let (mut answers, mut answer) = (BufReader::with_capacity(READ, answers), Vec::new());
        loop {
            let idle = !self.delivery.is_connected() && self.calls.is_empty();
            self.entry.idle.store(idle, Ordering::Relaxed);
            let command = async {
                let place = to_mcp.reserve().await.ok()?;
                Some((place, commands.recv().await?))
            };
            tokio::select! {
                read = answers.read_until(b'\n', &mut answer) => {
                    if matches!(read, Ok(0) | Err(_)) {
                        break;
                    }
                    if let Ok(message) = serde_json::from_slice(&answer) {
                        self.on_message(&message, &to_mcp).await;
                    }
                    answer = Vec::new();
                }
                command = command, if self.server.is_some() => match command {
                    Some((place, command)) => self.on_command(command, place).await,
                    None => break,
                },
                () = self.delivery.gone() => {
                    self.delivery.disconnect();
                    self.alone_since = Instant::now();
                }
                () = sleep_until(self.alone_since + KEPT), if !self.delivery.is_connected() => break,
                () = end.cancelled() => break,
            }
        }
        self.answer_all().await;
        self.delivery.close(Goodbye::new(close_code::AWAY, "the server has ended this connection")).await;
    }

    fn shake_hands(&mut self, place: Place<'_>, client: &Value) {
        let number = self.calls.begin(Pending::Handshake);
        place.send(message(&json!({"jsonrpc": "2.0", "id": number, "method": "initialize",
            "params": {"protocolVersion": REVISION, "capabilities": {}, "clientInfo": client}})));
    }

    /// A frame of the client, or a new connection of it.
    async fn on_command(&mut self, command: Command, place: Place<'_>) {
        match command {
            Command::Connect { socket, mut greeting, seen } => {
                greeting["server"] = self.server.clone().unwrap_or_default();
                greeting["in_flight"] = json!(self.calls.count());
                self.delivery.connect(socket, &greeting, seen).await;
            }
            Command::Frame { number, frame } if self.delivery.is_from(number) => {
                let (request_id, request) = request::parse(&frame);
                match request {
                    Ok(request) => self.on_request(request, request_id, place).await,
                    Err(refusal) => {
                        let frame = request::refused(request_id.as_ref(), &refusal);
                        self.delivery.say(&frame).await;
                    }
                }
            }
            // Of a connection that another one has taken the place of.
            Command::Frame { .. } => {}
        }
    }

    /// What the client asks for.
    async fn on_request(&mut self, request: Request<'_>, request_id: Option<Value>, place: Place<'_>) {
        let list = |number| message(&json!({"jsonrpc": "2.0", "id": number, "method": "tools/list"}));
        match request {
            Request::Call { name, arguments } => self.call(name, arguments, request_id, place).await,
            Request::ListTools => place.send(list(self.calls.begin(Pending::Tools { request_id }))),
            Request::Health => place.send(list(self.calls.begin(Pending::Health { request_id }))),
            Request::Cancel => self.cancel(request_id.unwrap_or_default(), place).await,
            Request::Ping => {
                let frame = self.frame("pong", request_id);
                self.delivery.say(&frame).await;
            }
            Request::RotateToken { old, new } => {
                let mut frame = self.frame("rotate_token_res", request_id);
                let rotated = self.surroundings.rotate(&old, &new).await;
                frame["ok"] = json!(rotated.is_ok());
                if let Err(error) = &rotated {
                    frame["error"] = json!(error);
                }
                self.delivery.say(&frame).await;
                // What was opened with the old key is closed now; this connection may be among it.
                drop(rotated);
            }
        }
    }

    async fn call(&mut self, name: String, arguments: &str, request_id: Option<Value>, place: Place<'_>) {
        let request_id = request_id.unwrap_or_else(|| self.calls.fresh_id());
        match self.calls.known(&request_id, &name, arguments) {
            Known::No => {}
            Known::Same => {
                let mut frame = self.frame("progress", Some(request_id));
                frame["note"] = json!("duplicate request; still processing");
                return self.delivery.say(&frame).await;
            }
            Known::Other => {
                let text = format!("request_id {request_id} belongs to another call that is under way");
                let error = json!({"code": "INVALID_REQUEST", "message": text, "details": {"request_id": request_id}});
                return self.delivery.say(&json!({"op": "error", "ok": false, "error": error})).await;
            }
        }
        let mut ack = self.frame("call_tool_ack", Some(request_id.clone()));
        ack["accepted"] = json!(true);
        ack["name"] = json!(name);
        ack["timeout"] = json!(self.surroundings.call_limit.as_secs());
        let number = self.calls.begin_call(request_id, name.clone(), arguments);
        place.send(tool_call(number, &name, arguments));
        self.delivery.say(&ack).await;
    }

    async fn cancel(&mut self, request_id: Value, place: Place<'_>) {
        let ended = self.calls.end_call(&request_id);
        let mut frame = self.frame("cancelled", Some(request_id));
        frame["found"] = json!(ended.is_some());
        if let Some((number, call)) = ended {
            place.send(message(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
                "params": {"requestId": number, "reason": "cancelled by the client"}})));
            let text = "the call was cancelled";
            self.delivery.result(result::without_answer(&call.request_id, "CANCELLED", text)).await;
        }
        self.delivery.say(&frame).await;
    }

    /// A message of MCP.
    async fn on_message(&mut self, said: &Value, to_mcp: &mpsc::Sender<Vec<u8>>) {
        match (said["method"].as_str(), said.get("id")) {
            (Some("notifications/progress"), None) => self.progress(&said["params"]).await,
            (Some(_), None) => {}
            (Some(method), Some(id)) => {
                let mut answer = json!({"jsonrpc": "2.0", "id": id});
                if method == "ping" {
                    answer["result"] = json!({});
                } else {
                    let text = "this client answers no questions";
                    answer["error"] = json!({"code": METHOD_NOT_FOUND, "message": text});
                }
                // With a full queue the question goes unanswered, as with a client that has gone.
                drop(to_mcp.try_send(message(&answer)));
            }
            (None, id) => {
                if let Some(pending) = id.and_then(Value::as_u64).and_then(|number| self.calls.end(number)) {
                    self.answered(pending, said, to_mcp).await;
                }
            }
        }
    }

    async fn progress(&mut self, note: &Value) {
        let Some(call) = note["progressToken"].as_u64().and_then(|number| self.calls.call(number)) else {
            return;
        };
        let elapsed = call.began.elapsed().as_secs_f64();
        let frame = json!({"op": "progress", "request_id": call.request_id, "name": call.name,
            "t": self.surroundings.now(), "elapsed": elapsed, "progress": note["progress"], "message": note["message"]});
        self.delivery.say(&frame).await;
    }

    async fn answered(&mut self, pending: Pending, said: &Value, to_mcp: &mpsc::Sender<Vec<u8>>) {
        match pending {
            Pending::Handshake => {
                self.server = Some(said["result"]["serverInfo"].clone());
                let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
                drop(to_mcp.send(message(&ready)).await);
            }
            Pending::Call(Call { request_id, began, .. }) => {
                self.delivery.result(result::call_tool_res(&request_id, said, began.elapsed())).await;
            }
            Pending::Tools { request_id } => {
                let all = said["result"]["tools"].as_array().map_or(&[][..], Vec::as_slice);
                let tools: Vec<_> = all
                    .iter()
                    .map(|tool| {
                        json!({"name": tool["name"], "description": tool["description"],
                            "inputSchema": tool["inputSchema"]})
                    })
                    .collect();
                let mut frame = self.frame("list_tools_res", request_id);
                frame["tools"] = json!(tools);
                self.delivery.say(&frame).await;
            }
            Pending::Health { request_id } => {
                let tools = said["result"]["tools"].as_array().map_or(0, Vec::len);
                let mut frame = self.frame("health_res", request_id);
                frame["ok"] = json!(true);
                frame["health"] = self.surroundings.health(tools);
                self.delivery.say(&frame).await;
            }
        }
    }

    /// Answers every request that is still open.
    async fn answer_all(&mut self) {
        let text = "the server is ending; call again with the same arguments once it runs";
        for pending in self.calls.end_all() {
            match pending {
                Pending::Call(call) => {
                    let frame = result::without_answer(&call.request_id, "SERVICE_UNAVAILABLE", text);
                    self.delivery.result(frame).await;
                }
                Pending::Tools { request_id } | Pending::Health { request_id } => {
                    let mut frame = self.frame("error", request_id);
                    frame["error"] = json!({"code": "SERVICE_UNAVAILABLE", "message": text});
                    self.delivery.say(&frame).await;
                }
                Pending::Handshake => {}
            }
        }
    }

    fn frame(&self, op: &str, request_id: Option<Value>) -> Value {
        let mut frame = json!({"op": op, "timestamp": self.surroundings.now()});
        if let Some(id) = request_id {
            frame["request_id"] = id;
        }
        frame
    }
}

fn message(message: &Value) -> Vec<u8> {
    let mut line = message.to_string().into_bytes();
    line.push(b'\n');
    line
}

/// A call, around arguments that are copied once and not read here.
fn tool_call(number: u64, name: &str, arguments: &str) -> Vec<u8> {
    let head = json!({"jsonrpc": "2.0", "id": number, "method": "tools/call"}).to_string();
    let params = json!({"_meta": {"progressToken": number}, "name": name}).to_string();
    let (head, params) = (head.trim_end_matches('}'), params.trim_end_matches('}'));
    let mut line = Vec::with_capacity(head.len() + params.len() + arguments.len() + 32);
    for part in [head, r#","params":"#, params, r#","arguments":"#] {
        line.extend_from_slice(part.as_bytes());
    }
    // Line ends between parts of a message mean nothing in JSON.
    line.extend(arguments.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
    line.extend_from_slice(b"}}\n");
    line
}
