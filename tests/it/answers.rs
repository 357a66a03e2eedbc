//! Answers that somebody comes for later: tasks, clients that were cut off, clients that show little.

use exai_mock_vendor::{Answer, Gate};
use serde_json::{Value, json};

use crate::support::{Raw, Setup, discover_meta, expert_answer, within};

/// The context of a request whose client knows tasks.
fn with_tasks() -> Value {
    let mut meta = discover_meta();
    meta["io.modelcontextprotocol/clientCapabilities"] =
        json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
    meta
}

async fn task_of(raw: &mut Raw, id: &str) -> Value {
    raw.request("tasks/get", json!({"_meta": with_tasks(), "taskId": id})).await
}

/// A slow call becomes a task and its answer is that of the plain call.
#[tokio::test]
async fn a_slow_call_becomes_a_task() {
    let setup = Setup::new().await;
    let gate = Gate::new();
    setup.vendor.then(Answer::text("The right to try.").gated(&gate));
    let mut raw = Raw::start(&setup);
    let call = json!({"_meta": with_tasks(), "name": "chat", "arguments": {"prompt": "What is a permit?"}});
    let begun = raw.request("tools/call", call.clone()).await["result"].take();
    assert_eq!(begun["resultType"], "task", "{begun:#}");
    let id = begun["taskId"].as_str().or(begun["task"]["taskId"].as_str()).expect("an id").to_owned();
    let working = task_of(&mut raw, &id).await["result"].take();
    assert_eq!(working["status"], "working", "{working:#}");
    gate.open();
    let done = within("the end of the task", async {
        loop {
            let task = task_of(&mut raw, &id).await["result"].take();
            if task["status"] != "working" {
                return task;
            }
        }
    })
    .await;
    assert_eq!(done["status"], "completed", "{done:#}");
    let text: Value = serde_json::from_str(done["result"]["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text["content"], "The right to try.");
    assert_eq!(setup.vendor.stats().calls, 1);

    // The same call is now quick, so it is no task.
    let again = raw.request("tools/call", call).await["result"].take();
    assert_eq!(again["resultType"], "complete");
    assert_eq!(setup.vendor.stats().calls, 1);
    raw.close_input();
    raw.end().await;

    // A task survives its process.
    let mut raw = Raw::start(&setup);
    assert_eq!(task_of(&mut raw, &id).await["result"]["status"], "completed");
    let refused = task_of(&mut raw, "8a7f3c1e-52b4-4d6b-9a51-1c2d3e4f5a6b").await["error"].take();
    assert!(refused["message"].as_str().unwrap().starts_with("there is no task"), "{refused}");
    setup.sql("UPDATE answers SET owner_id = 'somebody'");
    assert!(task_of(&mut raw, &id).await["error"].is_object(), "somebody else's task is unknown");
}

#[tokio::test]
async fn a_cancelled_task_leaves_the_vendor() {
    let setup = Setup::new().await;
    setup.vendor.then(Answer::never());
    let mut raw = Raw::start(&setup);
    let call = json!({"_meta": with_tasks(), "name": "chat", "arguments": {"prompt": "What is a permit?"}});
    let begun = raw.request("tools/call", call).await["result"].take();
    let id = begun["taskId"].as_str().or(begun["task"]["taskId"].as_str()).expect("an id").to_owned();
    let taken = raw.request("tasks/cancel", json!({"_meta": with_tasks(), "taskId": id})).await;
    assert!(taken["error"].is_null(), "{taken}");
    within("the end of the upstream request", setup.vendor.wait_for_disconnects(1)).await;
    let task = within("the end of the task", async {
        loop {
            let task = task_of(&mut raw, &id).await["result"].take();
            if task["status"] != "working" {
                return task;
            }
        }
    })
    .await;
    assert_eq!(task["status"], "cancelled", "{task:#}");
}

/// A client that does not know tasks waits for its answer.
#[tokio::test]
async fn a_client_without_tasks_waits() {
    let setup = Setup::new().await;
    let gate = Gate::new();
    setup.vendor.then(Answer::text("At last.").gated(&gate));
    let mut raw = Raw::ready(&setup).await;
    raw.send_call(5, "chat", json!({"prompt": "slow"})).await;
    gate.wait_for_arrivals(1).await;
    gate.open();
    let answer = raw.next().await;
    assert_eq!(answer["id"], 5);
    assert!(answer["result"]["content"][0]["text"].as_str().unwrap().contains("At last."));
}

/// An answer that was stored and never read is not paid for twice.
#[tokio::test]
async fn a_stored_answer_is_paid_for_once() {
    let setup = Setup::new().await;
    setup.file("a.py", "print(1)\n");
    setup.vendor.then(Answer::text(expert_answer("code_review_complete", "Fine.", json!([]))));
    let program = setup.start().await;
    let step = json!({"step": "review", "relevant_files": ["a.py"], "next_step_required": false});
    let thread = program.call("codereview", step.clone()).await.thread();
    // The answer has been written; the client never sees it.
    program.kill().await;

    let program = setup.start().await;
    let again = program.call("codereview", step).await.ok();
    assert_eq!(again["summary"], "Fine.");
    assert_eq!(
        (&again["metadata"]["from_cache"], &again["metadata"]["cost_usd"]),
        (&json!(true), &json!(0.0))
    );
    assert_eq!(setup.vendor.stats().calls, 1);
    let resumed = program.call("threads", json!({"action": "resume", "continuation_id": thread})).await.ok();
    assert!(resumed["last_answer"]["text"].as_str().unwrap().contains("Fine."), "{resumed:#}");
    program.stop().await;
}

/// Answers of an earlier process are only given again as long as the cache says.
#[tokio::test]
async fn earlier_answers_last_as_the_cache_says() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    program.call("chat", json!({"prompt": "old"})).await.ok();
    program.stop().await;
    // The run ended longer ago than an answer may be given again.
    setup.sql("UPDATE runs SET started_at = started_at - 700000, ended_at = ended_at - 700000");
    let program = setup.start().await;
    let answer = program.call("chat", json!({"prompt": "old"})).await.ok();
    assert_eq!(answer["metadata"]["from_cache"], false);
    assert_eq!(setup.vendor.stats().calls, 2);
    program.stop().await;
}

/// An answer that is too long is cut by findings and the whole is a resource.
#[tokio::test]
async fn a_long_answer_becomes_a_resource() {
    let setup = Setup::new().await.with("EXAI_ANSWER_CHARS", "6000");
    setup.file("a.py", "print(1)\n");
    let finding = |number: usize| {
        json!({"severity": if number < 3 { "critical" } else { "low" }, "path": "a.py", "line": 1, "quote": "print(1)",
        "title": format!("finding {number}"), "detail": "d".repeat(300), "fix": "f"})
    };
    let findings: Vec<Value> = (0..60).map(finding).collect();
    setup.vendor.then(Answer::text(expert_answer("code_review_complete", "Much is wrong.", json!(findings))));
    let mut raw = Raw::ready(&setup).await;
    let answer = raw
        .call(
            "codereview",
            json!({"step": "review", "relevant_files": ["a.py"], "next_step_required": false}),
        )
        .await;
    assert!(answer.to_string().chars().count() <= 6_000);
    assert_eq!((&answer["truncated"], &answer["summary"]), (&json!(true), &json!("Much is wrong.")));
    assert_eq!(answer["findings"][0]["severity"], "critical", "the worst stay");
    let (shown, left) =
        (answer["findings"].as_array().unwrap().len() as u64, answer["findings_left_out"].as_u64().unwrap());
    assert_eq!(shown + left, 60);
    let uri = answer["rest"]["resource"].as_str().unwrap().to_owned();
    let whole = raw.request("resources/read", json!({"uri": uri})).await;
    let whole: Value =
        serde_json::from_str(whole["result"]["contents"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(whole["findings"].as_array().unwrap().len(), 60);
    let thread = answer["continuation_id"].as_str().unwrap();
    let shown = raw.call("threads", json!({"action": "show", "continuation_id": thread})).await;
    assert_eq!(shown["kept_answers"][0]["resource"], uri);
}
