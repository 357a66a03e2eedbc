//! Keys that change while the server runs, keys that are none, and ids that belong to others.

use std::time::{Duration, Instant};

use futures::{SinkExt as _, StreamExt as _, future::join_all};
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt as _, net::TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _, protocol::frame::coding::CloseCode},
};

use crate::support::{CLIENT, Served, Setup, within};

const USER: &str = "the-key-of-the-user";
const CI: &str = "the-key-of-the-pipeline";

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(served: &Served, key: Option<&str>) -> Socket {
    let mut request = format!("ws://{}/ws", served.address).into_client_request().unwrap();
    if let Some(key) = key {
        request.headers_mut().insert("x-api-key", key.parse().unwrap());
    }
    connect_async(request).await.unwrap().0
}

async fn greeted(served: &Served, in_head: Option<&str>, in_hello: Option<&str>) -> Socket {
    let mut socket = connect(served, in_head).await;
    say(&mut socket, &json!({"op": "hello", "token": in_hello})).await;
    assert_eq!(hear(&mut socket).await.unwrap()["ok"], true);
    socket
}

async fn say(socket: &mut Socket, frame: &Value) {
    socket.send(Message::text(frame.to_string())).await.unwrap();
}

/// The next frame, or the code with which the connection was closed.
async fn hear(socket: &mut Socket) -> Result<Value, u16> {
    loop {
        match within("a frame", socket.next()).await {
            Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(Some(frame)))) => return Err(CloseCode::into(frame.code)),
            Some(Ok(_)) => {}
            other => panic!("a frame, not {other:?}"),
        }
    }
}

/// A stream that stays open, once its head is there.
async fn stream(served: &Served, key: Option<&str>) -> TcpStream {
    let headers: Vec<_> = key.map(|key| ("x-api-key", key)).into_iter().collect();
    let mut stream = served.send("GET", "/sse", &headers, "").await;
    let mut first = [0; 15];
    within("the head", stream.read_exact(&mut first)).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    stream
}

async fn ends(mut stream: TcpStream) {
    drop(within("the end of the stream", stream.read_to_end(&mut Vec::new())).await);
}

#[tokio::test]
async fn a_replaced_key_closes_what_it_opened() {
    let setup = Setup::new().await.with("EXAI_TOKEN", USER);
    let served = Served::start(&setup).await;
    let mut others = [
        greeted(&served, Some(USER), None).await,
        greeted(&served, None, Some(USER)).await,
        connect(&served, Some(USER)).await,
    ];
    let open = stream(&served, Some(USER)).await;
    let mut asking = greeted(&served, Some(USER), None).await;
    let new = "the-next-key-of-the-user";
    say(&mut asking, &json!({"op": "rotate_token", "old": USER, "new": new})).await;
    assert_eq!(hear(&mut asking).await.unwrap()["ok"], true, "whoever asked is told");
    assert_eq!(hear(&mut asking).await, Err(4003));
    // The last has not said anything yet.
    for socket in &mut others[..2] {
        assert_eq!(hear(socket).await, Err(4003));
    }
    say(&mut others[2], &json!({"op": "hello"})).await;
    assert_eq!(hear_close(&mut others[2]).await, 4003);
    ends(open).await;
    let status = async |key| served.call("version", &json!({}), &[("x-api-key", key)]).await.status;
    assert_eq!((status(USER).await, status(new).await), (401, 200));
    // The configuration still has the old key, which others may know.
    served.signal("-HUP");
    greeted(&served, Some(new), None).await;
    assert_eq!((status(USER).await, status(new).await), (401, 200));
}

/// Passes over what was said before the end.
async fn hear_close(socket: &mut Socket) -> u16 {
    loop {
        if let Err(code) = hear(socket).await {
            return code;
        }
    }
}

#[tokio::test]
async fn clients_come_and_go_without_a_restart() {
    let setup = Setup::new().await.with("EXAI_TOKEN", USER).with("CI_KEY", CI);
    let file = setup.home.path().join("config/config.toml");
    let served = Served::start(&setup).await;
    let ci = [("x-api-key", CI)];
    let status = async || served.call("version", &json!({}), &ci).await.status;
    assert_eq!(status().await, 401);
    std::fs::write(&file, "[[clients]]\nname = \"ci\"\ntoken_env = \"CI_KEY\"\n").unwrap();
    served.signal("-HUP");
    within("the new client", async { while status().await != 200 {} }).await;
    let mut kept = greeted(&served, Some(USER), None).await;
    let (mut removed, open) = (greeted(&served, Some(CI), None).await, stream(&served, Some(CI)).await);
    // What cannot be understood changes nothing.
    let unclear = "tool_profile = \"lite\"\n[[clients]]\nname = \"ci\"\ntoken_env = \"MISSING\"\n";
    std::fs::write(&file, unclear).unwrap();
    served.signal("-HUP");
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": crate::support::discover_meta()}});
    let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/list"), ci[0]];
    let tools = async || {
        let answer = served.post(&list, &headers).await.json();
        answer["result"]["tools"].as_array().map_or(0, Vec::len)
    };
    within("the rest of it", async { while tools().await != crate::support::LITE.len() {} }).await;
    std::fs::write(&file, "").unwrap();
    assert_eq!(status().await, 200);
    served.signal("-HUP");
    assert_eq!(hear(&mut removed).await, Err(4003));
    ends(open).await;
    assert_eq!(status().await, 401);
    say(&mut kept, &json!({"op": "ping"})).await;
    assert_eq!(hear(&mut kept).await.unwrap()["op"], "pong", "others stay");
}

#[tokio::test]
async fn the_first_key_shuts_the_door() {
    let setup = Setup::new().await.with("CI_KEY", CI);
    let file = setup.home.path().join("config/config.toml");
    let served = Served::start(&setup).await;
    let (mut open, reading) = (greeted(&served, None, None).await, stream(&served, None).await);
    std::fs::write(&file, "[[clients]]\nname = \"ci\"\ntoken_env = \"CI_KEY\"\n").unwrap();
    served.signal("-HUP");
    assert_eq!(hear(&mut open).await, Err(4003));
    ends(reading).await;
    assert_eq!(served.call("version", &json!({}), &[]).await.status, 401);
    // Without any key everybody would come in.
    std::fs::write(&file, "").unwrap();
    served.signal("-HUP");
    let again = served.call("version", &json!({}), &[("x-api-key", CI)]).await;
    assert_eq!((again.status, served.call("version", &json!({}), &[]).await.status), (200, 401));
}

#[tokio::test]
async fn guessed_keys_are_refused_slowly() {
    let setup = Setup::new().await.with("EXAI_TOKEN", USER);
    let served = Served::start(&setup).await;
    let begun = Instant::now();
    let guess = |number: usize| {
        let (served, key) = (&served, format!("the-key-of-the-usez-{number}"));
        async move { served.call("version", &json!({}), &[("x-api-key", &key)]).await.status }
    };
    let guesses = join_all((0..8).map(guess));
    // Whoever has the key does not wait with them, although it comes from the same address.
    let known = async {
        let answer = served.call("version", &json!({}), &[("x-api-key", USER)]).await;
        (answer.status, begun.elapsed())
    };
    let (guessed, (status, took)) = tokio::join!(guesses, known);
    assert!(guessed.iter().all(|status| *status == 401), "{guessed:?}");
    assert!(begun.elapsed() > Duration::from_millis(2_500), "{:?}", begun.elapsed());
    assert!(status == 200 && took < begun.elapsed() / 2, "{took:?} of {:?}", begun.elapsed());
    // The first frame of a WebSocket is slowed as well.
    guess(0).await;
    let mut socket = connect(&served, None).await;
    let begun = Instant::now();
    say(&mut socket, &json!({"op": "hello", "token": "the-key-of-the-usez"})).await;
    assert_eq!(hear(&mut socket).await.unwrap()["error"], "unauthorized");
    assert!(begun.elapsed() > Duration::from_millis(200), "{:?}", begun.elapsed());
}

/// Ids of sessions are no secret that tells by its answer whether it exists.
#[tokio::test]
async fn foreign_sessions_look_absent() {
    let setup = Setup::new().await.with("EXAI_TOKEN", USER).with("CI_KEY", CI);
    std::fs::write(
        setup.home.path().join("config/config.toml"),
        "[[clients]]\nname = \"ci\"\ntoken_env = \"CI_KEY\"\n",
    )
    .unwrap();
    let served = Served::start(&setup).await;
    let session = served.session(&[("x-api-key", USER)]).await;
    let absent = "00000000-0000-4000-8000-000000000000";
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    let modern = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": crate::support::discover_meta()}});
    let modern = modern.to_string();
    let ended = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}});
    let ended = ended.to_string();
    let (older, newer) = (("mcp-protocol-version", "2025-11-25"), ("mcp-protocol-version", "2026-07-28"));
    for (method, body, more) in [
        ("POST", list.as_str(), vec![older]),
        ("POST", list.as_str(), vec![]),
        ("POST", ended.as_str(), vec![older]),
        ("POST", modern.as_str(), vec![newer, ("mcp-method", "tools/list")]),
        ("POST", "{", vec![older]),
        ("GET", "", vec![older]),
        ("DELETE", "", vec![older]),
        ("PUT", "", vec![older]),
    ] {
        let ask = async |id: &str| {
            let mut headers: Vec<_> = CLIENT.iter().copied().chain(more.iter().copied()).collect();
            headers.extend([("x-api-key", CI), ("mcp-session-id", id)]);
            let mut answer = served.request(method, "/mcp", &headers, body).await;
            answer.headers.remove("x-request-id");
            answer.headers.remove("date");
            (answer.status, answer.headers, answer.body)
        };
        assert_eq!(ask(&session).await, ask(absent).await, "{method} {body} {more:?}");
    }
    let own = [("x-api-key", USER), ("mcp-session-id", session.as_str())];
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(served.post(&list, &own).await.status, 200, "its owner's is still there");
}
