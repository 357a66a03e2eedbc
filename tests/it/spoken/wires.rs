//! The ways to the program, each with the same two questions: what is answered to a message, and whether the next one works.

use std::fmt;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, protocol::frame::coding::CloseCode},
};

use crate::support::{CLIENT, Raw, Served, Setup, discover_meta, within};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(super) struct Wire<'a> {
    served: &'a Served,
    way: Way,
    /// Of the last answer over HTTP.
    status: Option<u16>,
}

enum Way {
    Stdio(Box<Raw>),
    /// HTTP without sessions, as revision 2026-07-28 has it.
    Http,
    /// HTTP in a session of the older revisions; none is open before the handshake.
    Session(Option<String>),
    WebSocket(Box<Socket>),
    Sse(Box<Events>),
}

/// The stream of the older transport, and where its messages go.
struct Events {
    stream: TcpStream,
    path: String,
    heard: String,
}

impl fmt::Debug for Wire<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self.way {
            Way::Stdio(_) => "stdio",
            Way::Http => "http",
            Way::Session(_) => "session",
            Way::WebSocket(_) => "websocket",
            Way::Sse(_) => "sse",
        })
    }
}

pub(super) async fn websocket(served: &Served) -> Socket {
    let (socket, _) = connect_async(format!("ws://{}/ws", served.address)).await.expect("an upgrade");
    socket
}

async fn events(served: &Served) -> Events {
    let stream = served.send("GET", "/sse", &[], "").await;
    let mut events = Events { stream, path: String::new(), heard: String::new() };
    events.path = events.next().await;
    events
}

/// The status of a body that the server does not read to its end.
async fn too_large(served: &Served, path: &str, body: &str) -> u16 {
    let socket = TcpStream::connect(served.address).await.expect("the server accepts");
    let (mut answers, mut out) = socket.into_split();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        served.address,
        body.len()
    );
    let write = async {
        out.write_all(head.as_bytes()).await.expect("the server reads");
        drop(out.write_all(body.as_bytes()).await);
        std::future::pending::<()>().await;
    };
    let read = async {
        let mut line = [0; 12];
        answers.read_exact(&mut line).await.expect("an answer");
        String::from_utf8_lossy(&line)
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .expect("a status")
    };
    within("the refusal", async {
        tokio::select! { status = read => status, () = write => unreachable!() }
    })
    .await
}

impl Events {
    /// The data of the next event.
    async fn next(&mut self) -> String {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            if let Some((event, rest)) = self.heard.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data: ")).map(str::to_owned);
                self.heard = rest.to_owned();
                match data {
                    Some(data) => return data,
                    None => continue,
                }
            }
            let length = within("an event", self.stream.read(&mut buffer)).await.expect("it goes on");
            assert!(length > 0, "{}", self.heard);
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            // The sizes of the chunks stand on lines of their own.
            self.heard.push_str(&text.replace("\r\n", "\n"));
        }
    }
}

impl<'a> Wire<'a> {
    /// Those that begin with a handshake, before it.
    pub(super) async fn fresh(setup: &Setup, served: &'a Served) -> Vec<Self> {
        let ways = vec![
            Way::Stdio(Box::new(Raw::start(setup))),
            Way::Session(None),
            Way::WebSocket(Box::new(websocket(served).await)),
            Way::Sse(Box::new(events(served).await)),
        ];
        ways.into_iter().map(|way| Self { served, way, status: None }).collect()
    }

    /// All of them, ready for any request.
    pub(super) async fn all(setup: &Setup, served: &'a Served) -> Vec<Self> {
        let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}});
        let mut wires = Self::fresh(setup, served).await;
        for wire in &mut wires {
            assert!(wire.ask(&hello.to_string()).await["result"].is_object(), "{wire:?}");
        }
        wires.push(Self { served, way: Way::Http, status: None });
        wires
    }

    pub(super) fn status(&self) -> Option<u16> {
        self.status
    }

    /// What a refusal has over HTTP.
    pub(super) fn expected_status(&self, code: i64) -> Option<u16> {
        match (&self.way, code) {
            (Way::Http, -32_601) => Some(404),
            (Way::Session(_), -32_601 | -32_602) => Some(200),
            (Way::Http | Way::Session(_), _) => Some(400),
            _ => None,
        }
    }

    /// Sends a message as it is; its answer.
    pub(super) async fn ask(&mut self, message: &str) -> Value {
        let meta = if matches!(self.way, Way::Http) { discover_meta() } else { json!({}) };
        let message = message.replace("META", &meta.to_string());
        match &mut self.way {
            Way::Stdio(raw) => {
                raw.send(&message).await;
                loop {
                    let answer = raw.next().await;
                    if answer.get("method").is_none() {
                        return answer;
                    }
                }
            }
            Way::WebSocket(socket) => {
                socket.send(Message::text(message)).await.expect("it reads");
                loop {
                    let frame = within("a frame", socket.next()).await.expect("it is open").expect("a frame");
                    if let Message::Text(text) = frame {
                        return serde_json::from_str(&text).expect("JSON");
                    }
                }
            }
            Way::Sse(events) => {
                let headers = [("content-type", "application/json")];
                let taken = self.served.request("POST", &events.path, &headers, &message).await;
                assert_eq!(taken.status, 202, "{taken:?}");
                serde_json::from_str(&events.next().await).expect("JSON")
            }
            Way::Http | Way::Session(_) => self.post(&message).await,
        }
    }

    async fn post(&mut self, message: &str) -> Value {
        // Not every message can be parsed.
        let named = |key: &str| {
            let (_, rest) = message.split_once(&format!(r#""{key}":""#))?;
            rest.split('"').next()
        };
        let (method, name) = (named("method").unwrap_or("none"), named("name").unwrap_or("none"));
        let mut headers = CLIENT.to_vec();
        match &self.way {
            Way::Session(Some(id)) => headers.push(("mcp-session-id", id)),
            Way::Session(None) => {}
            _ => headers.extend([
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", method),
                ("mcp-name", name),
            ]),
        }
        let answer = self.served.request("POST", "/mcp", &headers, message).await;
        self.status = Some(answer.status);
        if let (Way::Session(id @ None), Some(new)) = (&mut self.way, answer.headers.get("mcp-session-id")) {
            *id = Some(new.clone());
        }
        answer.json()
    }

    /// The next message works, and nothing else was answered before.
    pub(super) async fn still_works(&mut self) {
        let listed =
            self.ask(r#"{"jsonrpc":"2.0","id":"next","method":"tools/list","params":{"_meta":META}}"#).await;
        assert_eq!(listed["id"], "next", "{self:?} {listed}");
        assert!(listed["result"]["tools"].is_array(), "{self:?} {listed}");
    }

    /// Sends a message that is longer than may be, and sees it refused.
    pub(super) async fn is_too_long(&mut self, message: &str) {
        match &mut self.way {
            Way::Stdio(_) => {
                let answer = self.ask(message).await;
                assert_eq!(
                    (&answer["id"], &answer["error"]["code"]),
                    (&json!(7), &json!(-32_600)),
                    "{answer}"
                );
            }
            Way::WebSocket(socket) => {
                drop(socket.send(Message::text(message)).await);
                let code = loop {
                    match within("the close", socket.next()).await {
                        Some(Ok(Message::Close(frame))) => break frame.expect("a code").code,
                        Some(Ok(_)) => {}
                        other => panic!("{other:?}"),
                    }
                };
                assert_eq!(code, CloseCode::Size);
                **socket = websocket(self.served).await;
                let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
                    "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}});
                assert!(self.ask(&hello.to_string()).await["result"].is_object());
            }
            Way::Sse(events) => assert_eq!(too_large(self.served, &events.path, message).await, 413),
            Way::Http | Way::Session(_) => assert_eq!(too_large(self.served, "/mcp", message).await, 413),
        }
    }
}
