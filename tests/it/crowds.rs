//! Two clients of one server at every door: one leaves 256 calls hanging, the other is served all the while; and a steady load that is
//! answered call by call. Not part of the ordinary tests: `scripts/stress`.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use exai_mock_vendor::{Answer, Gate};
use futures::{SinkExt as _, StreamExt as _, future::join_all, stream};
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt as _, net::TcpStream, time::sleep_until};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use crate::support::{CLIENT, MODEL, Served, Setup, modern, read, tool_call, within};

const GREEDY: (&str, &str) = ("x-api-key", "the-key-of-the-greedy-one");
const MODEST: (&str, &str) = ("x-api-key", "the-key-of-the-modest-one");
/// Calls of one session run at the same time up to a limit of their own, so the crowd has many sessions.
const SESSIONS: usize = 32;
const EACH: usize = 8;
/// How long the other client may wait for an answer.
const IN_TIME: Duration = Duration::from_secs(2);
/// Calls of the other client before the first leaves, while it leaves, and after it has left.
const CALLS: usize = 25;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn websocket(served: &Served, key: (&'static str, &str)) -> Socket {
    let mut request = format!("ws://{}/ws", served.address).into_client_request().unwrap();
    request.headers_mut().insert(key.0, key.1.parse().unwrap());
    connect_async(request).await.unwrap().0
}

#[derive(Debug, Clone, Copy)]
enum Door {
    Http,
    Session,
    Sse,
    WebSocket,
    Op,
}

impl Door {
    /// Whether a session goes on without its connection, and the calls in it that wait for their turn. Elsewhere these leave with their
    /// client.
    fn lets_clients_return(self) -> bool {
        matches!(self, Self::Session | Self::Op)
    }
}

/// What a client has open at a door.
enum Open {
    Requests { session: Option<String>, answers: Vec<TcpStream> },
    Sse { stream: TcpStream, path: String },
    Socket { socket: Box<Socket>, is_op: bool },
}

struct Client<'a> {
    served: &'a Served,
    key: (&'static str, &'static str),
    open: Open,
}

impl<'a> Client<'a> {
    async fn at(served: &'a Served, door: Door, key: (&'static str, &'static str)) -> Self {
        let open = match door {
            Door::Http => Open::Requests { session: None, answers: Vec::new() },
            Door::Session => {
                Open::Requests { session: Some(served.session(&[key]).await), answers: Vec::new() }
            }
            Door::Sse => {
                let mut stream = served.send("GET", "/sse", &[key], "").await;
                let said = until(&mut stream, "\n\n", "data: ").await;
                let path = said.lines().find_map(|line| line.strip_prefix("data: ")).unwrap().to_owned();
                Open::Sse { stream, path }
            }
            Door::WebSocket => Open::Socket { socket: Box::new(websocket(served, key).await), is_op: false },
            Door::Op => {
                let mut socket = Box::new(websocket(served, key).await);
                socket.send(Message::text(json!({"op": "hello"}).to_string())).await.unwrap();
                Open::Socket { socket, is_op: true }
            }
        };
        Self { served, key, open }
    }

    /// Sends a question and does not wait for the answer.
    async fn ask(&mut self, id: usize, question: &str) {
        let arguments = json!({"prompt": question, "model": MODEL});
        let mut call = tool_call("chat", &arguments);
        call["id"] = json!(id);
        let mut headers = CLIENT.to_vec();
        headers.push(self.key);
        match &mut self.open {
            Open::Requests { session: None, answers } => {
                headers.extend(modern("chat"));
                answers.push(self.served.send("POST", "/mcp", &headers, &call.to_string()).await);
            }
            Open::Requests { session: Some(session), answers } => {
                call["params"].as_object_mut().unwrap().remove("_meta");
                headers
                    .extend([("mcp-session-id", session.as_str()), ("mcp-protocol-version", "2025-11-25")]);
                answers.push(self.served.send("POST", "/mcp", &headers, &call.to_string()).await);
            }
            Open::Sse { path, .. } => {
                let answer = self.served.request("POST", path, &headers, &call.to_string()).await;
                assert_eq!(answer.status, 202, "{answer:?}");
            }
            Open::Socket { socket, is_op } => {
                if *is_op {
                    call =
                        json!({"op": "call_tool", "name": "chat", "arguments": arguments, "request_id": id});
                }
                socket.send(Message::text(call.to_string())).await.unwrap();
            }
        }
    }

    /// Waits until something is heard.
    async fn hear(&mut self, wanted: &str) {
        match &mut self.open {
            Open::Requests { answers, .. } => {
                let answer = read(answers.pop().unwrap()).await;
                assert!(answer.body.contains(wanted), "{answer:?}");
            }
            Open::Sse { stream, .. } => drop(until(stream, wanted, "").await),
            Open::Socket { socket, .. } => loop {
                let message = socket.next().await.expect("open").expect("a frame");
                if message.to_text().is_ok_and(|text| text.contains(wanted)) {
                    return;
                }
            },
        }
    }
}

/// Reads a stream until its text contains both.
async fn until(stream: &mut TcpStream, wanted: &str, also: &str) -> String {
    let (mut said, mut buffer) = (String::new(), [0; 4_096]);
    while !(said.contains(wanted) && said.contains(also)) {
        let length = within(wanted, stream.read(&mut buffer)).await.unwrap();
        assert!(length > 0, "the stream ended: {said}");
        said.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    said
}

/// Asks one question after another; the time that the slowest answer took.
async fn served_in_time(client: &mut Client<'_>, when: &str) -> Duration {
    let mut slowest = Duration::ZERO;
    for number in 0..CALLS {
        let question = format!("modest {when} {number}");
        let begun = Instant::now();
        client.ask(number, &question).await;
        within(&question, client.hear(&format!("ok: {question}"))).await;
        slowest = slowest.max(begun.elapsed());
    }
    assert!(slowest < IN_TIME, "{when}: {slowest:?}");
    slowest
}

async fn setup() -> Setup {
    let setup = Setup::new()
        .await
        .with("EXAI_TOKEN", GREEDY.1)
        .with("MODEST", MODEST.1)
        .with("EXAI_RATE", "0")
        .with("EXAI_CLIENT_RATE", "0")
        .with("EXAI_PERMIT_WAIT_SECONDS", "600")
        .with("EXAI_LOG", "error");
    let file = setup.home.path().join("config/config.toml");
    std::fs::write(file, "[[clients]]\nname = \"modest\"\ntoken_env = \"MODEST\"\n").unwrap();
    setup
}

async fn figure(served: &Served, name: &str) -> f64 {
    let answer = served.request("GET", "/metrics", &[MODEST], "").await;
    let line = answer.body.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// Hanging calls of one client at one door, and what another is answered before it leaves, while it does, and after.
async fn crowded(door: Door) -> String {
    let setup = setup().await;
    let gate = Gate::new();
    setup.vendor.answer_with({
        let gate = gate.clone();
        move |asked| asked.json.to_string().contains("greedy").then(|| Answer::text("late").gated(&gate))
    });
    let served = Served::start(&setup).await;
    let mut modest = Client::at(&served, door, MODEST).await;
    let mut crowd = Vec::new();
    for session in 0..SESSIONS {
        let mut client = Client::at(&served, door, GREEDY).await;
        for number in 0..EACH {
            client.ask(number, &format!("greedy {session} {number}")).await;
        }
        crowd.push(client);
    }
    // Three quarters of the places, of those for consultations and of those for attempts.
    within("its share", async { while figure(&served, "exai_consultations").await < 192.0 {} }).await;
    within("its attempts", setup.vendor.wait_for_calls(18)).await;
    let before = served_in_time(&mut modest, "before").await;
    assert_eq!(setup.vendor.stats().in_flight, 18, "the crowd still hangs");
    let leaving = async {
        tokio::task::yield_now().await;
        drop(crowd);
    };
    let ((), during) = tokio::join!(leaving, served_in_time(&mut modest, "during"));
    // What the other has open, and this question.
    within("they have gone", async { while figure(&served, "exai_active_connections").await > 2.0 {} }).await;
    let after = served_in_time(&mut modest, "after").await;
    gate.open();
    for figure_of in ["exai_consultations", "exai_permits_in_use{of=\"all\"}"] {
        within(figure_of, async { while figure(&served, figure_of).await > 0.0 {} }).await;
    }
    let greedy = setup.vendor.stats().calls - 3 * CALLS;
    assert_eq!(greedy, if door.lets_clients_return() { SESSIONS * EACH } else { 192 }, "{door:?}");
    format!(
        "{door:?}: {} calls hang, {} of the other are answered, the slowest in {before:.0?} before, {during:.0?} while and {after:.0?} after the first \
         leaves; {greedy} of the hanging ones were made",
        SESSIONS * EACH,
        3 * CALLS
    )
}

/// Hanging calls take no place that another client needs.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "256 hanging calls at five doors: scripts/stress"]
async fn hanging_calls_keep_nobody_waiting() {
    for door in [Door::Http, Door::Session, Door::Sse, Door::WebSocket, Door::Op] {
        println!("{}", crowded(door).await);
    }
}

const STEADY: Duration = Duration::from_secs(120);
/// Calls a second of each: eight WebSockets, four of them in the other dialect, and requests over HTTP.
const OF_A_SOCKET: u32 = 40;
const OF_HTTP: u32 = 180;
const SOCKETS: usize = 8;

/// When the next call is due.
fn due(begun: Instant, number: u32, a_second: u32) -> Instant {
    begun + Duration::from_micros(u64::from(number) * 1_000_000 / u64::from(a_second))
}

/// Calls over one WebSocket at a steady pace: how often each id was answered, and the slowest answer.
async fn steadily(served: &Served, begun: Instant, is_op: bool) -> (BTreeMap<u64, usize>, Duration) {
    let calls = OF_A_SOCKET * u32::try_from(STEADY.as_secs()).unwrap();
    let (mut out, mut frames) = websocket(served, GREEDY).await.split();
    if is_op {
        out.send(Message::text(json!({"op": "hello"}).to_string())).await.unwrap();
    }
    let sending = async {
        for number in 0..calls {
            sleep_until(due(begun, number, OF_A_SOCKET).into()).await;
            let mut call = tool_call("version", &json!({}));
            call["id"] = json!(number);
            if is_op {
                call = json!({"op": "call_tool", "name": "version", "request_id": number});
            }
            out.send(Message::text(call.to_string())).await.unwrap();
        }
    };
    let hearing = async {
        let (mut heard, mut slowest) = (BTreeMap::new(), Duration::ZERO);
        while heard.len() < usize::try_from(calls).unwrap() {
            let frame = within("a frame", frames.next()).await.expect("open").expect("a frame");
            let Some(id) = answered(&frame) else { continue };
            *heard.entry(id).or_default() += 1;
            let came = due(begun, u32::try_from(id).unwrap(), OF_A_SOCKET);
            slowest = slowest.max(came.elapsed());
        }
        (heard, slowest)
    };
    let ((), (mut heard, slowest)) = tokio::join!(sending, hearing);
    // A second answer to anything would come before the goodbye.
    out.send(Message::Close(None)).await.unwrap();
    while let Some(Ok(frame)) = within("the goodbye", frames.next()).await {
        if let Some(id) = answered(&frame) {
            *heard.entry(id).or_default() += 1;
        }
    }
    (heard, slowest)
}

/// The id of the call that a frame answers well.
fn answered(frame: &Message) -> Option<u64> {
    let Message::Text(text) = frame else { return None };
    let frame: Value = serde_json::from_str(text).unwrap();
    if let Some(op) = frame.get("op") {
        assert!(op != "error", "{frame}");
        return (op == "call_tool_res").then(|| {
            assert_eq!(frame["ok"], true, "{frame}");
            frame["request_id"].as_u64().unwrap()
        });
    }
    let id = frame["id"].as_u64()?;
    assert!(frame["result"]["content"].is_array(), "{frame}");
    Some(id)
}

/// Requests over HTTP at a steady pace: how many were answered, and the slowest answer.
async fn over_http(served: &Served, begun: Instant) -> (usize, Duration) {
    let client = reqwest::Client::builder().build().unwrap();
    let url = format!("http://{}/mcp", served.address);
    let calls = OF_HTTP * u32::try_from(STEADY.as_secs()).unwrap();
    let times: Vec<Duration> = stream::iter(0..calls)
        .map(|number| {
            let (client, url) = (&client, url.as_str());
            async move {
                let due = due(begun, number, OF_HTTP);
                sleep_until(due.into()).await;
                let mut call = tool_call("version", &json!({}));
                call["id"] = json!(number);
                let headers = CLIENT.into_iter().chain(modern("version")).chain([GREEDY]);
                let request =
                    headers.fold(client.post(url), |request, (name, value)| request.header(name, value));
                let answer = within("an answer", request.body(call.to_string()).send()).await.unwrap();
                assert_eq!(answer.status(), 200);
                let body = answer.text().await.unwrap();
                let id = format!("\"id\":{number},");
                assert!(body.matches("\"jsonrpc\"").count() == 1 && body.contains(&id), "{body}");
                assert!(!body.contains("\"error\""), "{body}");
                due.elapsed()
            }
        })
        .buffer_unordered(512)
        .collect()
        .await;
    (times.len(), times.into_iter().max().unwrap())
}

/// For two minutes 500 calls a second are answered once each.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "lasts two minutes: scripts/stress"]
async fn a_steady_load_is_answered_once() {
    let setup = setup().await;
    let served = Served::start(&setup).await;
    let begun = Instant::now();
    let sockets = join_all((0..SOCKETS).map(|number| steadily(&served, begun, number % 2 == 1)));
    let (sockets, (over_http, slowest_over_http)) = tokio::join!(sockets, over_http(&served, begun));
    let took = begun.elapsed();
    let mut calls = over_http;
    for (heard, _) in &sockets {
        let twice: Vec<_> = heard.iter().filter(|(_, times)| **times != 1).collect();
        assert!(twice.is_empty(), "{twice:?}");
        calls += heard.len();
    }
    let slowest = sockets.iter().map(|(_, slowest)| *slowest).max().unwrap();
    println!(
        "{calls} calls in {took:.1?}, one answer each; the slowest took {slowest:.2?} over WebSocket, {slowest_over_http:.2?} over HTTP"
    );
    assert_eq!(calls, 500 * usize::try_from(STEADY.as_secs()).unwrap());
    assert!(took < STEADY + Duration::from_secs(10), "the pace was kept: {took:?}");
}
