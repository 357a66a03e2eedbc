//! Work that is cut off between its steps, and calls that no tool can read.

use exai_mock_vendor::Answer;
use serde_json::{Value, json};

use super::{TOOLS, shop};
use crate::support::{FULL, Upstream, expert_answer};

/// The tools that work in steps and are not in the table of experts.
const OTHERS: [&str; 4] = ["precommit", "planner", "tracer", "docgen"];

fn step(tool: &str, number: u32, thread: &str) -> Value {
    let mut step = json!({"step": format!("PLUM: part {number}"), "step_number": number, "total_steps": 3,
        "next_step_required": number < 3, "continuation_id": thread});
    let more = match tool {
        "planner" => json!({}),
        "tracer" => json!({"findings": "f", "trace_mode": "precision", "target_description": "total"}),
        "docgen" => json!({"findings": "f", "num_files_documented": 1, "total_files_to_document": 1}),
        _ => json!({"findings": format!("PEAR: seen {number}"), "relevant_files": ["shop.py"]}),
    };
    step.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    step
}

/// A kill between any two steps loses nothing and the thread of another tool goes on.
#[tokio::test]
async fn a_kill_between_steps_loses_nothing() {
    let setup = shop().await;
    setup.repository();
    setup.file("shop.py", "def total(price, count):\n    return price + count\n");
    for tool in TOOLS.iter().map(|tool| tool.name).chain(OTHERS) {
        let program = setup.start().await;
        let thread =
            program.call("chat", json!({"prompt": format!("MARZIPAN before {tool}")})).await.thread();
        program.kill().await;
        let calls = setup.vendor.stats().calls;
        for number in 1..3 {
            let program = setup.start().await;
            let paused = program.call(tool, step(tool, number, &thread)).await.ok();
            assert_eq!(paused["step_number"], number, "{tool}: {paused:#}");
            program.kill().await;
        }
        let program = setup.start().await;
        setup.vendor.then(Answer::text(match TOOLS.iter().find(|known| known.name == tool) {
            Some(known) => known.answer(),
            None => expert_answer("validation_complete", "One thing is wrong.", json!([])),
        }));
        let last = program.call(tool, step(tool, 3, &thread)).await.ok();
        program.stop().await;
        assert_eq!(last["next_step_required"], false, "{tool}: {last:#}");
        let told = setup.stored_thread(&thread).await.to_string();
        for number in 1..=3 {
            assert_eq!(told.matches(&format!("PLUM: part {number}")).count(), 1, "{tool} {number}: {told}");
        }
        if ["planner", "tracer", "docgen"].contains(&tool) {
            assert_eq!(setup.vendor.stats().calls, calls, "{tool} asks nobody");
            // The answer that was meant for an expert.
            setup.vendor.reset();
            continue;
        }
        assert_eq!(setup.vendor.stats().calls, calls + 1, "{tool}");
        let sent = Upstream::last(&setup.vendor);
        for text in ["PLUM: part 1", "PLUM: part 2", "PLUM: part 3", "PEAR: seen 1", "PEAR: seen 3"] {
            assert_eq!(sent.count(text), 1, "{tool}: {text}");
        }
        assert!(sent.count(&format!("MARZIPAN before {tool}")) >= 1, "{tool} knows what was said before");
    }
}

/// A call that each tool refuses, and the field that its message begins with.
fn unreadable(tool: &str) -> (Value, &'static str) {
    match tool {
        "chat" | "challenge" | "apilookup" | "clink" | "payload_preview" | "route" => {
            (json!({"prompt": {"text": "x"}}), "prompt")
        }
        "consensus" => (json!({"step": "x", "models": 7}), "models"),
        "listmodels" | "status" => (json!({"probe": "perhaps"}), "probe"),
        "threads" => (json!({"action": "burn"}), "action"),
        "activity" => (json!({"limit": "some"}), "limit"),
        "usage" => (json!({"by": "moon"}), "by"),
        "chat_with_tools" => (json!({"messages": 7}), "messages"),
        "web_search" => (json!({"search_query": {"q": "x"}}), "search_query"),
        "file_query" => (json!({"file_path": "shop.py", "question": {"x": 1}}), "question"),
        "file_download" => (json!({"file_id": {"id": 1}}), "file_id"),
        "file_manage" => (json!({"operation": "burn"}), "operation"),
        "tracer" => (json!({"step": "x", "trace_mode": "deep"}), "trace_mode"),
        _ => (json!({"step": "x", "step_number": "first"}), "step_number"),
    }
}

#[tokio::test]
async fn an_unreadable_field_is_named() {
    let setup = shop().await;
    let program = setup.start().await;
    for tool in FULL {
        if tool == "version" {
            let answer = program.call(tool, json!({"colour": "red"})).await.ok();
            let note = answer["metadata"]["notes"][0].as_str().unwrap_or_default().to_owned();
            assert_eq!(note, "`colour` is not a field of this tool and was ignored", "{tool}");
            continue;
        }
        let (arguments, field) = unreadable(tool);
        let refused = program.call(tool, arguments).await.failure();
        let message = refused["message"].as_str().unwrap_or_default();
        assert_eq!(refused["code"], "invalid_input", "{tool}");
        assert!(
            message.starts_with(&format!("{field}: expected ")) && message.contains(", got "),
            "{tool}: {message}"
        );
    }
    assert_eq!(setup.vendor.stats().calls, 0);
    program.stop().await;
}

/// A conversation is sent with its role, its files and its question.
#[tokio::test]
async fn a_conversation_is_sent_whole() {
    let setup = shop().await;
    let program = setup.start().await;
    program
        .call("chat", json!({"prompt": "Is a price ever negative?", "absolute_file_paths": ["shop.py"]}))
        .await
        .ok();
    insta::assert_snapshot!("request_chat", Upstream::last(&setup.vendor).rendered());
    program.stop().await;
}
