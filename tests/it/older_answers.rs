//! Answers that are given again: those that stand in when nobody can be asked, and those that are wanted no more.

use exai_mock_vendor::{Answer, Vendor};
use serde_json::{Value, json};

use crate::support::{Program, Setup, expert_answer};

async fn two(seconds: &str) -> (Setup, Vendor, Vendor) {
    let (glm, kimi) = (Vendor::start().await, Vendor::start().await);
    let setup = Setup::without_provider()
        .await
        .with("EXAI_CACHE_SECONDS", seconds)
        .with("EXAI_RETRIES", "0")
        .with("GLM_API_KEY", "key-of-glm")
        .with("GLM_BASE_URL", &format!("{}/api/paas/v4", glm.origin()))
        .with("KIMI_API_KEY", "key-of-kimi")
        .with("KIMI_BASE_URL", &kimi.url());
    (setup, glm, kimi)
}

fn ask(more: &Value) -> Value {
    let mut call = json!({"prompt": "What is a permit?"});
    call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    call
}

async fn asked(program: &Program) -> Value {
    program.call("chat", ask(&json!({}))).await.ok()
}

/// When no model answers, the older answer is offered and given on request.
#[tokio::test]
async fn an_older_answer_is_offered() {
    let (setup, glm, kimi) = two("0").await;
    let program = setup.start().await;
    glm.then(Answer::text("A right to ask."));
    assert_eq!(asked(&program).await["metadata"]["answered_by"], "glm/glm-5.3-flash");
    glm.default_answer(Answer::server_error());
    kimi.default_answer(Answer::json(402, &json!({"error": {"message": "pay first"}})));
    program.stop().await;
    // Another process, later.
    let program = setup.start().await;
    let failure = program.call("chat", ask(&json!({}))).await.failure();
    let message = failure["message"].as_str().unwrap();
    assert!(message.contains("is stored: call again with allow_stale: true to get it"), "{message}");
    let calls = glm.stats().calls + kimi.stats().calls;
    let answer = program.call("chat", ask(&json!({"allow_stale": true}))).await.ok();
    assert!(glm.stats().calls + kimi.stats().calls > calls, "the vendors are asked first");
    let metadata = &answer["metadata"];
    assert_eq!(answer["content"], "A right to ask.");
    assert_eq!(
        (&metadata["from_cache"], &metadata["answered_by"]),
        (&json!(true), &json!("glm/glm-5.3-flash"))
    );
    assert!(metadata["stale"].as_str().unwrap().starts_with("no model could be had"), "{metadata}");
    assert!(metadata["cache_age_seconds"].is_u64() && metadata["cost_usd"] == 0.0, "{metadata}");
    let passed = metadata["passed_over"].as_array().unwrap();
    assert_eq!(passed.len(), 2, "{metadata}");
    // To another question there is none.
    let other =
        program.call("chat", json!({"prompt": "And a breaker?", "allow_stale": true})).await.failure();
    assert!(!other["message"].as_str().unwrap().contains("allow_stale"), "{other}");
    program.stop().await;
}

/// A review of unchanged files can be given again, one of changed files cannot.
#[tokio::test]
async fn a_review_is_reusable_until_files_change() {
    let (setup, glm, kimi) = two("0").await;
    setup.file("a.py", "x = 1\n");
    let program = setup.start().await;
    let review = json!({"step": "Review a.py", "step_number": 1, "total_steps": 1, "next_step_required": false,
        "findings": "", "relevant_files": ["a.py"], "allow_stale": true});
    glm.then(Answer::text(expert_answer("code_review_complete", "Fine.", json!([]))));
    let first = program.call("codereview", review.clone()).await.ok();
    assert!(first["metadata"].get("stale").is_none());
    for vendor in [&glm, &kimi] {
        vendor.default_answer(Answer::server_error());
    }
    let again = program.call("codereview", review.clone()).await.ok();
    assert_eq!(again["summary"], first["summary"]);
    assert!(again["metadata"]["stale"].is_string(), "{again:#}");
    setup.file("a.py", "x = 2\n");
    program.call("codereview", review).await.failure();
    program.stop().await;
}

/// What is cleared is not given again by a running server either.
#[tokio::test]
async fn what_was_cleared_stays_cleared() {
    let (setup, glm, _kimi) = two("600").await;
    let program = setup.start().await;
    glm.default_answer(Answer::text("A right to ask."));
    asked(&program).await;
    assert_eq!(asked(&program).await["metadata"]["from_cache"], true);
    let (code, shown, _) = setup.run(&["cache", "stats", "--json"]).await;
    let stats: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((code, &stats["given_again"]["answers"], &stats["cleared_at"]), (0, &json!(1), &Value::Null));
    let (code, shown, _) = setup.run(&["cache", "clear"]).await;
    assert!(code == 0 && shown.starts_with("1 answer cleared"), "{shown}");
    assert_eq!(asked(&program).await["metadata"]["from_cache"], false);
    assert_eq!(asked(&program).await["metadata"]["from_cache"], true, "what came since is given again");
    program.stop().await;
    let (_, shown, _) = setup.run(&["cache", "stats"]).await;
    assert!(
        shown.contains("given again (cache.seconds = 600)") && shown.contains("cleared 0 seconds ago"),
        "{shown}"
    );
    assert_eq!(glm.stats().calls, 2);
}

/// Another server, or another account, may stand behind the same name: its answers are its own, also after a restart and when it
/// cannot be reached.
#[tokio::test]
async fn another_endpoint_gives_its_own_answers() {
    let other = Vendor::start().await;
    let setup = Setup::new().await.with("EXAI_RETRIES", "0").with("CUSTOM_API_KEY", "key-one");
    setup.vendor.default_answer(Answer::text("from the first"));
    other.default_answer(Answer::text("from the other"));
    let program = setup.start().await;
    assert_eq!(asked(&program).await["content"], "from the first");
    assert_eq!(asked(&program).await["metadata"]["from_cache"], true);
    program.stop().await;
    // Elsewhere.
    let first = setup.vendor.url();
    let setup = setup.with("CUSTOM_API_URL", &other.url());
    let program = setup.start().await;
    let answer = asked(&program).await;
    assert_eq!(
        (&answer["content"], answer["metadata"]["from_cache"].as_bool()),
        (&json!("from the other"), Some(false))
    );
    program.stop().await;
    // At the first address again, with another key.
    let calls = setup.vendor.stats().calls;
    let setup = setup.with("CUSTOM_API_URL", &first).with("CUSTOM_API_KEY", "key-two");
    let program = setup.start().await;
    assert_eq!(asked(&program).await["content"], "from the first");
    assert_eq!(setup.vendor.stats().calls, calls + 1);
    program.stop().await;
    // The stored answers of others do not stand in either.
    setup.vendor.default_answer(Answer::server_error());
    let setup = setup.with("CUSTOM_API_KEY", "key-three");
    let program = setup.start().await;
    let failure = program.call("chat", ask(&json!({"allow_stale": true}))).await.failure();
    assert!(!failure.to_string().contains("from the first"), "{failure}");
    assert!(!failure["message"].as_str().unwrap().contains("is stored"), "{failure}");
    // The first key's own answer is still there.
    let setup = setup.with("CUSTOM_API_KEY", "key-one");
    program.stop().await;
    let program = setup.start().await;
    assert_eq!(asked(&program).await["metadata"]["from_cache"], true);
}
