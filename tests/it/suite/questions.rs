//! What a call may bring beside words: pictures, a wish to search the web, and files that the expert asks for.

use exai_mock_vendor::Answer;
use serde_json::{Value, json};

use super::shop;
use crate::support::{Setup, expert_answer};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0000";

/// Files that the expert asks for are added on request, and the expert is asked once more.
#[tokio::test]
async fn wanted_files_are_added_once() {
    let setup = shop().await;
    setup.file("tax.py", "RATE = 19\n");
    let program = setup.start().await;
    let asks = json!({"status": "files_required_to_continue", "mandatory_instructions": "the rate", "files_needed": ["tax.py", "../outside.py"]});
    setup.vendor.script(vec![
        Answer::text(asks.to_string()),
        Answer::text(expert_answer("code_review_complete", "The rate is fixed.", json!([{"severity": "low", "path": "tax.py", "line": 1, "quote": "RATE = 19", "title": "Fixed rate", "detail": "d", "fix": "f"}]))),
    ]);
    let step = json!({"step": "review", "relevant_files": ["shop.py"], "next_step_required": false, "add_files": true});
    let answer = program.call("codereview", step).await.ok();
    assert_eq!(
        (&answer["status"], &answer["summary"]),
        (&json!("calling_expert_analysis"), &json!("The rate is fixed."))
    );
    assert_eq!(
        answer["findings"][0]["citation"], "exact",
        "a quote from an added file is checked like any other"
    );
    assert_eq!(answer["metadata"]["consultations"], 2);
    assert_eq!(answer["metadata"]["first_consultation"]["asked_for"], "files_required_to_continue");
    assert_eq!(setup.vendor.stats().calls, 2);
    let second = setup.vendor.calls()[1].json.to_string();
    assert!(
        second.contains("RATE = 19")
            && second.contains("return price * count")
            && !second.contains("outside.py\\\" lines")
    );

    // Asked twice, it is not given a third time.
    setup.vendor.script(vec![Answer::text(asks.to_string()), Answer::text(asks.to_string())]);
    let again = json!({"step": "review it again", "relevant_files": ["shop.py"], "next_step_required": false, "add_files": true});
    let answer = program.call("codereview", again).await.ok();
    assert_eq!(answer["status"], "files_required_to_continue");
    assert_eq!(setup.vendor.stats().calls, 4);

    setup.vendor.script(vec![Answer::text(asks.to_string()), Answer::text("The rate is in tax.py:1.")]);
    let answer = program.call("chat", json!({"prompt": "where is the rate?", "add_files": true})).await.ok();
    assert_eq!(
        (&answer["status"], &answer["content"]),
        (&json!("continuation_available"), &json!("The rate is in tax.py:1."))
    );
    assert_eq!(answer["metadata"]["consultations"], 2);
    program.stop().await;
}

#[tokio::test]
async fn forbidden_files_are_not_added() {
    let setup = shop().await;
    let program = setup.start().await;
    let asks = json!({"status": "files_required_to_continue", "mandatory_instructions": "x", "files_needed": ["/etc/passwd", ".env"]});
    setup.vendor.then(Answer::text(asks.to_string()));
    let step = json!({"step": "review", "relevant_files": ["shop.py"], "next_step_required": false, "add_files": true});
    let answer = program.call("codereview", step).await.ok();
    assert_eq!(answer["status"], "files_required_to_continue");
    assert_eq!(setup.vendor.stats().calls, 1, "nothing new can be said, so nobody is asked again");
    let files = answer["metadata"]["files"].to_string();
    assert!(files.contains("/etc/passwd"), "{files}");
    program.stop().await;
}

/// Images are sent and shown again in the same thread.
#[tokio::test]
async fn images_are_shown_again() {
    let setup = shop().await;
    setup.file("shot.png", PNG);
    let program = setup.start().await;
    let reply = program.call("chat", json!({"prompt": "what is this?", "images": ["shot.png"]})).await;
    let thread = reply.thread();
    let answer = reply.ok();
    assert_eq!(answer["metadata"]["files"][0]["path"], "shot.png");
    let shown = |index: usize| -> usize {
        let body = setup.vendor.calls()[index].json.to_string();
        body.matches("data:image/png;base64,iVBORw0KGgo").count()
    };
    assert_eq!(shown(0), 1);
    program.call("chat", json!({"prompt": "and its colour?", "continuation_id": thread})).await.ok();
    assert_eq!(shown(1), 1);
    let step = json!({"step": "look at the picture", "images": "shot.png", "relevant_files": ["shop.py"], "next_step_required": false});
    setup.vendor.then(Answer::text(expert_answer("analysis_complete", "s", json!([]))));
    program.call("debug", step).await.ok();
    assert_eq!(shown(2), 1);

    for (image, told) in [
        ("shop.py", "not a PNG, JPEG, GIF or WebP picture"),
        ("none.png", "not there"),
        ("/etc/shot.png", "outside the allowed folders"),
        ("data:image/png;base64,%%%", "expected data:image"),
    ] {
        let refused = program.call("chat", json!({"prompt": "look", "images": [image]})).await.failure();
        let message = refused["message"].as_str().unwrap();
        assert!(message.starts_with("images: ") && message.contains(told), "{image}: {message}");
    }
    assert_eq!(setup.vendor.stats().calls, 3);
    program.stop().await;
}

/// A model that takes no images is named with some that do.
#[tokio::test]
async fn a_blind_model_names_seeing_ones() {
    let mut setup = Setup::without_provider().await;
    setup = setup.with("GLM_API_KEY", "k").with("GLM_BASE_URL", "http://127.0.0.1:9/api/paas/v4");
    setup.file("shot.png", PNG);
    let program = setup.start().await;
    let refused = program
        .call("chat", json!({"prompt": "look", "images": ["shot.png"], "model": "glm-5.3"}))
        .await
        .failure();
    let message = refused["message"].as_str().unwrap();
    assert!(message.starts_with("images: glm/glm-5.3 does not take pictures"), "{message}");
    program.stop().await;
}

/// A web search is asked for where the vendor has one; elsewhere the answer says that it is missing.
#[tokio::test]
async fn a_missing_web_search_is_reported() {
    let setup = shop().await;
    let program = setup.start().await;
    let answer = program.call("chat", json!({"prompt": "what is new?", "use_websearch": true})).await.ok();
    assert_eq!(
        answer["metadata"]["web_search"],
        "not available from this model; the answer was made without it"
    );
    assert_eq!(setup.vendor.calls()[0].json.get("tools"), None);
    program.stop().await;

    let glm = Setup::without_provider().await;
    let url = format!("{}/api/paas/v4", glm.vendor.origin());
    let glm = glm.with("GLM_API_KEY", "k").with("GLM_BASE_URL", &url).with("EXAI_ALLOW_HTTP", "true");
    let program = glm.start().await;
    let answer = program
        .call("chat", json!({"prompt": "what is new?", "use_websearch": true, "model": "glm-5.3"}))
        .await
        .ok();
    assert_eq!(answer["metadata"].get("web_search"), None, "{answer:#}");
    let tools: Value = glm.vendor.calls()[0].json["tools"].clone();
    assert_eq!(tools[0]["type"], "web_search");
    assert_eq!(tools[0]["web_search"]["enable"], true);
    program.stop().await;
}
