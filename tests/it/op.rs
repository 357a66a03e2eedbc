//! The `op` dialect against the program itself, by a client that knows no more than `docs/websocket.md`.

use std::time::Duration;

use exai_mock_vendor::{Answer, Gate};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, protocol::frame::coding::CloseCode},
};

use crate::support::{MODEL, Served, Setup, within};

/// A program of somebody who has read the documentation.
struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn connect(served: &Served) -> Self {
        let (socket, _) = connect_async(format!("ws://{}/ws", served.address)).await.expect("an upgrade");
        Self(socket)
    }

    async fn hello(served: &Served, hello: Value) -> (Self, Value) {
        let mut client = Self::connect(served).await;
        client.say(&hello).await;
        let ack = client.hear().await;
        (client, ack)
    }

    async fn say(&mut self, frame: &Value) {
        self.0.send(Message::text(frame.to_string())).await.expect("the server reads");
    }

    /// The next frame, or the code with which the connection was closed.
    async fn next(&mut self) -> Result<Value, Option<u16>> {
        let heard = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).expect("JSON")),
                    Some(Ok(Message::Close(frame))) => {
                        return Err(frame.map(|frame| CloseCode::into(frame.code)));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Err(None),
                }
            }
        };
        within("a frame", heard).await
    }

    async fn hear(&mut self) -> Value {
        self.next().await.expect("a frame")
    }

    async fn hear_result(&mut self) -> Value {
        loop {
            let frame = self.hear().await;
            if frame["op"] == "call_tool_res" {
                return frame;
            }
        }
    }
}

fn chat(prompt: &str, id: &str) -> Value {
    json!({"op": "call_tool", "name": "chat", "arguments": {"prompt": prompt, "model": MODEL}, "request_id": id})
}

/// Whether a frame is what the documentation prints: the same keys, and values where they are printed.
fn is_as_printed(heard: &Value, printed: &Value) -> bool {
    match (heard, printed) {
        (_, Value::String(text)) if text == "…" => true,
        (Value::Object(heard), Value::Object(printed)) => {
            heard.len() == printed.len()
                && printed
                    .iter()
                    .all(|(key, value)| heard.get(key).is_some_and(|heard| is_as_printed(heard, value)))
        }
        (Value::Array(heard), Value::Array(printed)) => {
            heard.len() == printed.len()
                && heard.iter().zip(printed).all(|(heard, value)| is_as_printed(heard, value))
        }
        _ => heard == printed,
    }
}

#[tokio::test]
async fn the_conversation_of_the_documentation_is_held() {
    let document =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/websocket.md")).unwrap();
    let block =
        document.split("```text").nth(1).and_then(|rest| rest.split("```").next()).expect("a conversation");
    let setup = Setup::new().await.with("EXAI_TOOL_PROFILE", "full");
    setup.vendor.default_answer(Answer::text("hello"));
    let served = Served::start(&setup).await;
    let mut client = Client::connect(&served).await;
    let mut lines = 0;
    for line in block.lines().filter(|line| !line.is_empty()) {
        let (who, frame) = line.split_at(2);
        let frame: Value = serde_json::from_str(frame).unwrap_or_else(|error| panic!("{error} in {line}"));
        if who == "> " {
            client.say(&frame).await;
        } else {
            // How often a call tells how far it is depends on the moment.
            let mut heard = client.hear().await;
            while heard["op"] == "progress" {
                heard = client.hear().await;
            }
            assert!(is_as_printed(&heard, &frame), "{heard:#}\nis not\n{frame:#}");
        }
        lines += 1;
    }
    assert!(lines > 20, "the conversation was found");
}

/// A connection that broke loses nothing and the model is asked once.
#[tokio::test]
async fn a_broken_connection_loses_nothing() {
    let setup = Setup::new().await;
    let gate = Gate::new();
    setup.vendor.default_answer(Answer::text("after all").gated(&gate));
    let served = Served::start(&setup).await;
    let (mut client, ack) = Client::hello(&served, json!({"op": "hello", "session_id": "window-1"})).await;
    client.say(&chat("Think.", "r1")).await;
    assert_eq!(client.hear().await["op"], "call_tool_ack");
    within("the request upstream", setup.vendor.wait_for_calls(1)).await;
    drop(client);
    gate.open();
    let back =
        json!({"op": "hello", "session_id": "window-1", "resume_token": ack["resume_token"], "last_seq": 0});
    let (mut client, ack) = Client::hello(&served, back).await;
    assert_eq!(ack["resumed"], true);
    let result = client.hear_result().await;
    assert_eq!((&result["request_id"], &result["ok"]), (&json!("r1"), &json!(true)));
    assert!(result["text"].as_str().unwrap().contains("after all"));
    client.say(&chat("Think.", "r2")).await;
    assert_eq!(client.hear_result().await["ok"], true);
    assert_eq!(setup.vendor.calls().len(), 1);
    let wrong = json!({"op": "hello", "session_id": "window-1", "resume_token": "0".repeat(64)});
    let (mut client, ack) = Client::hello(&served, wrong).await;
    assert_eq!(ack["error"], "unauthorized");
    assert_eq!(client.next().await, Err(Some(4003)));
}

#[tokio::test]
async fn runs_over_op_remember_the_door() {
    let setup = Setup::new().await;
    let served = Served::start(&setup).await;
    let (mut client, _) =
        Client::hello(&served, json!({"op": "hello", "clientInfo": {"name": "window"}})).await;
    client.say(&chat("Think.", "r1")).await;
    assert_eq!(client.hear_result().await["ok"], true);
    setup.assert_latest_run("op", "window 1").await;
}

#[tokio::test]
async fn cancel_ends_the_request_at_the_vendor() {
    let setup = Setup::new().await;
    setup.vendor.default_answer(Answer::never());
    let served = Served::start(&setup).await;
    let (mut client, _) = Client::hello(&served, json!({"op": "hello"})).await;
    client.say(&chat("Think.", "r1")).await;
    within("the request upstream", setup.vendor.wait_for_calls(1)).await;
    client.say(&json!({"op": "cancel", "request_id": "r1"})).await;
    assert_eq!(client.hear_result().await["error"]["code"], "CANCELLED");
    tokio::time::timeout(Duration::from_secs(2), setup.vendor.wait_for_disconnects(1))
        .await
        .expect("it is let go of");
}

#[tokio::test]
async fn the_first_frame_may_bring_the_key() {
    let setup = Setup::new().await.with("EXAI_TOKEN", "the-key-of-the-user");
    let served = Served::start(&setup).await;
    for (hello, code) in [
        (json!({"op": "hello"}), 4003),
        (json!({"op": "hello", "token": "the-key-of-another"}), 4003),
        (json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}), 4003),
        (json!({"op": "list_tools"}), 4001),
    ] {
        let (mut client, refusal) = Client::hello(&served, hello).await;
        assert!(refusal.get("error").is_some(), "{refusal}");
        assert_eq!(client.next().await, Err(Some(code)));
    }
    let (mut client, ack) =
        Client::hello(&served, json!({"op": "hello", "token": "the-key-of-the-user"})).await;
    assert_eq!(ack["ok"], true);
    client.say(&json!({"op": "call_tool", "name": "version"})).await;
    assert_eq!(client.hear_result().await["ok"], true);
}

#[tokio::test]
async fn a_huge_frame_closes_the_connection() {
    let setup = Setup::new().await;
    let served = Served::start(&setup).await;
    let (mut client, _) = Client::hello(&served, json!({"op": "hello"})).await;
    let large = "x".repeat(33 * 1024 * 1024);
    // The server may hang up before it has read everything.
    drop(client.0.send(Message::text(large)).await);
    assert!(client.next().await.is_err());
}
