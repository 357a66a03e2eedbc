//! What somebody may cost the server who has shown no key, and what one message may cost after it: memory of the process as the system
//! counts it.

use exai_mock_vendor::Answer;
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _, protocol::frame::coding::CloseCode},
};

use crate::support::{CLIENT, MODEL, Raw, Served, Setup, discover_meta, modern, peak_memory, read, within};

const KEY: &str = "the-key-of-the-user";
const MEGABYTE: usize = 1024 * 1024;
/// WebSockets of one address that may be without a key.
const STRANGERS: usize = 16;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn served(setup: Setup) -> (Setup, Served) {
    let setup = setup.with("EXAI_TOKEN", KEY).with("EXAI_RATE", "0").with("EXAI_CLIENT_RATE", "0");
    setup.vendor.default_answer(Answer::text("hello"));
    let served = Served::start(&setup).await;
    // What the first call of a kind costs is no part of what is measured.
    served.call("version", &json!({}), &[("x-api-key", KEY)]).await.tool();
    (setup, served)
}

impl Served {
    fn peak(&self) -> u64 {
        peak_memory(self.child.id().expect("it runs"))
    }
}

async fn connect(served: &Served, key: Option<&str>) -> Result<Socket, Error> {
    let mut request = format!("ws://{}/ws", served.address).into_client_request().expect("an address");
    if let Some(key) = key {
        request.headers_mut().insert("x-api-key", key.parse().expect("a header"));
    }
    connect_async(request).await.map(|(socket, _)| socket)
}

/// The upgrade done, and then bytes as an attacker sends them.
async fn raw(served: &Served) -> TcpStream {
    let mut socket = TcpStream::connect(served.address).await.expect("it accepts");
    let upgrade = format!(
        "GET /ws HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        served.address
    );
    socket.write_all(upgrade.as_bytes()).await.expect("it reads");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(within("the upgrade", socket.read_u8()).await.expect("an answer"));
    }
    socket
}

/// A frame as a client sends it: masked, here with zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ ..126 => bytes.push(0x80 | u8::try_from(length).expect("short")),
        length => {
            bytes.push(0xFF);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

/// Says something for as long as the server listens.
async fn say_on(socket: &mut TcpStream, bytes: &[u8], times: usize) {
    for _ in 0..times {
        if socket.write_all(bytes).await.is_err() {
            return;
        }
    }
}

/// The next text that says this; pings are passed over.
async fn hear(socket: &mut Socket, what: &str) -> String {
    let heard = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) if text.as_str().contains(what) => return text.to_string(),
                Some(Ok(Message::Text(_) | Message::Ping(_))) => {}
                other => panic!("{what}, not {other:?}"),
            }
        }
    };
    within(what, heard).await
}

async fn closed(socket: &mut Socket) -> (u16, String) {
    let goodbye = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(Some(frame)))) => {
                    return (CloseCode::into(frame.code), frame.reason.as_str().to_owned());
                }
                Some(Ok(_)) => {}
                other => panic!("a goodbye, not {other:?}"),
            }
        }
    };
    within("the goodbye", goodbye).await
}

#[tokio::test]
async fn unread_pongs_do_not_pile_up() {
    let (_setup, served) = served(Setup::new().await).await;
    let before = served.peak();
    let mut sockets = Vec::new();
    for _ in 0..STRANGERS {
        let mut socket = raw(&served).await;
        let pings = frame(0x89, &[b'p'; 125]).repeat(8_000);
        within("the end of the pings", say_on(&mut socket, &pings, 64)).await;
        sockets.push(socket);
    }
    assert!(served.peak() <= before + STRANGERS as u64, "{before} -> {} MiB", served.peak());
}

#[tokio::test]
async fn too_many_pings_close_the_connection() {
    let (_setup, served) = served(Setup::new().await).await;
    // A known client is bounded as others are.
    for key in [None, Some(KEY)] {
        let mut socket = connect(&served, key).await.expect("an upgrade");
        if key.is_some() {
            socket.send(Message::text(json!({"op": "hello"}).to_string())).await.expect("it reads");
        }
        for _ in 0..200 {
            if socket.send(Message::Ping("p".into())).await.is_err() {
                break;
            }
        }
        assert_eq!(closed(&mut socket).await.0, 1008, "{key:?}");
    }
}

#[tokio::test]
async fn a_long_first_message_is_refused() {
    let (_setup, served) = served(Setup::new().await).await;
    let before = served.peak();
    let fits = format!(r#"{{"op":"hello","token":"{KEY}","x":[{}0]}}"#, "0,".repeat(30_000));
    let long = format!(r#"{{"op":"hello","token":"{KEY}","x":{}}}"#, "[".repeat(15 * MEGABYTE));
    let mut socket = connect(&served, None).await.expect("an upgrade");
    socket.send(Message::text(fits)).await.expect("it reads");
    hear(&mut socket, r#""ok":true"#).await;
    let mut socket = connect(&served, None).await.expect("an upgrade");
    drop(socket.feed(Message::text(long)).await);
    let (code, reason) = closed(&mut socket).await;
    assert!(code == 1009 && reason.contains("65536"), "{code} {reason}");
    assert!(served.peak() <= before + 8, "{before} -> {} MiB", served.peak());
}

#[tokio::test]
async fn unfinished_messages_cost_little() {
    let (_setup, served) = served(Setup::new().await).await;
    let before = served.peak();
    let mut sockets = Vec::new();
    for _ in 0..STRANGERS {
        let mut socket = raw(&served).await;
        // A text that goes on, and on.
        within("the first part", say_on(&mut socket, &frame(0x01, &[b'x'; 16 * 1024]), 1)).await;
        within("the other parts", say_on(&mut socket, &frame(0x00, &[b'x'; 16 * 1024]), 640)).await;
        sockets.push(socket);
    }
    assert!(served.peak() <= before + STRANGERS as u64, "{before} -> {} MiB", served.peak());
}

#[tokio::test]
async fn strangers_leave_room_for_the_known() {
    let (_setup, served) = served(Setup::new().await).await;
    let mut strangers = Vec::new();
    for _ in 0..STRANGERS {
        strangers.push(connect(&served, None).await.expect("an upgrade"));
    }
    // The newest may be somebody with a key, the oldest has shown none for longest.
    let mut newest = connect(&served, None).await.expect("room is made");
    let (code, reason) = closed(&mut strangers[0]).await;
    assert!(code == 1013 && reason.contains("no key"), "{code} {reason}");
    newest.send(Message::text(json!({"op": "hello", "token": KEY}).to_string())).await.expect("it reads");
    hear(&mut newest, r#""ok":true"#).await;
    let mut known = connect(&served, Some(KEY)).await.expect("a key makes the difference");
    known.send(Message::text(json!({"op": "hello"}).to_string())).await.expect("it reads");
    hear(&mut known, r#""ok":true"#).await;
    // Who shows the key in the first message is a stranger no more.
    let hello = json!({"op": "hello", "token": KEY}).to_string();
    strangers[1].send(Message::text(hello)).await.expect("it reads");
    hear(&mut strangers[1], r#""ok":true"#).await;
    assert!(connect(&served, None).await.is_ok());
}

/// Connections of one address that may be served without a key.
const SILENT: usize = 256;

#[tokio::test]
async fn idle_connections_lock_nobody_out() {
    let (_setup, served) = served(Setup::new().await).await;
    let mut silent = Vec::new();
    for _ in 0..SILENT {
        silent.push(TcpStream::connect(served.address).await.expect("it accepts"));
    }
    let key = [("x-api-key", KEY)];
    assert_eq!(served.request("GET", "/metrics", &key, "").await.status, 200);
    let gone = within("the end of the oldest", silent[0].read(&mut [0])).await;
    assert!(matches!(gone, Ok(0) | Err(_)), "{gone:?}");
}

/// A server that a shell with another limit of open files has started.
async fn limited(limit: &str) -> (Setup, Served) {
    let script = format!("ulimit {limit}; exec \"$0\" \"$@\"");
    served(Setup::new().await.launched_by(&["sh", "-c", &script])).await
}

#[tokio::test]
async fn open_files_are_not_used_up() {
    let (_setup, served) = limited("-n 300").await;
    let mut silent = Vec::new();
    for _ in 0..400 {
        silent.push(TcpStream::connect(served.address).await.expect("it accepts"));
    }
    let key = [("x-api-key", KEY)];
    assert_eq!(served.request("GET", "/metrics", &key, "").await.status, 200);
    let open = std::fs::read_dir(format!("/proc/{}/fd", served.child.id().expect("it runs"))).unwrap();
    assert!(open.count() < 150);
}

#[tokio::test]
async fn as_many_files_as_may_be() {
    let (_setup, served) = limited("-S -n 256").await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", served.child.id().expect("it runs")));
    let limits = limits.expect("the kernel tells them");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("a limit");
    let soft = line.split_whitespace().nth(3).and_then(|number| number.parse::<u64>().ok());
    assert!(soft.is_none_or(|soft| soft > 256), "{line}");
}

#[tokio::test]
async fn a_known_client_may_say_more() {
    let (setup, served) = served(Setup::new().await).await;
    let prompt = "word ".repeat(50_000);
    let call = json!({"op": "call_tool", "name": "chat", "request_id": "a", "arguments": {"prompt": prompt, "model": MODEL}});
    let mut socket = connect(&served, None).await.expect("an upgrade");
    // Both at once: the second is not read under the limit of the first.
    socket.feed(Message::text(json!({"op": "hello", "token": KEY}).to_string())).await.expect("it reads");
    socket.send(Message::text(call.to_string())).await.expect("it reads");
    let answer = hear(&mut socket, "call_tool_res").await;
    assert!(answer.contains(r#""ok":true"#), "{answer}");
    assert_eq!(setup.vendor.calls().len(), 1);
}

/// How many of the arguments below have too many values.
const REFUSED: usize = 3;

/// Arguments of about so many bytes that make the most of their length: many values, as many as may be, and a text with escapes.
fn arguments(size: usize) -> Vec<String> {
    let listed = |item: &str| format!(r#"{{"x":[{}0]}}"#, format!("{item},").repeat(size / (item.len() + 1)));
    let few = format!(
        r#"{{"x":[{}0],"y":"{}"}}"#,
        r#"{"a":{"b":0}},"#.repeat(19_000 / 3),
        "x".repeat(size - 19_000 * 5)
    );
    let escaped = format!(r#"{{"x":"{}"}}"#, "\\n".repeat(size / 2));
    vec![listed("0"), listed("[0]"), listed(r#"{"a":0}"#), few, escaped]
}

fn call(arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"version","arguments":{arguments},"_meta":{}}}}}"#,
        discover_meta()
    )
}

async fn over_http(served: &Served, arguments: &str) -> String {
    let headers: Vec<_> = CLIENT.into_iter().chain(modern("version")).chain([("x-api-key", KEY)]).collect();
    served.request("POST", "/mcp", &headers, &call(arguments)).await.body
}

async fn over_websocket(served: &Served, first: Option<Value>, message: String, answer: &str) -> String {
    let mut socket = connect(served, Some(KEY)).await.expect("an upgrade");
    if let Some(first) = first {
        socket.send(Message::text(first.to_string())).await.expect("it reads");
    }
    socket.send(Message::text(message)).await.expect("it reads");
    hear(&mut socket, answer).await
}

async fn over_sse(served: &Served, arguments: &str) -> String {
    let mut stream = served.send("GET", "/sse", &[("x-api-key", KEY)], "").await;
    let mut heard = String::new();
    let mut hear = async |what: &str| {
        let mut buffer = vec![0; 4096];
        while !heard.contains(what) {
            let length = within("an event", stream.read(&mut buffer)).await.expect("it goes on");
            assert!(length > 0, "{heard}");
            heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
        heard.clone()
    };
    let endpoint = hear("\n\n").await;
    let path = endpoint.lines().find_map(|line| line.strip_prefix("data: ")).expect("a path").to_owned();
    let key = [("x-api-key", KEY)];
    assert_eq!(served.request("POST", &path, &key, &call(arguments)).await.status, 202);
    hear(r#""id":7"#).await
}

/// Sends messages of a size over every door, each to a server of its own.
async fn costs_little(size: usize, kinds: usize) {
    let all = arguments(size - 4096);
    for (index, arguments) in all.iter().take(kinds).enumerate() {
        for door in ["http", "ws", "op", "sse"] {
            let (_setup, served) = served(Setup::new().await.with("EXAI_MESSAGE_MEGABYTES", "8")).await;
            let before = served.peak();
            let answer = match door {
                "http" => over_http(&served, arguments).await,
                "ws" => over_websocket(&served, None, call(arguments), r#""id":7"#).await,
                "op" => {
                    let frame = format!(
                        r#"{{"op":"call_tool","name":"version","request_id":"a","arguments":{arguments}}}"#
                    );
                    over_websocket(&served, Some(json!({"op": "hello"})), frame, "call_tool_res").await
                }
                _ => over_sse(&served, arguments).await,
            };
            let refused = answer.contains("more than 20000 JSON values");
            assert_eq!(refused, index < REFUSED, "{door} {index}: {answer}");
            let cost = served.peak() - before;
            assert!(cost <= 64, "{door}, {size} bytes of kind {index}: {cost} MiB");
        }
    }
}

#[tokio::test]
async fn one_message_costs_little_memory() {
    costs_little(4 * MEGABYTE, 5).await;
}

/// As large as the setting allows.
#[tokio::test]
async fn the_largest_message_costs_little_memory() {
    costs_little(8 * MEGABYTE, 5).await;
}

/// The same over a pipe, whose lines may be as long.
#[tokio::test]
async fn the_longest_line_costs_little_memory() {
    for arguments in arguments(8 * MEGABYTE - 4096) {
        let mut raw = Raw::ready(&Setup::new().await).await;
        let before = raw.peak_memory();
        raw.send(&call(&arguments)).await;
        let answer = raw.next().await;
        assert_eq!(answer["id"], 7, "{answer}");
        let cost = raw.peak_memory() - before;
        assert!(cost <= 64, "{cost} MiB: {answer}");
    }
}

#[tokio::test]
async fn longer_messages_are_refused_cheaply() {
    let (_setup, served) = served(Setup::new().await.with("EXAI_MESSAGE_MEGABYTES", "8")).await;
    let before = served.peak();
    for arguments in arguments(16 * MEGABYTE) {
        assert!(over_http(&served, &arguments).await.contains("serve.message_megabytes"));
        let mut socket = connect(&served, Some(KEY)).await.expect("an upgrade");
        drop(socket.feed(Message::text(call(&arguments))).await);
        let (code, reason) = closed(&mut socket).await;
        assert!(code == 1009 && reason.contains("8388608"), "{code} {reason}");
        assert!(served.peak() - before <= 64, "{before} -> {} MiB", served.peak());
    }
}

/// A frame of HTTP/2 (RFC 9113, 4.1).
fn h2_frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Requests over HTTP/2 whose answers are never read: the window of every stream is closed.
fn h2_without_a_window(requests: u32) -> Vec<u8> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(h2_frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]));
    // GET, http, `:path: /health`, `:authority: localhost` (RFC 7541, 6.2.2).
    let head = [&[0x82, 0x86, 0x04, 7], b"/health".as_slice(), &[0x01, 9], b"localhost"].concat();
    for number in 0..requests {
        bytes.extend(h2_frame(1, 5, 1 + 2 * number, &head));
    }
    bytes
}

#[tokio::test]
async fn answers_without_a_window_cost_little() {
    let (_setup, served) = served(Setup::new().await).await;
    let before = served.peak();
    let mut sockets = Vec::new();
    for _ in 0..SILENT - 6 {
        let mut socket = TcpStream::connect(served.address).await.expect("it accepts");
        socket.write_all(&h2_without_a_window(200)).await.expect("it reads");
        sockets.push(socket);
    }
    for socket in &mut sockets {
        // Settings, and the refusal of what is too much; the answers behind them wait.
        let mut heard = [0; 512];
        within("the first frames", socket.read_exact(&mut heard)).await.expect("frames");
    }
    assert!(served.peak() <= before + 80, "{before} -> {} MiB", served.peak());
}

#[tokio::test]
async fn one_connection_carries_fifty_calls() {
    let (_setup, served) = served(Setup::new().await).await;
    let client = reqwest::Client::builder().http2_prior_knowledge().build().expect("a client");
    let call = async || {
        let headers = CLIENT.into_iter().chain(modern("version")).chain([("x-api-key", KEY)]);
        let url = format!("http://{}/mcp", served.address);
        let request = headers.fold(client.post(url), |request, (name, value)| request.header(name, value));
        let body = crate::support::tool_call("version", &json!({})).to_string();
        within("the answer", request.body(body).send()).await.expect("an answer").status().as_u16()
    };
    // At once, also before the server has said how many it takes.
    for _ in 0..2 {
        let answers = futures::future::join_all((0..50).map(|_| call())).await;
        assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    }
}

/// The longest prompts that may be, each as long a message as escapes make it, all at once.
#[tokio::test]
#[ignore = "fifty messages of 3.6 MB: scripts/stress"]
async fn fifty_longest_prompts_cost_bounded_memory() {
    let setup = Setup::new().await.with_window(1_000_000).with("EXAI_UPSTREAM_LIMIT", "80");
    let (setup, served) = served(setup).await;
    let before = served.peak();
    let escaped = r"\ud83d\ude00".repeat(299_990);
    let headers: Vec<_> = CLIENT.into_iter().chain(modern("chat")).chain([("x-api-key", KEY)]).collect();
    let calls = (0..50).map(|number| {
        let message = format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"chat","arguments":{{"prompt":"{number} {escaped}","model":"{MODEL}"}},"_meta":{}}}}}"#,
            discover_meta()
        );
        let (served, headers) = (&served, &headers);
        async move { read(served.send("POST", "/mcp", headers, &message).await).await.tool() }
    });
    for answer in futures::future::join_all(calls).await {
        assert_eq!(answer["content"], "hello", "{answer:#}");
    }
    assert_eq!(setup.vendor.stats().calls, 50);
    let cost = served.peak() - before;
    println!("50 prompts of 300,000 characters, each in a message of 3.6 MB: at most {cost} MiB in addition");
    assert!(cost <= 512, "{cost} MiB");
}
