//! What clients write reaches the log as text: no line of it is theirs, and no terminal obeys it.

use serde_json::{Value, json};

use crate::support::{Raw, Setup};

/// Begins a line of its own, goes back over the line, clears the screen in both notations, turns the text, and ends it.
const HOSTILE: &str =
    "x\n2026-01-01T00:00:00Z ERROR forged\r\u{1b}[2J\u{9b}2J\u{202e}\u{2028}\u{7}\u{8}\u{0}y";

/// Everything that a client may name, with that in it.
async fn say_everything(raw: &mut Raw) {
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {"roots": {}},
        "clientInfo": {"name": HOSTILE, "version": HOSTILE}});
    raw.request("initialize", hello).await;
    for (method, params) in [
        (HOSTILE, json!({})),
        ("prompts/get", json!({"name": HOSTILE})),
        ("resources/read", json!({"uri": HOSTILE})),
        ("resources/read", json!({"uri": [HOSTILE]})),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/prompt", "name": HOSTILE}, "argument": {"name": HOSTILE, "value": HOSTILE}}),
        ),
        ("tasks/get", json!({"taskId": HOSTILE})),
        ("tools/call", json!({"name": HOSTILE, "arguments": {}})),
        ("tools/call", json!({"name": "chat", "arguments": {"prompt": HOSTILE, "model": HOSTILE}})),
        (
            "tools/call",
            json!({"name": "chat", "arguments": {"prompt": HOSTILE, (HOSTILE): HOSTILE, "continuation_id": HOSTILE}}),
        ),
        (
            "tools/call",
            json!({"name": "chat", "arguments": {"prompt": HOSTILE, "absolute_file_paths": [HOSTILE]}}),
        ),
        (
            "tools/call",
            json!({"name": "codereview", "arguments": {"step": HOSTILE, "relevant_files": [HOSTILE]}}),
        ),
        (
            "tools/call",
            json!({"name": "chat", "arguments": {"prompt": HOSTILE},
            "_meta": {"progressToken": HOSTILE, "x-request-id": HOSTILE}}),
        ),
    ] {
        raw.request(method, params).await;
    }
    raw.send(&format!("{HOSTILE}\u{1b}]0;title\u{7}").replace('\n', " ")).await;
    raw.send(&json!({"jsonrpc": "2.0", "method": HOSTILE, "params": {"x": HOSTILE}}).to_string()).await;
    // What is no message is answered without an id.
    assert_eq!(raw.next().await["error"]["code"], -32_700);
}

async fn log(format: &str) -> String {
    let setup = Setup::new().await.with("EXAI_LOG", "trace").with("EXAI_LOG_FORMAT", format);
    let mut raw = Raw::start(&setup);
    say_everything(&mut raw).await;
    raw.close_input();
    let (_, log) = raw.end().await;
    assert!(log.contains("forged"), "something of it is logged: {log}");
    log
}

#[tokio::test]
async fn json_logs_hold_one_event_a_line() {
    for line in log("json").await.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(event["timestamp"].is_string() && event["level"].is_string(), "{line}");
        assert!(!line.contains(|sign: char| sign < ' '), "{line:?}");
    }
}

#[tokio::test]
async fn text_logs_hold_one_event_a_line() {
    let log = log("text").await;
    for line in log.strip_suffix('\n').unwrap_or(&log).split('\n') {
        assert!(
            !line
                .contains(|sign: char| (sign.is_control() && sign != '\t')
                    || matches!(sign, '\u{202e}' | '\u{2028}')),
            "{line:?}"
        );
        assert!(!line.trim_start().starts_with("2026-01-01"), "{line:?}");
        let is_event =
            [" ERROR ", " WARN ", " INFO ", " DEBUG ", " TRACE "].iter().any(|level| line.contains(level));
        assert!(is_event, "{line:?}");
    }
}
