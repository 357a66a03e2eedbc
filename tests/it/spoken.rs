//! MCP as clients really speak it, over every transport: messages that are broken, wrong or unusual get one answer each, by their id where
//! they have one, and the connection can be used afterwards.

mod folders;
mod log;
mod wires;

use exai_mock_vendor::Answer;
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{CloseCode, Data, OpCode},
    },
};

use self::wires::Wire;
use crate::support::{CLIENT, MODEL, Served, Setup, peak_memory, within};

/// What is sent, the code of the answer, and the id in it. `META` stands for the context that a revision asks for.
fn broken() -> Vec<(String, i64, Value)> {
    let meta = r#""params":{"_meta":META}"#;
    [
        (r#"hello"#, -32_700, Value::Null),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list""#, -32_700, json!(1)),
        (r#"{"jsonrpc":"2.0","id":"b","method":"tools/list",}"#, -32_700, json!("b")),
        (r#"{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{"x":1e999}}"#, -32_700, json!(2)),
        (r#"[{"jsonrpc":"2.0","id":3,"method":"tools/list"}]"#, -32_600, Value::Null),
        (r#"[]"#, -32_600, Value::Null),
        (r#""jsonrpc""#, -32_600, Value::Null),
        (r#"{"jsonrpc":"1.0","id":4,"method":"tools/list"}"#, -32_600, json!(4)),
        (r#"{"jsonrpc":2.0,"id":5,"method":"tools/list"}"#, -32_600, json!(5)),
        (r#"{"id":6,"method":"tools/list"}"#, -32_600, json!(6)),
        (r#"{"jsonrpc":"2.0","id":7,"Method":"tools/list"}"#, -32_600, json!(7)),
        (r#"{"jsonrpc":"2.0","ID":7,"method":7}"#, -32_600, Value::Null),
        (r#"{"jsonrpc":"2.0","id":8,"method":null}"#, -32_600, json!(8)),
        (r#"{"jsonrpc":"2.0","id":null,"method":"tools/list"}"#, -32_600, Value::Null),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"tools/list"}"#, -32_600, json!(1.5)),
        (r#"{"jsonrpc":"2.0","id":{"a":1},"method":"tools/list"}"#, -32_600, Value::Null),
        (r#"{"jsonrpc":"2.0","id":[9],"method":"tools/list"}"#, -32_600, Value::Null),
        (r#"{"jsonrpc":"2.0","id":true,"method":"tools/list"}"#, -32_600, Value::Null),
        (r#"{"jsonrpc":"2.0","id":10,"method":"tools/list","params":"x"}"#, -32_600, json!(10)),
        (r#"{"jsonrpc":"2.0","id":11,"method":"tools/list","params":[]}"#, -32_600, json!(11)),
        (r#"{"jsonrpc":"2.0","id":12,"id":13,"method":"tools/list"}"#, -32_600, json!(12)),
        (r#"{"jsonrpc":"2.0","id":14,"method":"ping","method":"tools/list"}"#, -32_600, json!(14)),
        (r#"{"jsonrpc":"2.0","id":15,"method":"tools/list","params":{},"params":{}}"#, -32_600, json!(15)),
        (r#"{"jsonrpc":"2.0","id":16,"method":"tools/list","result":{}}"#, -32_600, json!(16)),
        (r#"{"jsonrpc":"2.0","id":17,"method":"Tools/List",PARAMS}"#, -32_601, json!(17)),
        (r#"{"jsonrpc":"2.0","id":"c","method":"no/such",PARAMS}"#, -32_601, json!("c")),
    ]
    .into_iter()
    .map(|(message, code, id)| (message.replace("PARAMS", meta), code, id))
    .collect()
}

/// Requests whose parameters are wrong, and the field that is.
const WRONG: [(&str, &str); 12] = [
    (r#""method":"tools/call","params":{}"#, "`name`"),
    (r#""method":"tools/call""#, "`name`"),
    (r#""method":"tools/call","params":{"name":7}"#, "name: "),
    (r#""method":"tools/call","params":{"name":"chat","arguments":[]}"#, "arguments: "),
    (r#""method":"tools/call","params":{"name":"chat","arguments":"[1]"}"#, "arguments: expected an object"),
    (
        r#""method":"tools/call","params":{"name":"chat","arguments":"hello"}"#,
        "arguments: expected an object",
    ),
    (r#""method":"tools/list","params":{"cursor":7}"#, "cursor: "),
    (r#""method":"prompts/get","params":{"name":"x","arguments":"{"}"#, "arguments: expected an object"),
    (r#""method":"resources/read","params":{"uri":["x"]}"#, "uri: "),
    (r#""method":"completion/complete","params":{"ref":7}"#, "ref: "),
    (r#""method":"tools/list","params":{"_meta":"x"}"#, "_meta: "),
    (r#""method":"tools/list","params":{"_meta":{"progressToken":[1]}}"#, "_meta.progressToken: "),
];

async fn setup() -> Setup {
    let setup = Setup::new().await.with("EXAI_RATE", "0").with("EXAI_CLIENT_RATE", "0");
    setup.vendor.default_answer(Answer::text("hello"));
    setup
}

#[tokio::test]
async fn broken_messages_are_answered_by_id() {
    let setup = setup().await;
    let served = Served::start(&setup).await;
    for mut wire in Wire::all(&setup, &served).await {
        for (message, code, id) in broken() {
            let answer = wire.ask(&message).await;
            let told = (&answer["error"]["code"], answer.get("id").unwrap_or(&Value::Null));
            assert_eq!(told, (&json!(code), &id), "{wire:?} {message}: {answer}");
            assert!(answer["error"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{answer}");
            assert_eq!(wire.status(), wire.expected_status(code), "{wire:?} {message}");
            wire.still_works().await;
        }
    }
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let setup = setup().await;
    let served = Served::start(&setup).await;
    for mut wire in Wire::all(&setup, &served).await {
        for (index, (request, field)) in WRONG.into_iter().enumerate() {
            let answer = wire.ask(&format!(r#"{{"jsonrpc":"2.0","id":{index},{request}}}"#)).await;
            let message = answer["error"]["message"].as_str().unwrap_or_default();
            assert_eq!(
                (&answer["id"], &answer["error"]["code"]),
                (&json!(index), &json!(-32_602)),
                "{wire:?} {answer}"
            );
            assert!(message.contains(field), "{wire:?} {request}: {message}");
            assert_eq!(wire.status(), wire.expected_status(-32_602), "{wire:?} {request}");
            wire.still_works().await;
        }
        let long = format!(
            r#""method":"tools/list","params":{{"_meta":{{"progressToken":"{}"}}}}"#,
            "t".repeat(5_000)
        );
        let answer = wire.ask(&format!(r#"{{"jsonrpc":"2.0","id":99,{long}}}"#)).await;
        assert!(answer["error"]["message"].as_str().unwrap().contains("5000 bytes"), "{answer}");
        assert!(answer.to_string().len() < 300, "{answer}");
    }
    assert_eq!(setup.vendor.stats().calls, 0);
}

/// A client that leaves out what a handshake needs is told what, and may try again.
#[tokio::test]
async fn a_handshake_names_what_is_missing() {
    let setup = setup().await;
    let served = Served::start(&setup).await;
    let whole = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}});
    for mut wire in Wire::fresh(&setup, &served).await {
        for (field, value) in [
            ("protocolVersion", Value::Null),
            ("capabilities", Value::Null),
            ("clientInfo", Value::Null),
            ("clientInfo", json!("raw")),
            ("clientInfo", json!({"name": "raw"})),
            ("capabilities", json!([])),
            ("protocolVersion", json!(2025)),
        ] {
            let mut params = whole.clone();
            match value {
                Value::Null => drop(params.as_object_mut().unwrap().remove(field)),
                wrong => params[field] = wrong,
            }
            let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params});
            let answer = wire.ask(&hello.to_string()).await;
            let message = answer["error"]["message"].as_str().unwrap_or_default();
            assert_eq!(
                (&answer["id"], &answer["error"]["code"]),
                (&json!(1), &json!(-32_602)),
                "{wire:?} {answer}"
            );
            assert!(message.contains(field), "{wire:?} {params}: {message}");
        }
        let hello = json!({"jsonrpc": "2.0", "id": 2, "method": "initialize", "params": whole});
        let answer = wire.ask(&hello.to_string()).await;
        assert_eq!(answer["result"]["protocolVersion"], "2025-11-25", "{wire:?} {answer}");
    }
}

/// On a WebSocket, the first message decides which dialect is spoken.
#[tokio::test]
async fn the_first_message_may_be_broken() {
    let setup = setup().await;
    let served = Served::start(&setup).await;
    let hello = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}"#;
    for (first, code, id) in [
        (hello[..hello.len() - 1].to_owned(), -32_700, json!(1)),
        (format!("[{hello}]"), -32_600, Value::Null),
        (hello.replace("2.0", "1.0"), -32_600, json!(1)),
        (hello.replace("initialize", "tools/list"), -32_602, json!(1)),
    ] {
        for mut wire in Wire::fresh(&setup, &served).await {
            let answer = wire.ask(&first).await;
            // Without a session there is nothing to list over HTTP.
            let code = if code == -32_602 && wire.status().is_some() { -32_600 } else { code };
            let told = (&answer["error"]["code"], answer.get("id").unwrap_or(&Value::Null));
            assert_eq!(told, (&json!(code), &id), "{wire:?} {first}: {answer}");
            assert!(wire.ask(hello).await["result"].is_object(), "{wire:?}");
        }
    }
}

/// Arguments as the text that a model wrote, with half a character in it, and a byte order mark before all of it.
#[tokio::test]
async fn text_and_half_characters_are_understood() {
    let setup = setup().await;
    let served = Served::start(&setup).await;
    for mut wire in Wire::all(&setup, &served).await {
        for (index, (prompt, heard)) in
            [(r"cut \ud83d off", "cut \u{fffd} off"), (r"\ude00 and \ud83d\ude00", "\u{fffd} and \u{1f600}")]
                .into_iter()
                .enumerate()
        {
            for is_text in [false, true] {
                // No two are equal: an equal question would be answered from memory.
                let begin = format!("{wire:?} {is_text}");
                let object = format!(r#"{{"prompt":"{begin} {prompt}","model":"{MODEL}"}}"#);
                let (arguments, mark) =
                    if is_text { (Value::String(object).to_string(), "\u{feff}") } else { (object, "") };
                let call = format!(
                    r#"{mark}{{"jsonrpc":"2.0","id":{index},"method":"tools/call","params":{{"name":"chat","arguments":{arguments},"_meta":META}}}}"#
                );
                let answer = wire.ask(&call).await;
                let said = answer["result"]["content"][0]["text"].as_str();
                assert!(said.is_some_and(|said| said.contains("hello")), "{wire:?} {answer}");
                let sent = setup.vendor.calls().last().unwrap().json["messages"].to_string();
                assert!(sent.contains(&format!("{begin} {heard}")), "{wire:?} {arguments}: {sent}");
            }
        }
    }
}

/// A message beyond the limit costs at most its own connection.
#[tokio::test]
async fn after_a_long_message_others_work() {
    let setup = setup().await.with("EXAI_MESSAGE_MEGABYTES", "1");
    let served = Served::start(&setup).await;
    let long = |megabytes: usize| {
        format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"ping","params":{{"x":"{}"}}}}"#,
            "x".repeat(megabytes << 20)
        )
    };
    for mut wire in Wire::all(&setup, &served).await {
        for megabytes in [9, 100] {
            wire.is_too_long(&long(megabytes)).await;
            wire.still_works().await;
        }
    }
}

/// What the SDK refuses in plain words has the id of its request, too.
#[tokio::test]
async fn refusals_over_http_have_ids() {
    let setup = setup().await;
    let served = Served::start(&setup).await;
    let list = r#"{"jsonrpc":"2.0","id":"a","method":"tools/list"}"#;
    let [json, both] = CLIENT;
    for (headers, status) in [
        (vec![json, both], 400),
        (vec![json, both, ("mcp-protocol-version", "1999-01-01")], 400),
        (vec![json, ("accept", "text/plain")], 406),
        (vec![("content-type", "text/plain"), both], 415),
        (vec![both], 415),
    ] {
        let answer = served.request("POST", "/mcp", &headers, list).await;
        let told = answer.json();
        assert_eq!(
            (answer.status, &told["id"], &told["error"]["code"]),
            (status, &json!("a"), &json!(-32_600)),
            "{headers:?}"
        );
    }
}

/// A message in a million pieces is kept no longer than one in a single piece.
#[tokio::test]
async fn a_million_fragments_are_refused() {
    let setup = setup().await.with("EXAI_MESSAGE_MEGABYTES", "1");
    let served = Served::start(&setup).await;
    let before = peak_memory(served.child.id().unwrap());
    let (mut out, mut answers) = wires::websocket(&served).await.split();
    let send = async {
        for index in 0..1_100_000 {
            let kind = if index == 0 { Data::Text } else { Data::Continue };
            let piece = Frame::message("x", OpCode::Data(kind), false);
            if out.feed(Message::Frame(piece)).await.is_err() {
                break;
            }
        }
        drop(out.flush().await);
        std::future::pending::<()>().await;
    };
    let closed = async {
        loop {
            match answers.next().await {
                Some(Ok(Message::Close(frame))) => return frame.expect("a code").code,
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    let closed = async {
        tokio::select! { code = closed => code, () = send => unreachable!() }
    };
    assert_eq!(within("the close", closed).await, CloseCode::Size);
    let cost = peak_memory(served.child.id().unwrap()) - before;
    assert!(cost <= 8, "{cost} MiB");
}
