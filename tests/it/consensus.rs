//! Several models asked at once or one a step: blind, honest about silence, and nothing lost on the way.

mod honest;
mod roles;
mod rounds;
mod steps;

use exai_mock_vendor::{Answer, Gate, Recorded};
use serde_json::{Value, json};

use crate::support::{Program, Setup, Upstream};

const QUESTION: &str = "Should the queue be replaced by a table?";
const NAMES: [&str; 5] = ["alpha", "beta", "gamma", "delta", "epsilon"];

fn model_of(request: &Recorded) -> String {
    request.json["model"].as_str().expect("a model").to_owned()
}

/// Every model says its own name in its verdict, so that a leak can be seen.
fn verdicts(setup: &Setup) {
    setup.vendor.answer_with(|request| {
        let name = model_of(request);
        Some(Answer::text(format!(
            "Verdict: {name} says keep it.\n\n**Analysis**: secret-of-{name}\n\nConfidence: 7/10 - enough"
        )))
    });
}

fn five() -> Value {
    json!(NAMES.map(|name| json!({"model": name})))
}

fn rows(answer: &Value, key: &str) -> Vec<(String, String)> {
    let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
    let model = |row: &Value| text(row, "model").rsplit('/').next().unwrap_or_default().to_owned();
    answer[key].as_array().into_iter().flatten().map(|row| (model(row), text(row, "status"))).collect()
}

/// Five models are asked at the same time and blind.
#[tokio::test]
async fn five_models_are_asked_blind() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    setup.file("queue.py", "def push(item): ...\n");
    let gate = Gate::new();
    let held = gate.clone();
    setup.vendor.answer_with(move |request| {
        let name = model_of(request);
        let text = format!("Verdict: {name} says keep it.\nsecret-of-{name}\nConfidence: 7/10");
        Some(Answer::text(text).gated(&held))
    });
    let arguments = json!({"step": QUESTION, "findings": "agent-view: replace it", "models": five(), "relevant_files": ["queue.py"]});
    let handle = program.begin("consensus", arguments).await;
    gate.wait_for_arrivals(5).await;
    assert_eq!(setup.vendor.stats().in_flight, 5);
    gate.open();
    let answer = Program::answer(handle).await.ok();
    assert_eq!(answer["status"], "consensus_workflow_complete");
    assert_eq!(answer["next_step_required"], false);
    assert_eq!(setup.vendor.stats().peak_in_flight, 5);
    assert_eq!(setup.vendor.stats().calls, 5);
    for upstream in Upstream::all(&setup.vendor) {
        let whole = upstream.rendered();
        assert!(!whole.contains("secret-of") && !whole.contains("agent-view"), "{whole}");
        assert_eq!(upstream.count(QUESTION), 1);
        assert!(whole.contains("def push(item)"));
    }
    let voted: Vec<(String, String)> =
        NAMES.iter().map(|name| ((*name).to_owned(), "voted".to_owned())).collect();
    assert_eq!(rows(&answer, "votes"), voted);
    assert_eq!(answer["votes"][0]["verdict"], "alpha says keep it.");
    assert_eq!(answer["votes"][0]["confidence"], 7.0);
    assert!(answer["summary"].as_str().is_some_and(|text| text.starts_with("5 of 5 models voted.")));
    assert_eq!(answer["complete_consensus"]["total_responses"], 5);
    assert_eq!(answer["metadata"]["consultations"], 5);
    assert_eq!(answer["metadata"]["files_summary"]["included"], 1);
    assert_eq!(answer["metadata"]["persisted"], true);
    insta::assert_snapshot!("consensus_request", Upstream::all(&setup.vendor)[0].rendered());
    program.stop().await;
}

/// A model that fails, one that hangs and one that says nothing are no votes.
#[tokio::test]
async fn failures_and_silence_are_no_votes() {
    let setup = Setup::new().await.with("EXAI_RETRIES", "0").with("EXAI_CONSENSUS_SECONDS", "2");
    let program = setup.start().await;
    setup.vendor.answer_with(|request| {
        Some(match model_of(request).as_str() {
            "alpha" => Answer::text("Verdict: keep it.\nConfidence: 9/10"),
            "beta" => Answer::server_error(),
            "gamma" => Answer::never(),
            "delta" => Answer::text("Verdict: cannot judge, nothing was given."),
            _ => Answer::text("  "),
        })
    });
    let answer = program.call("consensus", json!({"step": QUESTION, "models": five()})).await.ok();
    assert_eq!(answer["status"], "consensus_workflow_complete");
    let statuses = rows(&answer, "votes");
    assert_eq!(statuses[0].1, "voted");
    assert_eq!((statuses[1].1.as_str(), statuses[2].1.as_str()), ("error", "error"));
    assert_eq!(statuses[3].1, "evasive");
    assert!(["empty", "error"].contains(&statuses[4].1.as_str()), "{statuses:?}");
    assert!(answer["summary"].as_str().is_some_and(|text| text.starts_with("1 of 5 models voted.")));
    let silent = answer["no_vote"].as_array().expect("a list");
    assert_eq!(silent.len(), 4);
    let reason = |index: usize| silent[index]["reason"].as_str().unwrap_or_default().to_owned();
    assert!(reason(1).contains("no answer within 2s"), "{}", reason(1));
    assert_eq!(answer["complete_consensus"]["total_responses"], 1);
    program.stop().await;
}

/// When no model answers, the call fails and a repeat asks again.
#[tokio::test]
async fn a_repeat_after_failure_asks_again() {
    let setup = Setup::new().await.with("EXAI_RETRIES", "0");
    let program = setup.start().await;
    setup.vendor.answer_with(|_| Some(Answer::server_error()));
    let arguments = json!({"step": QUESTION, "models": [{"model": "alpha"}, {"model": "beta"}]});
    let failure = program.call("consensus", arguments.clone()).await.failure();
    assert_eq!(failure["code"], "unavailable");
    let thread = failure["continuation_id"].as_str().expect("the work is kept").to_owned();
    verdicts(&setup);
    let again = json!({"step": QUESTION, "continuation_id": thread});
    let answer = program.call("consensus", again).await.ok();
    assert_eq!(answer["status"], "consensus_workflow_complete");
    assert_eq!(answer["complete_consensus"]["total_responses"], 2);
    assert_eq!(setup.vendor.stats().calls, 4);
    program.stop().await;
}

#[tokio::test]
async fn a_bad_roster_is_refused_first() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    let twice = json!([{"model": "alpha", "stance": "for"}, {"model": "alpha", "stance": "for"}]);
    for (models, told) in [
        (twice, "is named twice; give each a different stance"),
        (json!([{"stance": "for"}, {"model": "alpha"}]), "every entry needs `model`"),
        (json!([{"model": "offline"}]), "`offline` has no opinion"),
        (
            json!((0..11).map(|number| json!({"model": format!("m{number}")})).collect::<Vec<_>>()),
            "at most 10",
        ),
    ] {
        let failure = program.call("consensus", json!({"step": QUESTION, "models": models})).await.failure();
        assert!(failure["message"].as_str().is_some_and(|text| text.contains(told)), "{failure:#}");
    }
    let failure = program.call("consensus", json!({"models": five()})).await.failure();
    assert!(
        failure["message"].as_str().is_some_and(|text| text.starts_with("step: is required")),
        "{failure:#}"
    );
    let lost = json!({"step": "notes", "step_number": 2, "models": five()});
    let failure = program.call("consensus", lost).await.failure();
    assert!(failure["message"].as_str().is_some_and(|text| text.contains("belongs to no consensus")));
    assert_eq!(setup.vendor.stats().calls, 0);
    assert_eq!(setup.stored_threads().await.len(), 0, "a refused call leaves nothing behind");
    program.stop().await;
}

#[tokio::test]
async fn without_names_the_server_chooses() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    verdicts(&setup);
    let answer = program.call("consensus", json!({"step": QUESTION})).await.ok();
    assert_eq!(answer["complete_consensus"]["total_responses"], 1);
    let notes = answer["metadata"]["notes"].to_string();
    assert!(
        notes.contains("the server chose custom/") && notes.contains("one opinion is no consensus"),
        "{notes}"
    );
    program.stop().await;

    let nobody = Setup::without_provider().await;
    let program = nobody.start().await;
    let failure = program.call("consensus", json!({"step": QUESTION})).await.failure();
    assert_eq!(failure["code"], "no_model_configured");
    program.stop().await;
}
