//! How often a client may call, over every door: a burst waits, and what comes faster than that learns when to come again. Clients take a
//! bare 429 for the end of their session, so only a flood gets one.

use std::time::{Duration, Instant};

use futures::{SinkExt as _, StreamExt as _, future::join_all};
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt as _, net::TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use crate::support::{Answered, CLIENT, Served, Setup, tool_call, within};

/// Calls of a client that sends them all before it reads.
const PIPELINED: u64 = 50;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(served: &Served, key: Option<&str>) -> Socket {
    let mut request = format!("ws://{}/ws", served.address).into_client_request().unwrap();
    if let Some(key) = key {
        request.headers_mut().insert("x-api-key", key.parse().unwrap());
    }
    connect_async(request).await.unwrap().0
}

fn version(id: u64) -> Value {
    let mut call = tool_call("version", &json!({}));
    call["id"] = json!(id);
    call
}

/// Sends calls with these ids and reads as many answers: those that were answered, and those that came too fast.
async fn over_websocket(socket: &mut Socket, ids: std::ops::Range<u64>) -> (usize, Vec<Value>) {
    for id in ids.clone() {
        socket.send(Message::text(version(id).to_string())).await.unwrap();
    }
    let (mut seen, mut refused) = (Vec::new(), Vec::new());
    while seen.len() < ids.clone().count() {
        let Some(Ok(message)) = within("an answer", socket.next()).await else { panic!("it ended") };
        let Message::Text(text) = message else { continue };
        let answer: Value = serde_json::from_str(&text).unwrap();
        seen.push(answer["id"].as_u64().unwrap());
        if answer.get("error").is_some() {
            refused.push(answer);
        }
    }
    seen.sort_unstable();
    assert!(seen.into_iter().eq(ids.clone()), "each has one answer");
    (ids.count() - refused.len(), refused)
}

/// Waits until the text of a stream has so many of something.
async fn until(stream: &mut TcpStream, seen: &mut String, wanted: &str, times: usize) {
    let mut buffer = [0; 4096];
    while seen.matches(wanted).count() < times {
        let length = within(wanted, stream.read(&mut buffer)).await.unwrap();
        assert!(length > 0, "the stream ended: {seen}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
}

async fn ask(served: &Served, more: &[(&str, &str)]) -> Answered {
    served.call("version", &json!({}), more).await
}

async fn over_http(served: &Served, calls: usize, more: &[(&str, &str)]) -> Vec<Answered> {
    join_all((0..calls).map(|_| ask(served, more))).await
}

/// Opens `/sse`, and sends calls; the stream once it has an answer to each.
async fn over_sse(served: &Served, calls: u64) -> String {
    let mut stream = served.send("GET", "/sse", &[], "").await;
    let mut seen = String::new();
    until(&mut stream, &mut seen, "\n\n", 1).await;
    let path = seen.lines().find_map(|line| line.strip_prefix("data: ")).unwrap().to_owned();
    let sent = (1..=calls).map(|id| {
        let (path, message) = (&path, version(id).to_string());
        async move { served.request("POST", path, &CLIENT, &message).await.status }
    });
    assert!(join_all(sent).await.iter().all(|status| *status == 202));
    until(&mut stream, &mut seen, r#""jsonrpc""#, usize::try_from(calls).unwrap()).await;
    seen
}

#[tokio::test]
async fn fifty_calls_at_once_are_answered() {
    let setup = Setup::new().await;
    let served = Served::start(&setup).await;
    let answers = over_http(&served, usize::try_from(PIPELINED).unwrap(), &[]).await;
    assert!(answers.iter().all(|answer| answer.tool()["status"] == "success"));
    let mut socket = connect(&served, None).await;
    assert_eq!(over_websocket(&mut socket, 0..PIPELINED).await.1, Vec::<Value>::new());
    let said = over_sse(&served, PIPELINED).await;
    assert!(!said.contains("\"error\""), "{said}");

    let mut op = connect(&served, None).await;
    op.send(Message::text(json!({"op": "hello"}).to_string())).await.unwrap();
    for id in 0..PIPELINED {
        let call = json!({"op": "call_tool", "name": "version", "request_id": id});
        op.send(Message::text(call.to_string())).await.unwrap();
    }
    let mut results = 0;
    while results < PIPELINED {
        let Some(Ok(message)) = within("a result", op.next()).await else { panic!("it ended") };
        let Message::Text(text) = message else { continue };
        let frame: Value = serde_json::from_str(&text).unwrap();
        if frame["op"] == "call_tool_res" {
            assert_eq!(frame["ok"], true, "{frame}");
            results += 1;
        }
    }
}

fn slow(setup: Setup, each: &str) -> Setup {
    setup.with("EXAI_CLIENT_RATE", each).with("EXAI_RATE", "0")
}

/// The time that a refusal names, in milliseconds.
fn wait_of(refusal: &Value) -> u64 {
    let data = &refusal["error"]["data"];
    assert_eq!(data["code"], "over_capacity", "{refusal}");
    data["retry_after_ms"].as_u64().filter(|wait| *wait > 0).unwrap_or_else(|| panic!("no time in {refusal}"))
}

#[tokio::test]
async fn whoever_goes_on_learns_when_to_return() {
    let setup = slow(Setup::new().await, "2");
    let served = Served::start(&setup).await;
    // Five seconds let twelve pass.
    let answers = over_http(&served, 40, &[]).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let refused: Vec<Value> =
        answers.iter().map(Answered::json).filter(|answer| answer.get("error").is_some()).collect();
    assert!((20..=30).contains(&refused.len()), "{}", refused.len());
    refused.iter().for_each(|refusal| assert!(wait_of(refusal) > 0 && refusal["id"] == 1));

    let (answered, refused) = over_websocket(&mut connect(&served, None).await, 0..40).await;
    assert!(answered > 5, "{answered}");
    assert!(refused.len() >= 20 && refused.iter().all(|refusal| wait_of(refusal) > 0));

    let said = over_sse(&served, 40).await;
    assert!(said.contains("retry_after_ms") && said.contains("\"result\""), "{said}");
}

#[tokio::test]
async fn refused_frames_are_answered_in_their_dialect() {
    let setup = slow(Setup::new().await, "1");
    let served = Served::start(&setup).await;
    let mut op = connect(&served, None).await;
    op.send(Message::text(json!({"op": "hello"}).to_string())).await.unwrap();
    for id in 0..20 {
        let call = json!({"op": "call_tool", "name": "version", "request_id": id});
        op.send(Message::text(call.to_string())).await.unwrap();
    }
    op.send(Message::text(json!({"op": "list_tools", "request_id": "list"}).to_string())).await.unwrap();
    let (mut results, mut refused) = (Vec::new(), 0);
    while results.len() < 21 {
        let Some(Ok(message)) = within("a result", op.next()).await else { panic!("it ended") };
        let Message::Text(text) = message else { continue };
        let frame: Value = serde_json::from_str(&text).unwrap();
        let is_answer = matches!(frame["op"].as_str(), Some("call_tool_res" | "error" | "list_tools_res"));
        if is_answer {
            if frame["error"]["code"] == "OVER_CAPACITY" {
                assert!(frame["error"]["retry_after"].as_f64().unwrap() > 0.0, "{frame}");
                assert_eq!(
                    frame["op"],
                    if frame["request_id"] == "list" { "error" } else { "call_tool_res" }
                );
                refused += 1;
            }
            results.push(frame["request_id"].clone());
        }
    }
    assert!(refused >= 10, "{refused}");
    results.sort_by_key(Value::to_string);
    results.dedup();
    assert_eq!(results.len(), 21, "each has one answer");
}

/// Another door or session is no other client, and another key is.
#[tokio::test]
async fn all_doors_count_together() {
    let user = ("x-api-key", "the-key-of-the-user");
    let setup = Setup::new().await.with("EXAI_TOKEN", user.1).with("CI_KEY", "the-key-of-the-pipeline");
    std::fs::write(
        setup.home.path().join("config/config.toml"),
        "[[clients]]\nname = \"ci\"\ntoken_env = \"CI_KEY\"\n",
    )
    .unwrap();
    let setup = slow(setup, "1");
    let served = Served::start(&setup).await;
    let mut socket = connect(&served, Some(user.1)).await;
    let key = [user];
    let begun = Instant::now();
    let (http, (over_socket, _), other) = tokio::join!(
        over_http(&served, 20, &key),
        over_websocket(&mut socket, 0..20),
        ask(&served, &[("x-api-key", "the-key-of-the-pipeline")])
    );
    assert_eq!(other.tool()["status"], "success", "it does not wait for the others");
    let answered = http.iter().filter(|answer| answer.json().get("result").is_some()).count() + over_socket;
    let most = usize::try_from(begun.elapsed().as_secs()).unwrap() + 2;
    assert!(answered >= 4 && answered <= most, "{answered} in {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_flood_is_refused_unread() {
    let setup = slow(Setup::new().await, "1");
    let served = Served::start(&setup).await;
    let answers = over_http(&served, 400, &[]).await;
    let flooded: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!(flooded.len() >= 100, "{}", flooded.len());
    assert!(flooded.iter().all(|answer| answer.headers["retry-after"] == "5"));
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 429)));
    tokio::time::timeout(Duration::from_secs(20), served.call("version", &json!({}), &[]))
        .await
        .expect("it is over")
        .tool();
}

/// A client is counted by the address that it has, whatever address it claims.
#[tokio::test]
async fn a_claimed_address_changes_nothing() {
    let setup = slow(Setup::new().await, "1");
    let served = Served::start(&setup).await;
    let begun = Instant::now();
    let calls = (0..30).map(|number| {
        let (served, address) = (&served, format!("192.0.2.{number}"));
        async move {
            let forwarded = format!("for={address}");
            let claims = [("x-forwarded-for", &address), ("x-real-ip", &address), ("forwarded", &forwarded)];
            ask(served, &claims.map(|(name, value)| (name, value.as_str()))).await
        }
    });
    let answers = join_all(calls).await;
    let answered = answers.iter().filter(|answer| answer.json().get("result").is_some()).count();
    let most = usize::try_from(begun.elapsed().as_secs()).unwrap() + 2;
    assert!(answered >= 4 && answered <= most, "{answered} in {:?}", begun.elapsed());
}
