//! The shortest way through everything: handshake, list, one conversation.

use serde_json::json;

use crate::support::{MODEL, STANDARD, Setup};

#[tokio::test]
async fn a_conversation_goes_through_the_whole_program() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    let names: Vec<String> = program.tools().await.iter().map(|tool| tool.name.to_string()).collect();
    assert_eq!(names, STANDARD);
    let answer = program.call("chat", json!({"prompt": "hello there"})).await.ok();
    assert_eq!(answer["status"], "continuation_available");
    assert_eq!(answer["content"], "ok: hello there");
    assert_eq!(answer["metadata"]["model_used"], MODEL);
    assert_eq!(answer["metadata"]["persisted"], true);
    assert_eq!(setup.vendor.stats().calls, 1);
    program.stop().await;
}
