//! The peer's way: one model a step, interrupted and resumed at any point.

use exai_mock_vendor::{Answer, Gate};
use serde_json::{Value, json};

use super::{NAMES, QUESTION, five, model_of, verdicts};
use crate::support::{Program, Setup, Upstream, within};

fn step(number: u32, thread: Option<&str>) -> Value {
    let mut arguments =
        json!({"step": QUESTION, "step_number": number, "total_steps": 5, "next_step_required": true});
    if number == 1 {
        arguments["models"] = five();
        arguments["findings"] = json!("agent-view");
    }
    if let Some(thread) = thread {
        arguments["continuation_id"] = json!(thread);
    }
    arguments
}

#[tokio::test]
async fn a_restart_between_steps_loses_nothing() {
    let setup = Setup::new().await;
    verdicts(&setup);
    let mut thread: Option<String> = None;
    for (index, name) in NAMES.iter().enumerate() {
        let number = u32::try_from(index + 1).unwrap();
        let program = setup.start().await;
        let reply = program.call("consensus", step(number, thread.as_deref())).await;
        thread = Some(reply.thread());
        let answer = reply.ok();
        let last = index + 1 == NAMES.len();
        let status = match index {
            _ if last => "consensus_workflow_complete",
            0 => "analysis_and_first_model_consulted",
            _ => "model_consulted",
        };
        assert_eq!(answer["status"], status, "{answer:#}");
        assert_eq!(answer["model_consulted"], format!("custom/{name}"));
        assert_eq!(answer["current_model_index"], index + 1);
        assert_eq!(answer["next_step_required"], !last);
        assert_eq!(answer["total_steps"], 5);
        if last {
            assert_eq!(answer["responses"].as_array().expect("all answers").len(), 5);
        } else {
            let verdict = answer["model_response"]["verdict"].as_str().expect("its words");
            assert!(verdict.contains(&format!("secret-of-{name}")));
            assert!(answer.get("responses").is_none(), "earlier answers are not repeated");
        }
        assert_eq!(
            answer["agent_analysis"]["findings"],
            if index == 0 { json!("agent-view") } else { Value::Null }
        );
        program.kill().await;
    }
    assert_eq!(setup.vendor.stats().calls, 5);
    let asked: Vec<String> = setup.vendor.calls().iter().map(model_of).collect();
    assert_eq!(asked, NAMES);
    for upstream in Upstream::all(&setup.vendor) {
        let whole = upstream.rendered();
        assert!(!whole.contains("secret-of") && !whole.contains("agent-view"), "{whole}");
    }
}

#[tokio::test]
async fn a_repeated_step_comes_from_the_thread() {
    let setup = Setup::new().await.with("EXAI_CACHE_SECONDS", "0");
    let program = setup.start().await;
    verdicts(&setup);
    let reply = program.call("consensus", step(1, None)).await;
    let thread = reply.thread();
    program.call("consensus", step(2, Some(&thread))).await.ok();
    program.call("consensus", step(2, Some(&thread))).await.ok();
    program.call("consensus", step(1, Some(&thread))).await.ok();
    assert_eq!(setup.vendor.stats().calls, 2, "nobody is asked twice");

    let rest = json!({"step": "the rest at once", "next_step_required": false, "continuation_id": thread});
    let answer = program.call("consensus", rest).await.ok();
    assert_eq!(answer["status"], "consensus_workflow_complete");
    assert_eq!(answer["complete_consensus"]["total_responses"], 5);
    assert_eq!(setup.vendor.stats().calls, 5);
    program.stop().await;
}

/// A kill in the middle of all at once keeps what was answered.
#[tokio::test]
async fn a_kill_keeps_what_was_answered() {
    let setup = Setup::new().await;
    let gate = Gate::new();
    let held = gate.clone();
    setup.vendor.answer_with(move |request| {
        let name = model_of(request);
        let answer = Answer::text(format!("Verdict: {name} says keep it.\nConfidence: 7/10"));
        Some(if name == "alpha" || name == "beta" { answer } else { answer.gated(&held) })
    });
    let program = setup.start().await;
    let handle = program.begin("consensus", json!({"step": QUESTION, "models": five()})).await;
    gate.wait_for_arrivals(3).await;
    let thread = setup.only_thread_with_turns(3).await;
    program.kill().await;
    drop(handle);
    gate.open();

    let program = setup.start().await;
    let before = setup.vendor.stats().calls;
    let again = json!({"step": QUESTION, "models": five(), "continuation_id": thread});
    let answer = program.call("consensus", again).await.ok();
    assert_eq!(answer["complete_consensus"]["total_responses"], 5);
    assert_eq!(setup.vendor.stats().calls - before, 3, "alpha and beta had answered");
    program.stop().await;
}

#[tokio::test]
async fn two_at_once_do_not_mix() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    verdicts(&setup);
    let other = "Should the table be replaced by a queue?";
    let one = program.begin("consensus", step(1, None)).await;
    let two = program
        .begin("consensus", json!({"step": other, "models": [{"model": "gamma"}, {"model": "delta"}], "next_step_required": true}))
        .await;
    let (one, two) = (Program::answer(one).await, Program::answer(two).await);
    let (first, second) = (one.thread(), two.thread());
    assert_eq!(one.ok()["model_consulted"], "custom/alpha");
    assert_eq!(two.ok()["model_consulted"], "custom/gamma");
    let two = program
        .call("consensus", json!({"step": "next", "step_number": 2, "continuation_id": second}))
        .await
        .ok();
    assert_eq!(
        (&two["model_consulted"], &two["status"]),
        (&json!("custom/delta"), &json!("consensus_workflow_complete"))
    );
    let one = program.call("consensus", step(2, Some(&first))).await.ok();
    assert_eq!(one["model_consulted"], "custom/beta");
    for upstream in Upstream::all(&setup.vendor) {
        assert_eq!(upstream.count(QUESTION) + upstream.count(other), 1, "one question each");
    }
    program.stop().await;
}

#[tokio::test]
async fn another_tool_goes_on_from_the_outcome() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    verdicts(&setup);
    let reply = program
        .call("consensus", json!({"step": QUESTION, "models": [{"model": "alpha"}, {"model": "beta"}]}))
        .await;
    let thread = reply.thread();
    reply.ok();
    let ask = json!({"prompt": "Which of them is right?", "continuation_id": thread});
    program.call("chat", ask).await.ok();
    let sent = Upstream::last(&setup.vendor);
    assert_eq!((sent.count("secret-of-alpha"), sent.count("secret-of-beta")), (1, 1), "{}", sent.rendered());

    let more = json!({"step": "And for a second team?", "step_number": 1, "models": [{"model": "gamma"}], "continuation_id": thread});
    program.call("consensus", more).await.ok();
    let blind = Upstream::last(&setup.vendor).rendered();
    assert!(blind.contains("Which of them is right?"), "the user's own words may be known");
    assert!(!blind.contains("secret-of-beta"), "{blind}");
    program.stop().await;
}

#[tokio::test]
async fn a_client_that_cancels_closes_every_request() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    let gate = Gate::new();
    let held = gate.clone();
    setup.vendor.answer_with(move |_| Some(Answer::text("Verdict: yes").gated(&held)));
    let handle = program.begin("consensus", json!({"step": QUESTION, "models": five()})).await;
    gate.wait_for_arrivals(5).await;
    handle.cancel(Some("enough".to_owned())).await.expect("the cancel is sent");
    within("the end of the upstream requests", setup.vendor.wait_for_disconnects(5)).await;
    program.stop().await;
}
