//! Every line that can be answered is answered once, and the next request works.

use serde_json::{Value, json};

use super::{Client, settings};

fn request(id: &str, rest: &str) -> Vec<u8> {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call"{rest}"#).into_bytes()
}

fn bad_lines() -> Vec<(Vec<u8>, i64, Value)> {
    let deep = format!(r#","params":{{"a":{}1{}}}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let mut not_utf8 = request("3", r#","params":{"name":""#);
    not_utf8.extend(b"\xff\"}}");
    vec![
        (b"hello".to_vec(), -32700, Value::Null),
        (b"\xff\xfe\x00".to_vec(), -32700, Value::Null),
        (not_utf8, -32700, json!(3)),
        (request("4", r#","params":{"name":"ec"#), -32700, json!(4)),
        (request("5", &deep), -32700, json!(5)),
        ("[".repeat(100_000).into_bytes(), -32700, Value::Null),
        (request("6", r#","params":17}"#), -32600, json!(6)),
        (request("7", r#","id":8}"#), -32600, json!(7)),
        (request("1.5", "}"), -32600, json!(1.5)),
        (request("null", "}"), -32600, Value::Null),
        (br#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#.to_vec(), -32600, Value::Null),
        (
            br#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":17}"#.to_vec(),
            -32600,
            Value::Null,
        ),
        (b"17".to_vec(), -32600, Value::Null),
        (br#"{"jsonrpc":"2.0","id":"a","Method":"ping"}"#.to_vec(), -32600, json!("a")),
    ]
}

#[tokio::test(start_paused = true)]
async fn each_bad_line_gets_one_answer() {
    let mut client = Client::connect(settings()).await;
    for (line, code, id) in bad_lines() {
        client.line(&line).await;
        assert_eq!(client.read_error().await, (id, code), "{}", String::from_utf8_lossy(&line));
        client.ping().await;
    }
}

/// Bad lines and stray notifications do not end the handshake.
#[tokio::test(start_paused = true)]
async fn bad_lines_do_not_end_the_handshake() {
    let mut client = Client::connect_through(1024, settings());
    client.line(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    client.line(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).await;
    for (line, code, id) in bad_lines() {
        client.line(&line).await;
        assert_eq!(client.read_error().await, (id, code), "{}", String::from_utf8_lossy(&line));
    }
    client.initialize().await;
    client.ping().await;
}

#[tokio::test(start_paused = true)]
async fn notifications_are_never_answered() {
    let mut client = Client::connect(settings()).await;
    for line in [
        "",
        "  ",
        r#"{"jsonrpc":"2.0","method":"notifications/unheard_of","params":{"x":1}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":[]}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":99,"result":{}}"#,
    ] {
        client.line(line).await;
        client.ping().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_oversized_line_keeps_its_id() {
    let mut client = Client::connect(settings()).await;
    let filler = "x".repeat(20_000_000);
    let line = format!(
        r#"{{"jsonrpc":"2.0","method":"tools/call","params":{{"id":1,"name":"{filler}"}},"id":"at the end"}}"#
    );
    client.line(&line).await;
    let reply = client.read().await;
    assert_eq!(reply["id"], "at the end");
    assert_eq!(reply["error"]["code"], -32600);
    let message = format!("message too large: {} bytes, the limit is 8388608", line.len());
    assert_eq!(reply["error"]["message"], message);
    client.ping().await;
}

#[tokio::test(start_paused = true)]
async fn a_line_at_the_limit_is_taken() {
    let mut client = Client::connect(settings()).await;
    let (head, tail) = (
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"x":""#,
        r#""}}}"#,
    );
    let filler = "x".repeat(settings().max_line_bytes - head.len() - tail.len());
    client.line(format!("{head}{filler}{tail}")).await;
    assert_eq!(client.read_text().await, (json!(1), "done".to_owned()));
    client.line(format!("{head}{filler}x{tail}")).await;
    assert_eq!(client.read_error().await, (json!(1), -32600));
}

#[tokio::test(start_paused = true)]
async fn unknown_methods_and_panics_are_answered() {
    let mut client = Client::connect(settings()).await;
    client.request(json!(1), "no/such/method", json!({})).await;
    assert_eq!(client.read_error().await, (json!(1), -32601));
    client.call(2, "panic").await;
    assert_eq!(client.read_error().await, (json!(2), -32603));
    client.call(2, "echo").await;
    assert_eq!(client.read_text().await, (json!(2), "done".to_owned()));
}
