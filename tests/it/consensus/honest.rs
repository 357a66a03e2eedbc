//! What must hold when things go wrong or happen at once.

use exai_mock_vendor::{Answer, Gate};
use serde_json::{Value, json};

use super::{QUESTION, model_of, rows, verdicts};
use crate::support::{Program, Setup, Upstream, within};

const THREE: [&str; 3] = ["alpha", "beta", "gamma"];

fn ask(question: &str, thread: Option<&str>) -> Value {
    let mut call = json!({"step": question, "models": THREE.map(|name| json!({"model": name}))});
    if let Some(thread) = thread {
        call["continuation_id"] = json!(thread);
    }
    call
}

fn asked(setup: &Setup) -> Vec<String> {
    let mut names: Vec<String> = setup.vendor.calls().iter().map(model_of).collect();
    names.sort();
    names
}

fn notes(answer: &Value) -> String {
    answer["metadata"]["notes"].to_string()
}

/// Two consensuses that were cut short in one thread do not mix.
#[tokio::test]
async fn two_interrupted_ones_do_not_mix() {
    let setup = Setup::new().await.with("EXAI_CACHE_SECONDS", "0");
    let program = setup.start().await;
    let thread = program.call("planner", json!({"step": "begin", "next_step_required": true})).await.thread();
    // Each has one voice that never ends; what the others say names the question.
    setup.vendor.answer_with(|request| {
        let (name, question) = (model_of(request), Upstream::of(request).question().to_owned());
        let hangs = (name == "gamma") == question.contains("ONE");
        let word = if question.contains("ONE") { "of-one" } else { "of-two" };
        Some(if hangs && name != "alpha" {
            Answer::never()
        } else {
            Answer::text(format!("Verdict: {name} {word}."))
        })
    });
    let one = program.begin("consensus", ask("ONE?", Some(&thread))).await;
    let two = program.begin("consensus", ask("TWO?", Some(&thread))).await;
    // Planner's step, two questions, and the four answers that come.
    setup.only_thread_with_turns(7).await;
    program.kill().await;
    drop((one, two));

    setup.vendor.reset();
    setup.vendor.answer_with(|request| Some(Answer::text(format!("Verdict: {} late.", model_of(request)))));
    let program = setup.start().await;
    for (question, word, late) in [("ONE?", "of-one", "gamma"), ("TWO?", "of-two", "beta")] {
        setup.vendor.reset();
        setup
            .vendor
            .answer_with(|request| Some(Answer::text(format!("Verdict: {} late.", model_of(request)))));
        let answer = program.call("consensus", ask(question, Some(&thread))).await.ok();
        assert_eq!(asked(&setup), [late], "{question}: {answer:#}");
        for row in answer["votes"].as_array().expect("a table") {
            let (model, verdict) = (row["model"].as_str().unwrap(), row["verdict"].as_str().unwrap());
            let expected = if model.ends_with(late) { "late" } else { word };
            assert!(verdict.contains(expected), "{question} {model}: {verdict}");
        }
    }
    program.stop().await;
}

#[tokio::test]
async fn only_failures_are_asked_again() {
    let setup = Setup::new().await.with("EXAI_RETRIES", "0").with("EXAI_CACHE_SECONDS", "0");
    let program = setup.start().await;
    setup.vendor.answer_with(|request| {
        let name = model_of(request);
        Some(if name == "beta" {
            Answer::server_error()
        } else {
            Answer::text(format!("Verdict: {name} keeps it."))
        })
    });
    let reply = program.call("consensus", ask(QUESTION, None)).await;
    let thread = reply.thread();
    let answer = reply.ok();
    assert_eq!(rows(&answer, "votes")[1].1, "error");
    assert!(answer["next_steps"].as_str().is_some_and(|text| text.contains("custom/beta")), "{answer:#}");

    setup.vendor.reset();
    verdicts(&setup);
    let answer = program.call("consensus", ask(QUESTION, Some(&thread))).await.ok();
    assert_eq!(asked(&setup), ["beta"], "{answer:#}");
    assert!(
        answer["summary"].as_str().is_some_and(|text| text.starts_with("3 of 3 models voted.")),
        "{answer:#}"
    );
    // All have answered: the same call is answered from the thread.
    let again = program.call("consensus", ask(QUESTION, Some(&thread))).await.ok();
    assert_eq!(again["votes"], answer["votes"]);
    assert_eq!(asked(&setup), ["beta"]);
    // Unless it is asked anew on purpose.
    let mut fresh = ask(QUESTION, Some(&thread));
    fresh["fresh"] = json!(true);
    program.call("consensus", fresh).await.ok();
    assert_eq!(asked(&setup), ["alpha", "beta", "beta", "gamma"]);
    program.stop().await;
}

#[tokio::test]
async fn progress_names_who_is_awaited() {
    // No sign of life comes within this test: only a change can bring the words.
    let setup = Setup::new().await;
    let program = setup.start().await;
    let gate = Gate::new();
    let held = gate.clone();
    setup.vendor.answer_with(move |request| {
        let answer = Answer::text("Verdict: yes.");
        Some(if model_of(request) == "beta" { answer.gated(&held) } else { answer })
    });
    let begun = std::time::Instant::now();
    let call = program.begin("consensus", ask(QUESTION, None)).await;
    program
        .wait_for_progress("progress by name", |notes| {
            let words = "2 of 3 answered, waiting for custom/beta";
            notes.iter().any(|note| note.message.as_deref().is_some_and(|text| text.contains(words)))
        })
        .await;
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(5),
        "it came with the change, not with the beat"
    );
    gate.open();
    within("the answer", Program::answer(call)).await.ok();
    program.stop().await;
}

/// A synthesis that names the wrong ones is found out.
#[tokio::test]
async fn a_wrong_synthesis_is_found_out() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    setup.vendor.answer_with(|request| {
        let name = model_of(request);
        Some(match name.as_str() {
            "omega" => Answer::text(
                json!({"status": "synthesis_complete", "summary": "All keep it.", "dissent": [], "no_vote": [],
                    "agreement": [{"point": "keep", "who": ["custom/alpha (stance: neutral)", "custom/gamma", "custom/maple"]}]})
                .to_string(),
            ),
            "gamma" => Answer::text("Verdict: cannot judge."),
            _ => Answer::text(format!("Verdict: {name} keeps it.")),
        })
    });
    let mut call = ask(QUESTION, None);
    call["synthesis"] = json!("omega");
    let answer = program.call("consensus", call).await.ok();
    let notes = notes(&answer);
    assert!(notes.contains("names voices that were not asked: custom/maple"), "{notes}");
    assert!(notes.contains("counts voices that gave no vote: custom/gamma"), "{notes}");
    assert!(!notes.contains("custom/alpha"), "{notes}");

    // One vote is nothing to put together.
    let alone = json!({"step": "And this?", "models": [{"model": "alpha"}, {"model": "gamma"}], "synthesis": "omega"});
    let before = setup.vendor.stats().calls;
    let answer = program.call("consensus", alone).await.ok();
    assert_eq!(setup.vendor.stats().calls, before + 2);
    assert!(self::notes(&answer).contains("fewer than two models voted"), "{answer:#}");
    program.stop().await;
}
