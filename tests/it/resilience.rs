//! A vendor that fails: what is tried again, what is not, what the caller is told, and that nothing gathered is lost.

use exai_mock_vendor::Answer;
use serde_json::{Value, json};

use crate::support::{Program, Setup, sample_project};

/// A review in one call over the sample project.
fn review() -> Value {
    json!({"step": "Review the paging.", "next_step_required": false, "findings": "the remainder is dropped", "relevant_files": ["src"]})
}

async fn begin(setup: Setup, answers: Vec<Answer>) -> (Setup, Program) {
    sample_project(setup.project.path());
    setup.vendor.script(answers);
    let program = setup.start().await;
    (setup, program)
}

/// A failure with `code` after `attempts`; what was sent is in the thread, and the same call can be repeated there.
async fn fails(setup: Setup, answers: Vec<Answer>, code: &str, attempts: usize) -> Value {
    let (setup, program) = begin(setup, answers).await;
    let reply = program.call("codereview", review()).await;
    let thread = reply.thread();
    let envelope = reply.failure();
    assert_eq!(envelope["code"], code, "{envelope:#}");
    assert_eq!(setup.vendor.stats().calls, attempts, "{envelope:#}");
    let mut again = review();
    again["continuation_id"] = json!(thread);
    let repeated = program.call("codereview", again).await.ok();
    assert_eq!(repeated["complete_code_review"]["steps_taken"], 1, "the repeated step replaces the first");
    let sent = setup.vendor.calls().pop().expect("a call").json.to_string();
    assert_eq!(sent.matches("the remainder is dropped").count(), 1, "{sent}");
    program.stop().await;
    envelope
}

#[tokio::test]
async fn a_vendor_that_asks_to_slow_down_is_asked_again() {
    let answers = vec![Answer::rate_limited("0"), Answer::text("here it is")];
    let (setup, program) = begin(Setup::new().await, answers).await;
    let answer = program.call("chat", json!({"prompt": "hello"})).await.ok();
    assert_eq!((&answer["content"], &answer["metadata"]["attempts"]), (&json!("here it is"), &json!(2)));
    assert_eq!(setup.vendor.stats().calls, 2);
    program.stop().await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again_and_never_glued() {
    let answers =
        vec![Answer::pieces(["half of ", "an answer"]).cut_after_pieces(1), Answer::text("a whole answer")];
    let (_setup, program) = begin(Setup::new().await, answers).await;
    let answer = program.call("chat", json!({"prompt": "hello"})).await.ok();
    assert_eq!((&answer["content"], &answer["metadata"]["attempts"]), (&json!("a whole answer"), &json!(2)));
    program.stop().await;
}

#[tokio::test]
async fn a_server_error_is_tried_three_times() {
    let answers = vec![Answer::server_error(), Answer::overloaded(), Answer::server_error()];
    let envelope = fails(Setup::new().await, answers, "unavailable", 3).await;
    assert_eq!(envelope["retryable"], true);
    assert!(envelope["message"].as_str().expect("text").contains("3 attempts"), "{envelope:#}");
}

#[tokio::test]
async fn a_refused_key_is_not_tried_again_and_the_message_says_which() {
    let setup = Setup::new().await.with("CUSTOM_API_KEY", "sk-unique-secret-word-1234");
    let envelope = fails(setup, vec![Answer::invalid_key()], "auth", 1).await;
    let text = envelope.to_string();
    assert!(text.contains("CUSTOM_API_KEY") && !text.contains("unique-secret-word"), "{text}");
    assert_eq!(envelope["retryable"], false);
}

#[tokio::test]
async fn an_empty_purse_is_not_tried_again() {
    fails(Setup::new().await, vec![Answer::quota_exhausted()], "quota", 1).await;
}

#[tokio::test]
async fn a_page_of_a_proxy_and_garbage_are_told_apart_from_answers() {
    let quick = || async { Setup::new().await.with("EXAI_RETRIES", "0") };
    fails(quick().await, vec![Answer::proxy_page()], "unavailable", 1).await;
    fails(quick().await, vec![Answer::raw_stream(["data: {broken\n\n"])], "protocol", 1).await;
    fails(quick().await, vec![Answer::pieces(["some ", "text"]).cut_after_pieces(1)], "protocol", 1).await;
}

#[tokio::test]
async fn a_vendor_that_never_answers_costs_the_configured_time() {
    let setup = Setup::new()
        .await
        .with("EXAI_RETRIES", "0")
        .with("EXAI_CONNECT_SECONDS", "1")
        .with("EXAI_FIRST_BYTE_SECONDS", "2")
        .with("EXAI_IDLE_SECONDS", "2")
        .with("EXAI_PERMIT_WAIT_SECONDS", "1")
        .with("EXAI_CALL_SECONDS", "30");
    let envelope = fails(setup, vec![Answer::never()], "timeout", 1).await;
    assert_eq!(envelope["retryable"], true);
}
