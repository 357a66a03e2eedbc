//! The doors that carry messages both ways: WebSocket and the older HTTP+SSE.

use std::time::Duration;

use exai_mock_vendor::{Answer, Gate};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _, protocol::frame::coding::CloseCode},
};

use crate::support::{MODEL, Served, Setup, discover_meta, within};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(served: &Served, headers: &[(&'static str, &str)]) -> Result<Socket, u16> {
    let mut request = format!("ws://{}/ws", served.address).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "mcp".parse().unwrap());
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    match connect_async(request).await {
        Ok((socket, response)) => {
            assert_eq!(response.headers()["sec-websocket-protocol"], "mcp");
            Ok(socket)
        }
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

async fn say(socket: &mut Socket, message: &Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

async fn hear(socket: &mut Socket) -> Value {
    let heard = async {
        loop {
            if let Message::Text(text) = socket.next().await.expect("open").expect("a frame") {
                return serde_json::from_str(&text).expect("JSON");
            }
        }
    };
    within("a message", heard).await
}

fn hello() -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}})
}

fn call(id: u32, prompt: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call",
        "params": {"name": "chat", "arguments": {"prompt": prompt, "model": MODEL}, "_meta": discover_meta()}})
}

fn content(answer: &Value) -> Value {
    let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer:#}"));
    serde_json::from_str::<Value>(text).unwrap()["content"].clone()
}

/// A websocket speaks both eras and answers what is no message.
#[tokio::test]
async fn a_websocket_speaks_both_eras() {
    let setup = Setup::new().await;
    setup.vendor.default_answer(Answer::text("hello"));
    let served = Served::start(&setup).await;
    let mut old = connect(&served, &[]).await.unwrap();
    say(&mut old, &hello()).await;
    assert_eq!(hear(&mut old).await["result"]["protocolVersion"], "2025-11-25");
    say(&mut old, &json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    old.send(Message::text("{\n\"jsonrpc\": \"2.0\",\r\n \"id\": 7, \"method\": \"ping\"}")).await.unwrap();
    assert_eq!(
        hear(&mut old).await,
        json!({"jsonrpc": "2.0", "id": 7, "result": {}}),
        "line ends do not matter"
    );
    old.send(Message::text("{nope")).await.unwrap();
    assert_eq!(hear(&mut old).await["error"]["code"], -32_700);
    let mut new = connect(&served, &[]).await.unwrap();
    say(&mut new, &call(1, "one")).await;
    say(&mut new, &call(2, "two")).await;
    let both = [hear(&mut new).await, hear(&mut new).await];
    assert!(both.iter().all(|answer| content(answer) == "hello"));
    served.terminate();
    for socket in [&mut old, &mut new] {
        let closed = async {
            loop {
                match socket.next().await {
                    Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code),
                    Some(_) => {}
                    None => return None,
                }
            }
        };
        assert_eq!(within("the goodbye", closed).await, Some(CloseCode::Away));
    }
    assert_eq!(served.ended().await.0, 0);
}

/// A websocket passes the same guard and has an owner.
#[tokio::test]
async fn a_websocket_has_guard_and_owner() {
    let setup = Setup::new().await.with("EXAI_TOKEN", "the-key-of-the-user");
    let served = Served::start(&setup).await;
    assert_eq!(connect(&served, &[]).await.err(), Some(401));
    let key = ("authorization", "Bearer the-key-of-the-user");
    assert_eq!(connect(&served, &[key, ("origin", "https://evil.example")]).await.err(), Some(403));
    assert_eq!(connect(&served, &[key, ("host", "evil.example")]).await.err(), Some(403));
    let mut socket = connect(&served, &[key]).await.unwrap();
    let huge = format!("{{\"a\": \"{}\"}}", "x".repeat(17 * 1024 * 1024));
    drop(socket.send(Message::text(huge)).await);
    let over = async { while let Some(Ok(_)) = socket.next().await {} };
    within("the end of a connection with a frame that is too long", over).await;
    assert!(connect(&served, &[key]).await.is_ok(), "others are not affected");
    served.terminate();
    assert_eq!(served.ended().await.0, 0);
}

/// A call over a websocket that breaks is finished and found again.
#[tokio::test]
async fn a_broken_websocket_loses_no_call() {
    let setup = Setup::new().await;
    setup.vendor.default_answer(Answer::text("worth waiting for").latency(Duration::from_millis(300)));
    let served = Served::start(&setup).await;
    let mut socket = connect(&served, &[]).await.unwrap();
    say(&mut socket, &call(1, "dear")).await;
    within("the call", async {
        while setup.vendor.stats().in_flight == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(socket);
    let mut again = connect(&served, &[]).await.unwrap();
    say(&mut again, &call(1, "dear")).await;
    assert_eq!(content(&hear(&mut again).await), "worth waiting for");
    assert_eq!(setup.vendor.stats().calls, 1);
    // Taken back on purpose it is not finished.
    setup.vendor.default_answer(Answer::never());
    say(&mut again, &call(2, "never mind")).await;
    let goes = |open: bool| {
        let vendor = &setup.vendor;
        async move {
            while (vendor.stats().in_flight > 0) != open {
                tokio::task::yield_now().await;
            }
        }
    };
    within("the call", goes(true)).await;
    say(
        &mut again,
        &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 2}}),
    )
    .await;
    within("the end of the upstream request", goes(false)).await;
    served.terminate();
    assert_eq!(served.ended().await.0, 0);
}

/// A client that says much at once gets all of its answers.
#[tokio::test]
async fn many_calls_at_once_are_answered() {
    const MANY: usize = 2_000;
    let setup = Setup::new().await.with("EXAI_LOG", "error");
    let served = Served::start(&setup).await;
    let (mut out, mut frames) = connect(&served, &[]).await.unwrap().split();
    // More than all buffers on the way hold, in both directions.
    let padding = "x".repeat(2_000);
    let sending = async {
        for id in 0..MANY {
            let mut meta = discover_meta();
            meta["padding"] = json!(padding);
            let list = json!({"jsonrpc": "2.0", "id": id, "method": "tools/list", "params": {"_meta": meta}});
            out.send(Message::text(list.to_string())).await.unwrap();
        }
    };
    let hearing = async {
        let mut heard = std::collections::BTreeSet::new();
        while heard.len() < MANY {
            if let Message::Text(text) = frames.next().await.expect("open").expect("a frame") {
                let answer: Value = serde_json::from_str(&text).expect("JSON");
                assert!(heard.insert(answer["id"].as_u64()), "one answer for each: {}", answer["id"]);
            }
        }
    };
    within("all answers", async { tokio::join!(sending, hearing) }).await;
    served.terminate();
    assert_eq!(served.ended().await.0, 0);
}

#[tokio::test]
async fn runs_over_websockets_remember_the_door() {
    let setup = Setup::new().await;
    let served = Served::start(&setup).await;
    let mut socket = connect(&served, &[]).await.unwrap();
    say(&mut socket, &call(1, "who am I?")).await;
    assert_eq!(content(&hear(&mut socket).await), "ok: who am I?");
    setup.assert_latest_run("websocket", "raw 1").await;
}

/// Reads the stream of `/sse` until it contains something.
async fn until(stream: &mut TcpStream, seen: &mut String, wanted: &str) {
    let read = async {
        while !seen.contains(wanted) {
            let mut bytes = [0_u8; 4_096];
            let count = stream.read(&mut bytes).await.expect("the stream");
            assert!(count > 0, "the stream ended: {seen}");
            seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    };
    within(wanted, read).await;
}

#[tokio::test]
async fn the_older_transport_still_works() {
    let setup = Setup::new().await.with("EXAI_TOKEN", "the-key-of-the-user");
    setup.vendor.default_answer(Answer::text("hello"));
    let served = Served::start(&setup).await;
    let key = ("authorization", "Bearer the-key-of-the-user");
    assert_eq!(served.request("GET", "/sse", &[], "").await.status, 401);
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    let head = format!("GET /sse HTTP/1.1\r\nhost: {}\r\n{}: {}\r\n\r\n", served.address, key.0, key.1);
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut seen = String::new();
    until(&mut stream, &mut seen, "event: endpoint\ndata: /messages?sessionId=").await;
    let path = seen.split("data: ").nth(1).unwrap().lines().next().unwrap().trim().to_owned();
    let post = async |message: Value| {
        served
            .request("POST", &path, &[key, ("content-type", "application/json")], &message.to_string())
            .await
            .status
    };
    assert_eq!(post(hello()).await, 202);
    until(&mut stream, &mut seen, "\"protocolVersion\":\"2025-11-25\"").await;
    assert_eq!(post(json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await, 202);
    let mut asks = call(1, "hi");
    asks["params"]["_meta"] = Value::Null;
    asks["params"].as_object_mut().unwrap().remove("_meta");
    assert_eq!(post(asks).await, 202);
    until(&mut stream, &mut seen, "\\\"content\\\":\\\"hello\\\"").await;
    setup.assert_latest_run("sse", "raw 1").await;
    let none = served.request("POST", "/messages?sessionId=none", &[key], "{}").await;
    assert_eq!((none.status, &none.json()["error"]["code"]), (404, &json!("no_session")));
    drop(stream);
    let gone = async { while post(json!({"jsonrpc": "2.0", "id": 9, "method": "ping"})).await != 404 {} };
    within("the end of the connection", gone).await;
    served.terminate();
    assert_eq!(served.ended().await.0, 0);
}

/// A session that asks for much leaves room for the others.
#[tokio::test]
async fn a_busy_session_leaves_room() {
    let setup = Setup::new().await;
    let gate = Gate::new();
    setup.vendor.default_answer(Answer::text("hello").gated(&gate));
    let served = Served::start(&setup).await;
    let mut greedy = connect(&served, &[]).await.unwrap();
    for id in 0..12 {
        say(&mut greedy, &call(id, &format!("question {id}"))).await;
    }
    within("the first eight", setup.vendor.wait_for_calls(8)).await;
    let mut modest = connect(&served, &[]).await.unwrap();
    say(&mut modest, &call(1, "another question")).await;
    within("the other's call", setup.vendor.wait_for_calls(9)).await;
    assert_eq!(setup.vendor.calls().len(), 9, "the ninth of one session waits");
    gate.open();
    assert_eq!(content(&hear(&mut modest).await), "hello");
    for _ in 0..12 {
        assert_eq!(content(&hear(&mut greedy).await), "hello");
    }
}
