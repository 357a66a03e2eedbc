//! Consultations as runs: shared, cached, cancelled, interrupted, and within their limits.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use exai_mock_vendor::{Answer, Gate};
use serde_json::{Value, json};

use crate::support::{Program, Raw, Setup, within};

/// From the end of the input to the end of the process: the promise of 2 s and what a busy machine adds.
const ORDERLY_END: Duration = Duration::from_millis(2_500);

fn question() -> Value {
    json!({"prompt": "What is a permit?"})
}

/// Equal calls at once ask once and every caller gets a thread.
#[tokio::test]
async fn equal_calls_ask_once() {
    const CALLS: usize = 100;
    let setup = Setup::new().await;
    let program = setup.start().await;
    let gate = Gate::new();
    setup.vendor.then(Answer::text("The right to try.").gated(&gate));
    let mut calls = Vec::new();
    for _ in 0..CALLS {
        calls.push(program.begin("chat", question()).await);
    }
    // A caller's thread is stored when it has begun the consultation or joined it.
    setup.wait_for_threads(CALLS).await;
    assert_eq!(setup.vendor.stats().calls, 1);
    gate.open();
    let (mut threads, mut runs, mut shared) = (BTreeSet::new(), BTreeSet::new(), 0);
    for call in calls {
        let answer = Program::answer(call).await;
        threads.insert(answer.thread());
        let answer = answer.ok();
        assert_eq!(answer["content"], "The right to try.");
        assert_eq!(answer["metadata"]["persisted"], true, "{answer:#}");
        shared += usize::from(answer["metadata"]["shared_consultation"] == true);
        runs.insert(answer["metadata"]["run_id"].as_str().expect("a run").to_owned());
    }
    assert_eq!((threads.len(), runs.len(), shared), (CALLS, 1, CALLS - 1));
    assert_eq!(setup.vendor.stats().calls, 1);
    let example = threads.iter().next().expect("a thread");
    assert_eq!(
        setup.stored_thread(example).await["turns"].as_array().expect("turns").len(),
        2,
        "question and answer"
    );

    let again = program.call("chat", question()).await;
    assert!(!threads.contains(&again.thread()), "a repeat begins its own thread");
    let again = again.ok();
    assert_eq!(again["content"], "The right to try.");
    assert_eq!(
        (&again["metadata"]["from_cache"], &again["metadata"]["cost_usd"]),
        (&json!(true), &json!(0.0))
    );
    assert_eq!(setup.vendor.stats().calls, 1);
    program.stop().await;
}

/// A failure is reported to all callers that wait and does not stay.
#[tokio::test]
async fn a_failure_reaches_all_who_wait() {
    let setup = Setup::new().await.with("EXAI_RETRIES", "0");
    let program = setup.start().await;
    let gate = Gate::new();
    setup.vendor.script(vec![Answer::server_error().gated(&gate), Answer::text("Now it works.")]);
    let calls = [program.begin("chat", question()).await, program.begin("chat", question()).await];
    setup.wait_for_threads(2).await;
    gate.open();
    for call in calls {
        let failure = Program::answer(call).await.failure();
        assert_eq!((&failure["code"], &failure["retryable"]), (&json!("unavailable"), &json!(true)));
        assert!(failure["continuation_id"].is_string());
    }
    assert_eq!(setup.vendor.stats().calls, 1);
    let answer = program.call("chat", question()).await.ok();
    assert_eq!(
        (&answer["content"], &answer["metadata"]["from_cache"]),
        (&json!("Now it works."), &json!(false))
    );
    program.stop().await;
}

/// A fresh call asks again and its answer is the one kept.
#[tokio::test]
async fn a_fresh_call_replaces_the_answer() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    setup.vendor.script(vec![Answer::text("first"), Answer::text("second")]);
    program.call("chat", question()).await.ok();
    let fresh = program.call("chat", json!({"prompt": "What is a permit?", "fresh": true})).await.ok();
    assert_eq!((&fresh["content"], &fresh["metadata"]["from_cache"]), (&json!("second"), &json!(false)));
    let cached = program.call("chat", question()).await.ok();
    assert_eq!((&cached["content"], &cached["metadata"]["from_cache"]), (&json!("second"), &json!(true)));
    assert_eq!(setup.vendor.stats().calls, 2);
    program.stop().await;
}

#[tokio::test]
async fn whatever_changes_the_question_asks_anew() {
    let setup = Setup::new().await;
    setup.file("a.py", "print(1)\n");
    let program = setup.start().await;
    let base = json!({"prompt": "What does it print?", "absolute_file_paths": ["a.py"]});
    let with = |key: &str, value: Value| {
        let mut arguments = base.clone();
        arguments[key] = value;
        arguments
    };
    let different = [
        base.clone(),
        with("model", json!("another-model")),
        with("temperature", json!(0.5)),
        with("prompt", json!("What does it print now?")),
        with("absolute_file_paths", json!([])),
    ];
    for (index, arguments) in different.iter().enumerate() {
        for from_cache in [false, true] {
            let answer = program.call("chat", arguments.clone()).await.ok();
            assert_eq!(answer["metadata"]["from_cache"], from_cache, "{arguments}");
        }
        assert_eq!(setup.vendor.stats().calls, index + 1, "{arguments}");
    }
    setup.file("a.py", "print(2)\n");
    let answer = program.call("chat", base.clone()).await.ok();
    assert_eq!(answer["metadata"]["from_cache"], false, "the file has changed");
    program.stop().await;
}

/// A run ends when the last of its callers has left.
#[tokio::test]
async fn a_run_ends_without_callers() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    let gate = Gate::new();
    setup.vendor.script(vec![Answer::text("Still here.").gated(&gate), Answer::never()]);
    let [leaves, stays] = [program.begin("chat", question()).await, program.begin("chat", question()).await];
    setup.wait_for_threads(2).await;
    leaves.cancel(None).await.expect("the cancellation is sent");
    // The program reads in order: it has heard of the cancellation when it answers this.
    program.call("version", json!({})).await.ok();
    gate.open();
    assert_eq!(Program::answer(stays).await.ok()["content"], "Still here.");
    assert_eq!((setup.vendor.stats().calls, setup.vendor.stats().disconnects), (1, 0));

    let other = json!({"prompt": "What is a lease?"});
    let both = [program.begin("chat", other.clone()).await, program.begin("chat", other).await];
    setup.wait_for_threads(4).await;
    for call in both {
        call.cancel(None).await.expect("the cancellation is sent");
    }
    within("the end of the upstream request", setup.vendor.wait_for_disconnects(1)).await;
    assert_eq!(setup.vendor.stats().calls, 2);
    let mut states = Vec::new();
    for thread in setup.stored_threads().await {
        states.extend(setup.ended_runs(thread["continuation_id"].as_str().expect("an id")).await);
    }
    states.sort();
    assert_eq!(states, ["cancelled", "done"], "a run belongs to the thread that began it");
    program.stop().await;
}

#[tokio::test]
async fn a_cancelled_request_gets_no_answer() {
    let setup = Setup::new().await;
    setup.vendor.then(Answer::never());
    let mut raw = Raw::ready(&setup).await;
    raw.send_call(7, "chat", question()).await;
    within("the consultation", setup.vendor.wait_for_calls(1)).await;
    raw.send(
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7,"reason":"enough"}}"#,
    )
    .await;
    within("the end of the upstream request", setup.vendor.wait_for_disconnects(1)).await;
    raw.send_call(8, "version", json!({})).await;
    assert_eq!(raw.next().await["id"], 8);
    raw.close_input();
    assert!(raw.try_next().await.is_none(), "nothing more is said");
    assert_eq!(raw.exit_code().await, 0);
}

/// The end of the input interrupts what is stuck in time.
#[tokio::test]
async fn the_inputs_end_interrupts_in_time() {
    let setup = Setup::new().await;
    setup.file("a.py", "while True: pass\n");
    setup.vendor.default_answer(Answer::never());
    let mut raw = Raw::ready(&setup).await;
    raw.send_call(1, "chat", question()).await;
    raw.send_call(
        2,
        "debug",
        json!({"step": "It hangs.", "next_step_required": false, "relevant_files": ["."],
        "findings": "x", "issues_found": [{"severity": "high", "description": "hangs"}]}),
    )
    .await;
    within("both consultations", setup.vendor.wait_for_calls(2)).await;
    let begun = Instant::now();
    raw.close_input();
    let mut threads = Vec::new();
    let mut ids = BTreeSet::new();
    while let Some(answer) = raw.try_next().await {
        ids.insert(answer["id"].as_i64().expect("an answer to a request"));
        assert_eq!(answer["result"]["isError"], true, "{answer:#}");
        let text = answer["result"]["content"][0]["text"].as_str().expect("a text");
        let envelope: Value = serde_json::from_str(text).expect("an envelope");
        assert_eq!((&envelope["status"], &envelope["code"]), (&json!("error"), &json!("cancelled")));
        assert!(
            envelope["message"].as_str().is_some_and(|text| text.starts_with("interrupted")),
            "{envelope:#}"
        );
        threads.push(envelope["continuation_id"].as_str().expect("the work is kept").to_owned());
    }
    let code = raw.exit_code().await;
    let took = begun.elapsed();
    assert_eq!((code, ids.len()), (0, 2), "each request is answered, once");
    assert!(took < ORDERLY_END, "it took {took:?}");
    within("the end of the upstream requests", setup.vendor.wait_for_disconnects(2)).await;
    for thread in threads {
        let stored = setup.stored_thread(&thread).await;
        assert_eq!(stored["runs"][0]["state"], "interrupted", "{stored:#}");
        assert_eq!(stored["turns"].as_array().expect("turns").len(), 1, "what was asked is kept");
    }
}

/// A truncated answer says so and is not given again.
#[tokio::test]
async fn a_truncated_answer_is_not_cached() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    setup
        .vendor
        .script(vec![Answer::text("It is the right to").finish_reason("length"), Answer::text("whole")]);
    let cut = program.call("chat", question()).await.ok();
    assert_eq!(
        (&cut["content"], &cut["metadata"]["truncated"]),
        (&json!("It is the right to"), &json!(true))
    );
    let whole = program.call("chat", question()).await.ok();
    assert_eq!((&whole["content"], &whole["metadata"]["from_cache"]), (&json!("whole"), &json!(false)));
    assert!(whole["metadata"].get("truncated").is_none());
    program.stop().await;
}

/// The vendor never sees more calls at once than are allowed.
#[tokio::test]
async fn calls_upstream_are_bounded() {
    let setup = Setup::new().await.with("EXAI_UPSTREAM_LIMIT", "3");
    let program = setup.start().await;
    let gate = Gate::new();
    setup.vendor.default_answer(Answer::text("done").gated(&gate));
    let mut calls = Vec::new();
    for n in 0..10 {
        calls.push(program.begin("chat", json!({"prompt": format!("question {n}")})).await);
    }
    setup.wait_for_threads(10).await;
    within("three consultations", gate.wait_for_arrivals(3)).await;
    assert_eq!(setup.vendor.stats().in_flight, 3);
    gate.open();
    for call in calls {
        Program::answer(call).await.ok();
    }
    let stats = setup.vendor.stats();
    assert_eq!((stats.calls, stats.peak_in_flight), (10, 3));
    program.stop().await;
}

/// A call that finds no place in time is turned away with a time to come back.
#[tokio::test]
async fn a_crowded_out_call_may_return() {
    let setup = Setup::new().await.with("EXAI_UPSTREAM_LIMIT", "1").with("EXAI_PERMIT_WAIT_SECONDS", "1");
    let program = setup.start().await;
    let gate = Gate::new();
    setup.vendor.then(Answer::text("first").gated(&gate));
    let first = program.begin("chat", json!({"prompt": "first"})).await;
    within("the first consultation", gate.wait_for_arrivals(1)).await;
    let second = program.call("chat", json!({"prompt": "second"})).await.failure();
    assert_eq!((&second["code"], &second["retryable"]), (&json!("over_capacity"), &json!(true)));
    assert!(second["retry_after_ms"].as_u64().is_some_and(|wait| wait > 0), "{second:#}");
    assert!(second["continuation_id"].is_string(), "what was asked is kept");
    gate.open();
    assert_eq!(Program::answer(first).await.ok()["content"], "first");
    assert_eq!(setup.vendor.stats().calls, 1);
    program.stop().await;
}
