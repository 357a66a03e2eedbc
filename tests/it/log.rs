//! The log on standard error: nobody waits for it, whether or not it is read.

use std::process::Stdio;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio_tungstenite::{connect_async, tungstenite::Message};

use crate::support::{Served, Setup, within};

/// More than fills a pipe with a line for each.
const CALLS: usize = 400;

/// Arguments of a call that fails, which the log tells.
fn wrong() -> Value {
    json!({})
}

#[tokio::test]
async fn an_unread_log_stops_no_server() {
    let setup =
        Setup::new().await.with("EXAI_LOG", "trace").with("EXAI_RATE", "0").with("EXAI_CLIENT_RATE", "0");
    let served = Served::unread(&setup).await;
    for number in 0..CALLS {
        let answer = served.call("chat", &wrong(), &[]).await;
        assert_eq!((answer.status, &answer.tool()["code"]), (200, &json!("invalid_input")), "call {number}");
    }
    // There is room for a while behind the pipe; what has none is counted. A message that is none is told of as well.
    let (mut socket, _) = connect_async(format!("ws://{}/ws", served.address)).await.unwrap();
    let more = async {
        while served.figure("exai_log_dropped_total").await == 0.0 {
            for number in 0..500 {
                let message = json!({"jsonrpc": "2.0", "id": format!("{number:0>200}")});
                socket.feed(Message::text(message.to_string())).await.unwrap();
            }
            socket.flush().await.unwrap();
            for _ in 0..500 {
                socket.next().await.unwrap().unwrap();
            }
        }
    };
    within("a dropped line", more).await;
    served.terminate();
    assert_eq!(served.ended().await, (0, String::new()));
}

/// The same for a client that starts the program and never reads its standard error.
#[tokio::test]
async fn an_unread_log_stops_no_pipe() {
    let setup = Setup::new().await.with("EXAI_LOG", "trace");
    let mut command = setup.command();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut output = BufReader::new(output).lines();
    let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}});
    input.write_all(format!("{hello}\n").as_bytes()).await.unwrap();
    assert!(within("the handshake", output.next_line()).await.unwrap().is_some());
    input.write_all(b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n").await.unwrap();
    for number in 1..=CALLS {
        let call = json!({"jsonrpc": "2.0", "id": number, "method": "tools/call",
            "params": {"name": "chat", "arguments": wrong()}});
        input.write_all(format!("{call}\n").as_bytes()).await.unwrap();
        let answer = within("an answer", output.next_line()).await.unwrap().unwrap();
        assert!(answer.contains(&format!("\"id\":{number},")), "{answer}");
    }
    drop(input);
    assert_eq!(within("the end", child.wait()).await.unwrap().code(), Some(0));
    assert_eq!(output.next_line().await.unwrap(), None, "nothing else on standard output");
}
