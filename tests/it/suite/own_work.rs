//! The tools that ask no model: a trace, a documentation, a statement, a look-up.

use serde_json::{Value, json};

use super::shop;
use crate::support::{Raw, Setup};

/// A trace that names its mode starts at once and ends with the way to show it.
#[tokio::test]
async fn a_trace_with_its_mode_starts() {
    let setup = shop().await;
    let program = setup.start().await;
    for mode in ["precision", "dependencies"] {
        let step = json!({"step": "trace total", "total_steps": 2, "trace_mode": mode, "target_description": "total in shop.py", "findings": "starts in shop.py:1"});
        let reply = program.call("tracer", step).await;
        let thread = reply.thread();
        let paused = reply.ok();
        assert_eq!(
            (&paused["status"], &paused["tracer_required"]),
            (&json!("pause_for_tracing"), &json!(true))
        );
        let last = json!({"step": "done", "step_number": 2, "total_steps": 2, "next_step_required": false, "findings": "calls nothing", "continuation_id": thread});
        let done = program.call("tracer", last).await.ok();
        assert_eq!((&done["status"], &done["tracing_complete"]), (&json!("tracer_complete"), &json!(true)));
        assert_eq!(done["trace_summary"], format!("TRACE COMPLETE: total in shop.py ({mode}, 2 steps)"));
        assert_eq!(done["output"]["format"], format!("{mode}_trace_analysis"));
        let way = done["output"]["rendering_instructions"].as_str().unwrap();
        assert_eq!(way.contains("[TARGET]"), mode == "dependencies");
        assert_eq!(done["tracer_status"]["step_history_length"], 2);
    }
    assert_eq!(setup.vendor.stats().calls, 0);
    program.stop().await;
}

/// A trace without a mode asks the user in the way the client understands.
#[tokio::test]
async fn a_trace_without_mode_asks_the_user() {
    let setup = Setup::new().await;
    let step = json!({"step": "trace total", "total_steps": 2, "trace_mode": "ask"});
    // A client that cannot ask.
    let mut raw = Raw::ready(&setup).await;
    let answer = raw.call("tracer", step.clone()).await;
    assert_eq!(answer["status"], "mode_selection_required", "{answer:#}");
    assert_eq!(answer["mode_selection_required"], true);
    raw.close_input();
    raw.end().await;

    // A client of the session era that can.
    let mut raw = Raw::start(&setup);
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}}, "clientInfo": {"name": "t", "version": "1"}});
    raw.request("initialize", hello).await;
    raw.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    raw.send_call(41, "tracer", step.clone()).await;
    let question = loop {
        let message = raw.next().await;
        if message["method"] == "elicitation/create" {
            break message;
        }
    };
    assert_eq!(
        question["params"]["requestedSchema"]["properties"]["trace_mode"]["enum"],
        json!(["precision", "dependencies"])
    );
    let chosen = json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {"trace_mode": "precision"}}});
    raw.send(&chosen.to_string()).await;
    let answer = loop {
        let message = raw.next().await;
        if message["id"] == 41 {
            break message;
        }
    };
    let text: Value = serde_json::from_str(answer["result"]["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text["status"], "pause_for_tracing", "{text:#}");
    raw.close_input();
    raw.end().await;
}

/// A client of 2026 is asked by the result and sends the call again.
#[tokio::test]
async fn a_new_client_sends_again() {
    let setup = Setup::new().await;
    let mut raw = Raw::start(&setup);
    let mut meta = crate::support::discover_meta();
    meta["io.modelcontextprotocol/clientCapabilities"] = json!({"elicitation": {}});
    let call =
        json!({"_meta": meta, "name": "tracer", "arguments": {"step": "trace total", "total_steps": 2}});
    let asked = raw.request("tools/call", call.clone()).await["result"].take();
    assert_eq!(asked["resultType"], "input_required", "{asked:#}");
    assert_eq!(asked["inputRequests"]["trace_mode"]["method"], "elicitation/create");
    let mut again = call;
    again["inputResponses"] =
        json!({"trace_mode": {"action": "accept", "content": {"trace_mode": "dependencies"}}});
    let answer = raw.request("tools/call", again).await["result"].take();
    let text: Value = serde_json::from_str(answer["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text["status"], "pause_for_tracing", "{text:#}");
    raw.close_input();
    raw.end().await;
}

/// A finished plan is told whole, and a step without its beginning is no plan.
#[tokio::test]
async fn a_finished_plan_is_told_whole() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    let reply = program.call("planner", json!({"step": "goal", "next_step_required": true})).await;
    let thread = reply.thread();
    let first = reply.ok();
    assert!(!first["next_steps"].as_str().unwrap().contains("past the planned total"), "{first:#}");
    for step in [
        json!({"step": "by queue", "step_number": 2, "total_steps": 5}),
        json!({"step": "by table", "step_number": 3, "is_branch_point": true, "branch_id": "table", "branch_from_step": 1}),
        json!({"step": "by a better queue", "step_number": 4, "is_step_revision": true, "revises_step_number": 2}),
    ] {
        let mut step = step;
        step["continuation_id"] = json!(thread);
        program.call("planner", step).await.ok();
    }
    let last =
        json!({"step": "ship", "step_number": 5, "next_step_required": false, "continuation_id": thread});
    let done = program.call("planner", last).await.ok();
    assert_eq!(
        done["plan"],
        json!([
            {"step_number": 1, "step": "goal"},
            {"step_number": 2, "step": "by queue", "revised_by_step": 4},
            {"step_number": 3, "step": "by table", "branch_id": "table", "branch_from_step": 1},
            {"step_number": 4, "step": "by a better queue", "revises_step_number": 2},
            {"step_number": 5, "step": "ship"},
        ]),
        "{done:#}"
    );
    for (tool, thread) in [("planner", json!(null)), ("planner", json!(thread)), ("docgen", json!("none"))] {
        let lost = json!({"step": "on", "step_number": 3, "total_steps": 4, "continuation_id": thread});
        let refused = program.call(tool, lost).await.failure();
        let told = refused["message"].as_str().unwrap();
        assert!(
            told.contains("has no step 1 before it") && told.contains("begin with step_number 1"),
            "{told}"
        );
    }
    let docgen =
        json!({"step": "count", "next_step_required": true, "total_steps": 1, "total_files_to_document": 1});
    let paused = program.call("docgen", docgen).await.ok();
    assert!(!paused["next_steps"].as_str().unwrap().contains("past the planned total"), "{paused:#}");
    program.stop().await;
}

/// Documentation ends when every file is done and not before.
#[tokio::test]
async fn documentation_ends_with_every_file() {
    let setup = shop().await;
    let program = setup.start().await;
    let reply = program
        .call("docgen", json!({"step": "count", "total_steps": 3, "total_files_to_document": 2}))
        .await;
    let thread = reply.thread();
    let paused = reply.ok();
    assert_eq!(paused["status"], "pause_for_documentation_analysis");
    assert_eq!(paused["documentation_analysis_status"]["total_files_to_document"], 2);
    let early = json!({"step": "done?", "step_number": 2, "total_steps": 2, "next_step_required": false, "num_files_documented": 1, "continuation_id": thread});
    let refused = program.call("docgen", early).await.ok();
    assert_eq!(
        (&refused["status"], &refused["pause_for_docgen"]),
        (&json!("documentation_analysis_required"), &json!(true))
    );
    assert!(refused["next_steps"].as_str().unwrap().starts_with("1 of 2 files are documented"));
    let late = json!({"step": "done", "step_number": 3, "total_steps": 3, "next_step_required": false, "num_files_documented": 2, "continuation_id": thread});
    let done = program.call("docgen", late).await.ok();
    assert_eq!(
        (&done["status"], &done["documentation_analysis_complete"]),
        (&json!("documentation_analysis_complete"), &json!(true))
    );
    assert_eq!(done["complete_documentation_analysis"]["steps_taken"], 3);
    let wrong = program.call("docgen", json!({"step": "x", "num_files_documented": "many"})).await.failure();
    assert!(wrong["message"].as_str().unwrap().starts_with("num_files_documented: expected an integer"));
    program.stop().await;
}

/// A statement is framed and a look-up is explained.
#[tokio::test]
async fn a_challenge_is_framed() {
    let setup = shop().await;
    let program = setup.start().await;
    let answer = program.call("challenge", json!({"prompt": "Tests are a waste of time"})).await.ok();
    assert_eq!(
        (&answer["status"], &answer["original_statement"]),
        (&json!("challenge_accepted"), &json!("Tests are a waste of time"))
    );
    assert!(answer["challenge_prompt"].as_str().unwrap().ends_with("Tests are a waste of time"));
    let answer = program.call("apilookup", json!({"prompt": "tokio 2 release date"})).await.ok();
    assert_eq!(
        (&answer["status"], &answer["user_prompt"]),
        (&json!("web_lookup_needed"), &json!("tokio 2 release date"))
    );
    assert!(answer["instructions"].as_str().unwrap().contains("official"));
    for tool in ["challenge", "apilookup"] {
        for bad in [json!({}), json!({"prompt": "  "}), json!({"prompt": {"a": 1}})] {
            let refused = program.call(tool, bad.clone()).await.failure();
            assert!(
                refused["message"].as_str().unwrap().starts_with("prompt: "),
                "{tool} {bad}: {refused:#}"
            );
        }
    }
    assert_eq!(setup.vendor.stats().calls, 0);
    program.stop().await;
}
