//! Every way to the end: the client goes, a signal comes, the parent dies. In time, in order, with every call answered.

use std::time::{Duration, Instant};

use exai_mock_vendor::Answer;
use serde_json::{Value, json};

use crate::support::{Raw, Setup, within};

/// The longest that an end may take, whatever runs.
const IN_TIME: Duration = Duration::from_millis(2_500);

fn signal(pid: u32, name: &str) {
    let status = std::process::Command::new("kill").args([name, &pid.to_string()]).status();
    assert!(status.unwrap().success());
}

fn pid(raw: &Raw) -> u32 {
    raw.child.id().expect("it runs")
}

/// A server with a call that its vendor never answers.
async fn with_a_stuck_call(setup: &Setup) -> Raw {
    setup.vendor.default_answer(Answer::never());
    let mut raw = Raw::ready(setup).await;
    raw.send_call(1, "chat", json!({"prompt": "are you there"})).await;
    within("the call", setup.vendor.wait_for_calls(1)).await;
    raw
}

fn assert_interrupted(answer: &Value) {
    assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!(1), &json!(true)), "{answer}");
    let text: Value = serde_json::from_str(answer["result"]["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!((&text["status"], &text["code"]), (&json!("error"), &json!("cancelled")), "{text:#}");
    assert!(text["continuation_id"].is_string(), "what was sent is kept: {text:#}");
}

/// After an interruption the words are stored and the run is marked.
async fn assert_kept(setup: &Setup) {
    let (_, listed, _) = setup.run(&["threads", "list", "--json"]).await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let thread = listed[0]["continuation_id"].as_str().unwrap_or_else(|| panic!("no thread in {listed}"));
    let (_, shown, _) = setup.run(&["threads", "show", thread, "--json"]).await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["turns"].as_array().unwrap().len(), 1, "{shown:#}");
    assert!(shown["turns"][0]["body"].to_string().contains("are you there"), "{shown:#}");
    assert_eq!(shown["runs"][0]["state"], "interrupted", "{shown:#}");
}

/// The end of an idle input ends the program at once.
#[tokio::test]
async fn an_idle_input_ends_the_program() {
    let setup = Setup::new().await;
    let mut raw = Raw::ready(&setup).await;
    let begun = Instant::now();
    raw.close_input();
    assert_eq!(raw.try_next().await, None);
    assert_eq!(raw.end().await.0, 0);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

/// The end of the input answers a stuck call and leaves the vendor.
#[tokio::test]
async fn the_end_answers_a_stuck_call() {
    let setup = Setup::new().await;
    let mut raw = with_a_stuck_call(&setup).await;
    let begun = Instant::now();
    raw.close_input();
    assert_interrupted(&raw.next().await);
    assert_eq!(raw.try_next().await, None);
    assert_eq!(raw.exit_code().await, 0);
    assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());
    within("the end of the upstream call", setup.vendor.wait_for_disconnects(1)).await;
    assert_kept(&setup).await;
}

#[tokio::test]
async fn a_signal_ends_an_idle_program() {
    let setup = Setup::new().await;
    for name in ["-TERM", "-INT"] {
        let mut raw = Raw::ready(&setup).await;
        let begun = Instant::now();
        signal(pid(&raw), name);
        assert_eq!(raw.try_next().await, None);
        assert_eq!(raw.end().await.0, 0, "{name}");
        assert!(begun.elapsed() < Duration::from_secs(1), "{name}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_signal_answers_a_stuck_call() {
    let setup = Setup::new().await;
    let mut raw = with_a_stuck_call(&setup).await;
    let begun = Instant::now();
    signal(pid(&raw), "-TERM");
    assert_interrupted(&raw.next().await);
    assert_eq!(raw.exit_code().await, 0);
    assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());
    within("the end of the upstream call", setup.vendor.wait_for_disconnects(1)).await;
    assert_kept(&setup).await;
}

#[tokio::test]
async fn an_unread_output_ends_the_program() {
    let setup = Setup::new().await;
    let mut raw = with_a_stuck_call(&setup).await;
    let begun = Instant::now();
    raw.close_output();
    raw.send(r#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#).await;
    assert_eq!(raw.exit_code().await, 0);
    assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());
    assert_kept(&setup).await;
}

/// Streams that are closed from the start end the program in order.
#[tokio::test]
async fn closed_streams_end_the_program() {
    for streams in ["<&-", "<&- >&-", "<&- >&- 2>&-", "</dev/null"] {
        let setup = Setup::new().await.launched_by(&["sh", "-c", &format!("exec \"$0\" {streams}")]);
        let raw = Raw::start(&setup);
        let (code, log) = raw.end().await;
        assert_eq!((code, log.as_str()), (0, ""), "{streams}");
    }
}

#[tokio::test]
async fn a_closed_standard_error_does_no_harm() {
    let setup = Setup::new().await.launched_by(&["sh", "-c", "exec \"$0\" 2>&-"]).with("EXAI_LOG", "trace");
    let mut raw = Raw::ready(&setup).await;
    assert_eq!(raw.call("chat", json!({"prompt": "hi"})).await["content"], "ok: hi");
    raw.close_input();
    assert_eq!(raw.end().await.0, 0);
}

#[tokio::test]
async fn the_parents_end_ends_the_program() {
    // The shell keeps our end of the pipe for its child, so that its own end closes nothing.
    let setup = Setup::new().await.launched_by(&["sh", "-c", "exec 3<&0; \"$0\" <&3 & wait"]);
    let mut raw = with_a_stuck_call(&setup).await;
    let begun = Instant::now();
    signal(pid(&raw), "-KILL");
    assert_interrupted(&raw.next().await);
    assert_eq!(raw.try_next().await, None, "the program has closed its output");
    let (_, log) = raw.end().await;
    assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());
    assert!(!log.contains("panicked"), "{log}");
    within("the end of the upstream call", setup.vendor.wait_for_disconnects(1)).await;
    assert_kept(&setup.launched_by(&[])).await;
}

/// A cancelled call leaves the vendor and the server goes on.
#[tokio::test]
async fn a_cancelled_call_leaves_the_vendor() {
    let setup = Setup::new().await;
    let mut raw = with_a_stuck_call(&setup).await;
    raw.send(
        &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
            .to_string(),
    )
    .await;
    within("the end of the upstream call", setup.vendor.wait_for_disconnects(1)).await;
    setup.vendor.default_answer(Answer::by_model_name());
    raw.send_call(2, "chat", json!({"prompt": "and now"})).await;
    let answer = raw.next().await;
    assert_eq!(answer["id"], 2, "a cancelled request is not answered: {answer}");
    raw.close_input();
    assert_eq!(raw.try_next().await, None);
    assert_eq!(raw.end().await.0, 0);
}
