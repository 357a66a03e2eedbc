//! `exai-mcp connect`: a client that starts a program, a server that runs elsewhere, and everything that can happen between them.

use std::net::TcpListener;

use exai_mock_vendor::{Answer, Gate};
use serde_json::{Value, json};

use crate::support::{MODEL, Raw, Served, Setup, discover_meta, within};

fn bridge(setup: &Setup, arguments: &[&str]) -> Raw {
    let mut command = setup.command();
    command.arg("connect").args(arguments);
    Raw::of(command)
}

fn to(served: &Served) -> String {
    format!("http://{}/mcp", served.address)
}

/// An address at which nobody listens yet.
fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

async fn shake_hands(raw: &mut Raw) {
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}});
    let answer = raw.request("initialize", hello).await;
    assert_eq!(answer["result"]["serverInfo"]["name"], "exai-mcp");
    raw.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
}

fn chat(id: u32, prompt: &str) -> String {
    let meta = json!({"progressToken": id});
    let params = json!({"name": "chat", "arguments": {"prompt": prompt, "model": MODEL}, "_meta": meta});
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).to_string()
}

fn words(answer: &Value) -> Value {
    let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer:#}"));
    serde_json::from_str::<Value>(text).unwrap()["content"].clone()
}

async fn ends(mut raw: Raw) {
    raw.close_input();
    let status = within("the end of the bridge", raw.child.wait()).await.unwrap();
    assert!(status.success(), "{status}");
}

/// Messages pass in both directions and the bridge ends with its client.
#[tokio::test]
async fn messages_pass_in_both_directions() {
    let setup = Setup::new().await;
    setup.vendor.default_answer(Answer::text("hello"));
    let served = Served::start(&setup).await;
    let mut old = bridge(&setup, &[&to(&served)]);
    shake_hands(&mut old).await;
    old.send(&chat(1, "one")).await;
    let progress = old.next().await;
    assert_eq!(
        (&progress["method"], &progress["params"]["progressToken"]),
        (&json!("notifications/progress"), &json!(1))
    );
    let answer = loop {
        let message = old.next().await;
        if message["id"] == 1 {
            break message;
        }
    };
    assert_eq!(words(&answer), "hello");
    old.send("{nope").await;
    assert_eq!(old.next().await["error"]["code"], -32_700, "what is no message is for the server to judge");

    let mut new = bridge(&setup, &[&format!("ws://{}/ws", served.address)]);
    let params =
        json!({"name": "chat", "arguments": {"prompt": "two", "model": MODEL}, "_meta": discover_meta()});
    assert_eq!(words(&new.request("tools/call", params).await), "hello");
    ends(old).await;
    ends(new).await;
}

#[tokio::test]
async fn a_bridge_waits_for_its_server() {
    let setup = Setup::new().await;
    let address = free();
    let mut raw = bridge(&setup, &[&format!("ws://{address}/ws")]);
    raw.send(r#"{"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}"#).await;
    let _served = Served::start_at(&setup, &address, &[]).await;
    assert_eq!(raw.next().await["id"], "hello");
    ends(raw).await;
}

/// A server that goes away costs what was under way and nothing else.
#[tokio::test]
async fn a_lost_server_costs_only_open_calls() {
    let setup = Setup::new().await;
    let gate = Gate::new();
    setup.vendor.default_answer(Answer::text("hello").gated(&gate));
    let mut served = Served::start(&setup).await;
    let address = served.address.to_string();
    let mut raw = bridge(&setup, &[&to(&served)]);
    shake_hands(&mut raw).await;
    raw.send(&chat(1, "one")).await;
    let run = raw.next().await["params"]["_meta"]["exai/request_id"].clone();
    within("the request upstream", setup.vendor.wait_for_calls(1)).await;
    served.child.kill().await.unwrap();
    let error = loop {
        let message = raw.next().await;
        if message["id"] == 1 {
            break message;
        }
    };
    let text = error["error"]["message"].as_str().unwrap();
    assert!(text.contains("tools/call chat") && text.contains(run.as_str().unwrap()), "{text}");
    assert_eq!(error["error"]["data"]["retryable"], true);
    gate.open();
    let _served = Served::start_at(&setup, &address, &[]).await;
    // The client does not shake hands again: it has not noticed more than the error.
    raw.send(&chat(2, "one")).await;
    let answer = loop {
        let message = raw.next().await;
        if message["id"] == 2 {
            break message;
        }
    };
    assert_eq!(words(&answer), "hello");
    ends(raw).await;
}

/// A wrong key or a wrong server is reported at once.
#[tokio::test]
async fn a_wrong_key_is_reported_at_once() {
    let setup = Setup::new().await.with("EXAI_TOKEN", "the-key-of-the-user");
    let served = Served::start(&setup).await;
    let mut welcome = bridge(&setup, &[&to(&served)]);
    shake_hands(&mut welcome).await;
    ends(welcome).await;
    let other = Setup::new().await.with("EXAI_TOKEN", "the-key-of-another");
    for (address, says) in [(to(&served), "EXAI_TOKEN"), (setup.vendor.origin(), "is it an exai-mcp serve?")]
    {
        let mut raw = bridge(&other, &[&address]);
        let refused = raw.request("ping", json!({})).await;
        let text = refused["error"]["message"].as_str().unwrap();
        assert!(text.contains(says), "{text}");
        ends(raw).await;
    }
    let mut command = other.command();
    command.args(["connect", "ftp://localhost"]);
    let output = within("its end", command.output()).await.unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("ws://HOST:PORT/ws"));
}

#[tokio::test]
async fn spawn_starts_a_lasting_server() {
    let setup = Setup::new().await;
    let address = free();
    let url = format!("ws://{address}/ws");
    let mut raw = bridge(&setup, &[&url, "--spawn"]);
    shake_hands(&mut raw).await;
    ends(raw).await;
    let mut second = bridge(&setup, &[&url]);
    shake_hands(&mut second).await;
    ends(second).await;
    // Its note says which process it is.
    let notes = std::fs::read_dir(setup.home.path().join("data/servers")).unwrap();
    let note = notes.flatten().next().expect("a note").path();
    let note: Value = serde_json::from_slice(&std::fs::read(note).unwrap()).unwrap();
    assert_eq!(note["address"], address);
    // What it keeps and logs is for its user alone.
    let mode = |name: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(setup.home.path().join(name)).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode("data"), mode("data/serve.log")), (0o700, 0o600));
    let log = std::fs::read_to_string(setup.home.path().join("data/serve.log")).unwrap();
    assert!(log.contains("exai-mcp listens on"), "{log}");
    let status = std::process::Command::new("kill").arg(note["pid"].to_string()).status().unwrap();
    assert!(status.success());
}

/// A client that is interrupted, or ends, does not leave a consultation behind that somebody pays for.
#[tokio::test]
async fn a_client_that_ends_cancels_its_calls() {
    let setup = Setup::new().await;
    setup.vendor.default_answer(Answer::never());
    let served = Served::start(&setup).await;
    let mut disconnects = 0;
    for end in ["-INT", "-TERM", "input"] {
        for is_modern in [false, true] {
            let mut raw = bridge(&setup, &[&to(&served)]);
            if is_modern {
                let params = json!({"name": "chat", "arguments": {"prompt": end, "model": MODEL}, "_meta": discover_meta()});
                raw.send(
                    &json!({"jsonrpc": "2.0", "id": "new", "method": "tools/call", "params": params})
                        .to_string(),
                )
                .await;
            } else {
                shake_hands(&mut raw).await;
                raw.send(&chat(1, &format!("{end} of the old"))).await;
            }
            disconnects += 1;
            within("the request upstream", setup.vendor.wait_for_calls(disconnects)).await;
            match end {
                "input" => raw.close_input(),
                signal => {
                    let pid = raw.child.id().unwrap().to_string();
                    assert!(
                        std::process::Command::new("kill").args([signal, &pid]).status().unwrap().success()
                    );
                }
            }
            within(
                &format!("the end upstream after {end}, {is_modern}"),
                setup.vendor.wait_for_disconnects(disconnects),
            )
            .await;
            assert_eq!(raw.exit_code().await, 0, "{end}");
        }
    }
    // The server itself goes on.
    let mut other = bridge(&setup, &[&to(&served)]);
    shake_hands(&mut other).await;
    ends(other).await;
}
