//! Vendors that fail: what is tried again, what is said, and that the work is kept.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use exai_mock_vendor::{Answer, Recorded};
use serde_json::json;

use crate::support::{MODEL, Program, Setup, Upstream};

/// Calls whose question is this prompt.
fn attempts_for(setup: &Setup, prompt: &str) -> usize {
    Upstream::all(&setup.vendor).iter().filter(|request| request.question() == prompt).count()
}

/// A vendor that answers each prompt with its own answers in order; the last one again and again.
fn answer_by_prompt(setup: &Setup, cases: impl IntoIterator<Item = (&'static str, Vec<Answer>)>) {
    let plans: HashMap<&'static str, Vec<Answer>> = cases.into_iter().collect();
    let seen: Mutex<HashMap<String, usize>> = Mutex::default();
    setup.vendor.answer_with(move |request: &Recorded| {
        let prompt = Upstream::of(request).question().to_owned();
        let plan = plans.get(prompt.as_str())?;
        let mut seen = seen.lock().expect("not poisoned");
        let count = seen.entry(prompt).or_default();
        let answer = plan.get(*count).or(plan.last()).cloned();
        *count += 1;
        answer
    });
}

/// A vendor that asks for patience gets it and answers.
#[tokio::test]
async fn a_patient_vendor_gets_its_time() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    setup.vendor.script(vec![Answer::rate_limited("1"), Answer::text("now")]);
    let answer = program.call("chat", json!({"prompt": "Please."})).await.ok();
    assert_eq!((&answer["content"], &answer["metadata"]["attempts"]), (&json!("now"), &json!(2)));
    let calls = setup.vendor.calls();
    assert_eq!(calls.len(), 2);
    assert!(
        calls[1].arrived - calls[0].arrived >= Duration::from_secs(1),
        "it waited as long as it was asked to"
    );
    program.stop().await;
}

/// Passing trouble is tried again until there is an answer.
#[tokio::test]
async fn passing_trouble_is_tried_again() {
    let setup = Setup::new().await.with("EXAI_BREAKER_FAILURES", "100");
    let program = setup.start().await;
    let good = || Answer::text("A whole answer of several pieces.");
    let cases = [
        ("cut", vec![good().cut_after_pieces(2), good()]),
        ("garbage", vec![good().garbage("{not json"), good()]),
        ("hang up", vec![Answer::hang_up(), good()]),
        ("overloaded", vec![Answer::overloaded(), good()]),
        ("proxy", vec![Answer::proxy_page(), good()]),
        (
            "no end",
            vec![
                Answer::raw_stream(["data: {\"choices\":[{\"delta\":{\"content\":\"half\"}}]}\n\n"]),
                good(),
            ],
        ),
        ("nothing", vec![Answer::text(""), good()]),
        ("page", vec![Answer::whole(200, "text/html", "<html>login</html>"), good()]),
        (
            "error in the stream",
            vec![good().error_in_stream(json!({"message": "overloaded", "type": "server_error"})), good()],
        ),
    ];
    let names: Vec<&str> = cases.iter().map(|(name, _)| *name).collect();
    answer_by_prompt(&setup, cases);
    let mut calls = Vec::new();
    for name in &names {
        calls.push((name, program.begin("chat", json!({"prompt": name})).await));
    }
    for (name, call) in calls {
        let answer = Program::answer(call).await.ok();
        assert_eq!(answer["content"], "A whole answer of several pieces.", "{name}");
        assert_eq!((&answer["metadata"]["attempts"], attempts_for(&setup, name)), (&json!(2), 2), "{name}");
    }
    program.stop().await;
}

#[tokio::test]
async fn an_unusual_stream_is_read() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    let answer =
        Answer::text("A whole answer of several pieces.").comments().crlf().split_every(7).without_done();
    setup.vendor.then(answer);
    let answer = program.call("chat", json!({"prompt": "Clearly, please."})).await.ok();
    assert_eq!(answer["content"], "A whole answer of several pieces.");
    assert_eq!(answer["metadata"]["attempts"], 1);
    program.stop().await;
}

/// A failure has its code, its attempts and a thread.
#[tokio::test]
async fn a_failure_has_code_and_thread() {
    let setup =
        Setup::new().await.with("CUSTOM_API_KEY", "sk-very-secret").with("EXAI_BREAKER_FAILURES", "100");
    let program = setup.start().await;
    let page = Answer::proxy_page();
    let cases: [(&'static str, Answer, &str, bool, usize); 10] = [
        ("server error", Answer::server_error(), "unavailable", true, 3),
        ("proxy", page, "unavailable", true, 3),
        ("hang up", Answer::hang_up(), "unavailable", true, 3),
        ("cut", Answer::text("Some words that break off").cut_after_pieces(1), "protocol", true, 3),
        ("pace", Answer::rate_limited("0"), "rate_limited", true, 3),
        ("key", Answer::invalid_key(), "auth", false, 1),
        ("money", Answer::quota_exhausted(), "quota", false, 1),
        ("size", Answer::context_too_long(), "context_too_long", false, 1),
        ("filter", Answer::text("I").finish_reason("content_filter"), "content_filtered", false, 1),
        ("a long pace", Answer::rate_limited("3600"), "rate_limited", true, 1),
    ];
    answer_by_prompt(&setup, cases.iter().map(|(name, answer, ..)| (*name, vec![answer.clone()])));
    let mut calls = Vec::new();
    for case in &cases {
        // A model of its own: nobody else is to wait for that hour.
        let model = if case.0 == "a long pace" { "another-model" } else { MODEL };
        calls.push((case, program.begin("chat", json!({"prompt": case.0, "model": model})).await));
    }
    for ((name, _, code, retryable, attempts), call) in calls {
        let failure = Program::answer(call).await.failure();
        assert_eq!(
            (&failure["code"], &failure["retryable"]),
            (&json!(code), &json!(retryable)),
            "{name}: {failure:#}"
        );
        assert_eq!(attempts_for(&setup, name), *attempts, "{name}");
        let message = failure["message"].as_str().expect("a message");
        let counted =
            if *attempts == 1 { "(1 attempt)".to_owned() } else { format!("({attempts} attempts)") };
        assert!(message.ends_with(&counted), "{name}: {message}");
        assert!(
            !message.contains("<html") && !failure.to_string().contains("sk-very-secret"),
            "{name}: {message}"
        );
        match *name {
            "key" => assert!(message.contains("CUSTOM_API_KEY"), "the key's origin is named: {message}"),
            "a long pace" => assert_eq!(failure["retry_after_ms"], 3_600_000, "{failure:#}"),
            _ => {}
        }
        let stored =
            setup.stored_thread(failure["continuation_id"].as_str().expect("the work is kept")).await;
        assert_eq!(stored["turns"][0]["body"]["text"], *name, "{stored:#}");
        assert_eq!(stored["runs"][0]["state"], "failed", "{stored:#}");
    }
    assert_eq!(setup.vendor.calls()[0].header("authorization"), Some("Bearer sk-very-secret"));
    program.stop().await;
}

/// Every wait has an end and says how far it came.
#[tokio::test]
async fn every_wait_has_an_end() {
    let setup = Setup::new()
        .await
        .with("EXAI_CONNECT_SECONDS", "1")
        .with("EXAI_FIRST_BYTE_SECONDS", "2")
        .with("EXAI_IDLE_SECONDS", "2")
        .with("EXAI_PERMIT_WAIT_SECONDS", "1")
        .with("EXAI_CALL_SECONDS", "3");
    let program = setup.start().await;
    let slow = Answer::text("word ".repeat(600)).piece_chars(5).piece_delay(Duration::from_millis(50));
    let cases = [
        ("silent", vec![Answer::never()]),
        ("stuck", vec![Answer::text("Some words and then silence").stall_after(1)]),
        ("endless", vec![slow]),
    ];
    answer_by_prompt(&setup, cases);
    let mut calls = Vec::new();
    for name in ["silent", "stuck", "endless"] {
        calls.push((name, program.begin("chat", json!({"prompt": name})).await));
    }
    for (name, call) in calls {
        let failure = Program::answer(call).await.failure();
        assert_eq!(
            (&failure["code"], &failure["retryable"]),
            (&json!("timeout"), &json!(true)),
            "{name}: {failure:#}"
        );
        assert!(failure["continuation_id"].is_string(), "{name}: {failure:#}");
        assert_eq!(attempts_for(&setup, name), 1, "{name}");
        if name == "endless" {
            let message = failure["message"].as_str().expect("a message");
            assert!(message.contains("3s") && message.contains("tokens had arrived"), "{message}");
        }
    }
    // Nothing goes on upstream for calls that are over.
    crate::support::within("the end of the upstream requests", setup.vendor.wait_for_disconnects(3)).await;
    program.stop().await;
}

/// A step whose expert fails is kept and can be repeated.
#[tokio::test]
async fn a_failed_step_can_be_repeated() {
    let setup = Setup::new().await.with("EXAI_RETRIES", "0");
    setup.file("a.py", "print(1)\n");
    let program = setup.start().await;
    let garbage = Answer::raw_stream(["data: {broken\n\n"]);
    for (tool, code, answer) in [
        ("codereview", "unavailable", Answer::server_error()),
        ("codereview", "protocol", garbage),
        ("debug", "auth", Answer::invalid_key()),
        ("debug", "quota", Answer::quota_exhausted()),
    ] {
        setup.vendor.then(answer);
        let mut step = json!({"step": format!("LARCH: {code}"), "findings": "HAZEL: a constant",
            "next_step_required": false, "relevant_files": ["a.py"]});
        let failure = program.call(tool, step.clone()).await.failure();
        assert_eq!(failure["code"], code, "{failure:#}");
        assert!(
            failure["next_steps"].as_str().is_some_and(|text| text.contains("continuation_id")),
            "{failure:#}"
        );
        let stored =
            setup.stored_thread(failure["continuation_id"].as_str().expect("the work is kept")).await;
        let turns = stored["turns"].as_array().expect("turns");
        assert_eq!(turns.len(), 1, "{stored:#}");
        let kept = &turns[0]["body"];
        assert_eq!((&kept["step"], &kept["findings"]), (&step["step"], &step["findings"]));
        step["continuation_id"] = failure["continuation_id"].clone();
        let answer = program.call(tool, step).await.ok();
        assert_eq!(answer["status"], "unreadable", "{code}: {answer:#}");
        assert_eq!(answer["step_number"], 1, "{code}: a step sent again keeps its number");
        let sent = Upstream::last(&setup.vendor);
        assert_eq!(sent.count("HAZEL: a constant"), 1, "{code}: {sent:#?}");
    }
    program.stop().await;
}
