//! Consultations as shared, durable runs: single flight, the cache, cancellation, the end of the process.

use std::time::Duration;

use exai_mock_vendor::{Answer, Gate};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{MODEL, Program, Raw, Setup, within};

/// The program must be gone this soon after its input has ended; 2 s are promised.
const END: Duration = Duration::from_millis(2_500);

#[tokio::test]
async fn a_hundred_equal_calls_are_one_consultation_and_a_repeat_is_none() {
    let setup = Setup::new().await;
    let gate = Gate::new();
    setup.vendor.then(Answer::text("the one answer").gated(&gate));
    let program = setup.start().await;
    let mut open = Vec::new();
    for _ in 0..100 {
        open.push(program.begin("chat", json!({"prompt": "the same question"})).await);
    }
    within("the consultation", gate.wait_for_arrivals(1)).await;
    // Requests of one pipe are read in order: once this one is answered, all before it have been.
    program.call("version", json!({})).await.ok();
    gate.open();
    let mut threads = Vec::new();
    for handle in open {
        let reply = Program::answer(handle).await;
        threads.push(reply.thread());
        assert_eq!(reply.ok()["content"], "the one answer");
    }
    threads.sort();
    threads.dedup();
    assert_eq!(threads.len(), 100, "every call has a thread of its own");
    assert_eq!(setup.vendor.stats().calls, 1);
    let repeat = program.call("chat", json!({"prompt": "the same question"})).await.ok();
    assert_eq!(
        (&repeat["metadata"]["from_cache"], &repeat["metadata"]["cost_usd"]),
        (&json!(true), &json!(0.0))
    );
    assert_eq!(setup.vendor.stats().calls, 1);
    program.stop().await;
}

#[tokio::test]
async fn a_failure_is_not_remembered_and_fresh_asks_again() {
    let setup = Setup::new().await.with("EXAI_RETRIES", "0");
    setup.vendor.script(vec![Answer::server_error(), Answer::text("first"), Answer::text("second")]);
    let program = setup.start().await;
    let question = json!({"prompt": "may fail"});
    program.call("chat", question.clone()).await.failure();
    assert_eq!(program.call("chat", question.clone()).await.ok()["content"], "first");
    assert_eq!(program.call("chat", question).await.ok()["content"], "first");
    let fresh = program.call("chat", json!({"prompt": "may fail", "fresh": true})).await.ok();
    assert_eq!((&fresh["content"], &fresh["metadata"]["from_cache"]), (&json!("second"), &json!(false)));
    assert_eq!(setup.vendor.stats().calls, 3);
    program.stop().await;
}

#[tokio::test]
async fn whatever_decides_an_answer_is_part_of_the_question() {
    let setup = Setup::new().await;
    let file = setup.file("note.txt", "one\n");
    let program = setup.start().await;
    let asked = |more: Value| {
        let mut arguments = json!({"prompt": "what does it say?", "absolute_file_paths": ["note.txt"]});
        arguments.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        arguments
    };
    program.call("chat", asked(json!({}))).await.ok();
    program.call("chat", asked(json!({"temperature": 0.3}))).await.ok();
    program.call("chat", asked(json!({"model": "mock-model-other"}))).await.ok();
    std::fs::write(&file, "two\n").expect("the file can be written");
    program.call("chat", asked(json!({}))).await.ok();
    assert_eq!(setup.vendor.stats().calls, 4);
    program.call("chat", asked(json!({}))).await.ok();
    assert_eq!(setup.vendor.stats().calls, 4, "the same question a second time");
    program.stop().await;
}

#[tokio::test]
async fn the_last_of_several_callers_who_leaves_ends_the_consultation() {
    let setup = Setup::new().await;
    let gate = Gate::new();
    setup.vendor.then(Answer::text("late").gated(&gate));
    let program = setup.start().await;
    let question = json!({"prompt": "joined"});
    let first = program.begin("chat", question.clone()).await;
    within("the consultation", gate.wait_for_arrivals(1)).await;
    let second = program.begin("chat", question).await;
    program.call("version", json!({})).await.ok();
    first.cancel(None).await.expect("the notification is sent");
    program.call("version", json!({})).await.ok();
    assert_eq!(setup.vendor.stats().disconnects, 0, "one caller still waits");
    second.cancel(None).await.expect("the notification is sent");
    within("the end of the upstream request", setup.vendor.wait_for_disconnects(1)).await;
    assert_eq!(setup.vendor.stats().calls, 1);
    program.call("version", json!({})).await.ok();
    program.stop().await;
}

#[tokio::test]
async fn a_cancelled_request_is_not_answered() {
    let setup = Setup::new().await;
    let gate = Gate::new();
    setup.vendor.then(Answer::text("nobody waits for it").gated(&gate));
    let mut raw = Raw::ready(&setup).await;
    raw.send_call(7, "chat", json!({"prompt": "never mind"})).await;
    within("the consultation", gate.wait_for_arrivals(1)).await;
    raw.send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#).await;
    within("the end of the upstream request", setup.vendor.wait_for_disconnects(1)).await;
    gate.open();
    raw.send(r#"{"jsonrpc":"2.0","id":8,"method":"ping"}"#).await;
    assert_eq!(raw.next().await["id"], 8);
    raw.close_input();
    assert!(raw.try_next().await.is_none(), "nothing else is said");
    assert_eq!(raw.exit_code().await, 0);
}

#[tokio::test]
async fn a_client_that_goes_gets_its_open_calls_answered_and_the_run_is_recorded_as_interrupted() {
    let setup = Setup::new().await;
    setup.vendor.then(Answer::never());
    let mut raw = Raw::ready(&setup).await;
    raw.send_call(1, "chat", json!({"prompt": "too late"})).await;
    within("the consultation", setup.vendor.wait_for_calls(1)).await;
    let gone = Instant::now();
    raw.close_input();
    let answer = raw.next().await;
    assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!(1), &json!(true)));
    let text = answer["result"]["content"][0]["text"].as_str().expect("text");
    let envelope: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(envelope["code"], "cancelled");
    assert!(envelope["message"].as_str().expect("text").starts_with("interrupted"), "{envelope:#}");
    assert_eq!(raw.exit_code().await, 0);
    assert!(gone.elapsed() < END, "the end took {:?}", gone.elapsed());
    within("the end of the upstream request", setup.vendor.wait_for_disconnects(1)).await;
    let thread = envelope["continuation_id"].as_str().expect("the question is kept");
    let (code, stored, _) = setup.run(&["threads", "show", thread, "--json"]).await;
    assert_eq!(code, 0);
    let stored: Value = serde_json::from_str(&stored).expect("JSON");
    assert_eq!(stored["runs"][0]["state"], "interrupted", "{stored:#}");
    assert_eq!(stored["turns"][0]["body"]["text"], "too late");
}

#[tokio::test]
async fn a_truncated_answer_is_marked_and_not_kept() {
    let setup = Setup::new().await;
    setup
        .vendor
        .script(vec![Answer::text("only half of").finish_reason("length"), Answer::text("all of it")]);
    let program = setup.start().await;
    let half = program.call("chat", json!({"prompt": "tell me"})).await.ok();
    assert_eq!((&half["content"], &half["metadata"]["truncated"]), (&json!("only half of"), &json!(true)));
    let whole = program.call("chat", json!({"prompt": "tell me"})).await.ok();
    assert_eq!(whole["content"], "all of it");
    program.stop().await;
}

#[tokio::test]
async fn no_more_attempts_are_under_way_than_there_are_permits() {
    let setup = Setup::new().await.with("EXAI_UPSTREAM_LIMIT", "3");
    let gate = Gate::new();
    setup.vendor.default_answer(Answer::text("ok").gated(&gate));
    let program = setup.start().await;
    let mut open = Vec::new();
    for number in 0..10 {
        open.push(
            program.begin("chat", json!({"prompt": format!("question {number}"), "model": MODEL})).await,
        );
    }
    within("three attempts", gate.wait_for_arrivals(3)).await;
    program.call("version", json!({})).await.ok();
    assert_eq!(setup.vendor.stats().in_flight, 3);
    gate.open();
    for handle in open {
        Program::answer(handle).await.ok();
    }
    assert_eq!((setup.vendor.stats().calls, setup.vendor.stats().peak_in_flight), (10, 3));
    program.stop().await;
}
