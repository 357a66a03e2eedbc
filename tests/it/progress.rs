//! Signs of life while a model works.

use exai_mock_vendor::{Answer, Gate};
use rmcp::model::ProgressNotificationParam;
use serde_json::json;

use crate::support::{Program, Raw, Setup, within};

fn message(note: &ProgressNotificationParam) -> &str {
    note.message.as_deref().expect("progress has a message")
}

fn assert_grows(notes: &[ProgressNotificationParam]) {
    let values: Vec<f64> = notes.iter().map(|note| note.progress).collect();
    assert!(
        values.windows(2).all(|pair| pair[0] < pair[1]),
        "progress grows with every notification: {values:?}"
    );
}

/// Progress names the phase, the model, the time and the tokens.
#[tokio::test]
async fn progress_names_phase_model_and_tokens() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    let (asked, thought, answered) = (Gate::new(), Gate::new(), Gate::new());
    let answer = Answer::text("Twelve more.And then some")
        .reasoning("Hm, let me s")
        .gated(&asked)
        .hold_after(1, &thought)
        .hold_after(2, &answered);
    setup.vendor.then(answer);
    let call = program.begin("chat", json!({"prompt": "How many?"})).await;
    let token = call.progress_token.clone();
    for (phase, gate) in [("asking", &asked), ("thinking", &thought), ("answering", &answered)] {
        let said = |notes: &[ProgressNotificationParam]| {
            notes.iter().any(|note| message(note).starts_with(&format!("chat: {phase}")))
        };
        program.wait_for_progress(phase, said).await;
        gate.open();
    }
    Program::answer(call).await.ok();
    let notes: Vec<_> = program.progress().into_iter().filter(|note| note.progress_token == token).collect();
    assert_grows(&notes);
    let of = |phase: &str| {
        let found = notes.iter().map(message).find(|text| text.starts_with(&format!("chat: {phase}")));
        found.unwrap_or_else(|| panic!("no {phase} in {notes:#?}"))
    };
    assert!(of("asking").starts_with("chat: asking · custom/mock-model · "), "{}", of("asking"));
    assert!(of("asking").ends_with(" s"), "{}", of("asking"));
    assert!(of("thinking").ends_with(" · about 4 tokens"), "{}", of("thinking"));
    assert!(of("answering").ends_with(" · about 8 tokens"), "{}", of("answering"));
    program.stop().await;
}

#[tokio::test]
async fn a_silent_vendor_still_shows_progress() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    let gate = Gate::new();
    setup.vendor.then(Answer::text("at last").gated(&gate));
    let call = program.begin("chat", json!({"prompt": "Are you there?"})).await;
    within("the consultation", gate.wait_for_arrivals(1)).await;
    let beats = |notes: &[ProgressNotificationParam]| {
        notes.iter().filter(|note| message(note).starts_with("chat: asking")).count()
    };
    program.wait_for_progress("a sign of life", |notes| beats(notes) >= 2).await;
    gate.open();
    Program::answer(call).await.ok();
    let notes = program.progress();
    assert_grows(&notes);
    let silence =
        notes.iter().rfind(|note| message(note).starts_with("chat: asking")).expect("a sign of life");
    assert!(silence.progress >= 5.0 && message(silence).ends_with(" · 5 s"), "{silence:?}");
    program.stop().await;
}

/// A joined caller sees the progress of the run that it joined.
#[tokio::test]
async fn a_joined_caller_sees_progress() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    let gate = Gate::new();
    setup.vendor.then(Answer::text("Twelve more.And then some").hold_after(1, &gate));
    let begun = program.begin("chat", json!({"prompt": "How many?"})).await;
    within("the consultation", gate.wait_for_arrivals(1)).await;
    let joined = program.begin("chat", json!({"prompt": "How many?"})).await;
    let token = joined.progress_token.clone();
    let answering = |notes: &[ProgressNotificationParam]| {
        notes.iter().any(|note| {
            note.progress_token == token && message(note).starts_with("chat: answering · custom/mock-model")
        })
    };
    program.wait_for_progress("progress of the one who joined", answering).await;
    gate.open();
    for call in [begun, joined] {
        Program::answer(call).await.ok();
    }
    assert_eq!(setup.vendor.stats().calls, 1);
    program.stop().await;
}

#[tokio::test]
async fn progress_is_sent_on_request_only() {
    let setup = Setup::new().await;
    let mut raw = Raw::ready(&setup).await;
    raw.send_call(1, "chat", json!({"prompt": "Quietly, please."})).await;
    assert_eq!(raw.next().await["id"], 1, "the answer is the first thing that is said");
    raw.close_input();
    assert!(raw.try_next().await.is_none());
}
