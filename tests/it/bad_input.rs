//! What cannot be done, and what the program says about it: tools, paths, models, threads, databases.

mod database;
mod models;
mod paths;

use serde_json::json;

use crate::support::{Raw, Setup};

#[tokio::test]
async fn an_unknown_tool_gets_near_names() {
    let setup = Setup::new().await;
    let mut raw = Raw::ready(&setup).await;
    let refused =
        raw.request("tools/call", json!({"name": "codereveiw", "arguments": {}})).await["error"].take();
    assert_eq!(refused["code"], -32602);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .starts_with("there is no tool `codereveiw`; the nearest names are codereview,")
    );
    assert_eq!(refused["data"]["nearest"][0], "codereview");
    let suffixed = raw.request("tools/call", json!({"name": "sing_EXAI-WS"})).await["error"].take();
    assert!(suffixed["message"].as_str().unwrap().contains("`sing_EXAI-WS`"), "{suffixed}");
    let long = raw.request("tools/call", json!({"name": "x".repeat(100_000)})).await["error"].take();
    assert!(long["message"].as_str().unwrap().len() < 300, "the name is not echoed whole");
    assert_eq!(setup.vendor.stats().calls, 0);
}

/// A tool that is switched off is refused with the setting.
#[tokio::test]
async fn a_disabled_tool_names_its_setting() {
    let setup = Setup::new().await.with("EXAI_DISABLED_TOOLS", "chat, usage");
    let mut raw = Raw::ready(&setup).await;
    for (tool, told) in
        [("chat", "disabled_tools (EXAI_DISABLED_TOOLS)"), ("clink", "tool_profile = \"full\"")]
    {
        let refused =
            raw.request("tools/call", json!({"name": tool, "arguments": {"prompt": "hi"}})).await["error"]
                .take();
        assert_eq!(refused["code"], -32602, "{tool}");
        assert!(refused["message"].as_str().unwrap().contains(told), "{refused}");
    }
    assert_eq!(setup.vendor.stats().calls, 0);
}

/// A thread that is not there is refused before any model is asked.
#[tokio::test]
async fn a_missing_thread_is_refused_first() {
    let setup = Setup::new().await;
    setup.file("a.py", "print(1)\n");
    let program = setup.start().await;
    for id in [
        "8a7f3c1e-52b4-4d6b-9a51-1c2d3e4f5a6b",
        "not-an-id",
        "../../etc/passwd",
        "00000000-0000-0000-0000-000000000000",
    ] {
        for (tool, field) in
            [("chat", "prompt"), ("codereview", "step"), ("debug", "step"), ("planner", "step")]
        {
            let arguments = json!({field: "go on", "continuation_id": id});
            let refused = program.call(tool, arguments).await.failure();
            assert_eq!(refused["code"], "not_found", "{tool} {id}");
            let message = refused["message"].as_str().unwrap();
            assert!(message.contains(id) && message.contains("continuation_id"), "{tool}: {message}");
            assert!(message.contains("Leave continuation_id out to start a new thread"), "{message}");
        }
    }
    assert_eq!(setup.vendor.stats().calls, 0);
}

/// Another owner's thread looks like one that is not there.
#[tokio::test]
async fn a_foreign_thread_looks_missing() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    let thread = program.call("chat", json!({"prompt": "mine"})).await.thread();
    program.call("chat", json!({"prompt": "still mine", "continuation_id": thread})).await.ok();
    setup.sql("PRAGMA foreign_keys = OFF; UPDATE threads SET owner_id = 'somebody'; UPDATE turns SET owner_id = 'somebody'");
    let refused =
        program.call("chat", json!({"prompt": "and now", "continuation_id": thread})).await.failure();
    assert_eq!(refused["code"], "not_found");
    let missing = program
        .call("chat", json!({"prompt": "and now", "continuation_id": "8a7f3c1e-52b4-4d6b-9a51-1c2d3e4f5a6b"}))
        .await
        .failure();
    let told =
        |refusal: &serde_json::Value, id: &str| refusal["message"].as_str().unwrap().replace(id, "[id]");
    assert_eq!(told(&refused, &thread), told(&missing, "8a7f3c1e-52b4-4d6b-9a51-1c2d3e4f5a6b"));
    assert_eq!(setup.vendor.stats().calls, 2);
}
