//! The user's own say in who answers: rules, a selector, and none of it.

use exai_mock_vendor::{Answer, Recorded};
use serde_json::{Value, json};

use crate::{
    routing::{answered_by, ask, two},
    support::{Setup, expert_answer},
};

const RULES: &str = r#"
[[rules]]
name = "reviews"
tools = ["codereview"]
min_tokens = 1000
models = ["kimi-k3.1-pro", "glm-5.3"]

[[rules]]
web_search = true
models = ["kimi-k3.1-pro"]
"#;

fn configure(setup: &Setup, text: &str) {
    let folder = setup.home.path().join("config");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), text).unwrap();
}

fn review(path: &str) -> Value {
    json!({"step": "look", "relevant_files": [path], "next_step_required": false})
}

/// A name that says whose it is reaches nobody else, as long as nobody else is known to have it.
#[tokio::test]
async fn a_vendors_name_reaches_no_other() {
    let setup = Setup::new().await;
    setup.vendor.default_answer(Answer::text("hello"));
    let program = setup.start().await;
    for (name, title, variable) in [
        ("glm/glm-5.3", "GLM", "GLM_API_KEY"),
        ("OpenAI/anything", "OpenAI", "OPENAI_API_KEY"),
        ("ollama/qwen", "Ollama", "OLLAMA_HOST"),
    ] {
        let failure = program.call("chat", json!({"prompt": "hi", "model": name})).await.failure();
        assert_eq!(failure["code"], "model_not_found", "{name}");
        let message = failure["message"].as_str().unwrap();
        let expected = format!("{title} is not configured: set {variable}; or write custom/{name}");
        assert!(message.contains(&expected), "{message}");
    }
    assert_eq!(setup.vendor.stats().calls, 0);
    let named = json!({"prompt": "hi", "model": "custom/glm/glm-5.3"});
    let answer = program.call("chat", named).await.ok();
    assert_eq!(answer["metadata"]["model_used"], "glm/glm-5.3");
    program.stop().await;
}

/// The first rule that is about a call decides and the answer names it.
#[tokio::test]
async fn the_first_matching_rule_decides() {
    let two = two().await;
    configure(&two.setup, RULES);
    two.setup.file("large.py", "x = 1\n".repeat(2_000));
    two.setup.file("small.py", "x = 1\n");
    let setup = two.setup.with("EXAI_DEFAULT_MODEL", "glm/glm-5.3").with("EXAI_TOOL_PROFILE", "full");
    let fine = expert_answer("code_review_complete", "Fine.", json!([]));
    two.glm.default_answer(Answer::text(&fine));
    two.kimi.default_answer(Answer::text(&fine));
    let program = setup.start().await;
    let large = program.call("codereview", review("large.py")).await.ok();
    assert_eq!(answered_by(&large), "kimi/kimi-k3.1-pro");
    assert_eq!(large["metadata"]["routed_by"], "rule `reviews`");
    let small = program.call("codereview", review("small.py")).await.ok();
    assert_eq!(answered_by(&small), "glm/glm-5.3", "no rule is about it, so the default answers");
    assert!(small["metadata"].get("routed_by").is_none());
    let searching = ask(&program, &json!({"use_websearch": true})).await;
    assert_eq!(searching["metadata"]["routed_by"], "rule `2`");
    let named = ask(&program, &json!({"use_websearch": true, "model": "glm-5.3-flash"})).await;
    assert_eq!(answered_by(&named), "glm/glm-5.3-flash", "a model that is named comes before every rule");

    two.kimi.default_answer(Answer::server_error());
    let next = program.call("codereview", review("large.py")).await.ok();
    assert_eq!(
        (answered_by(&next), &next["metadata"]["fallback_reason"]),
        ("glm/glm-5.3", &json!("unavailable"))
    );
    let route = program.call("route", json!({"tool": "codereview", "files": ["large.py"]})).await.ok();
    assert!(route["summary"].as_str().unwrap().contains("rule `reviews`"), "{route}");
    program.stop().await;

    let (code, shown, _) = setup.run(&["run", "codereview", "large.py", "--explain"]).await;
    assert!(
        code == 0 && shown.contains("rule `reviews`") && shown.contains("1. kimi/kimi-k3.1-pro"),
        "{shown}"
    );
    assert!(shown.contains("2. glm/glm-5.3"), "{shown}");
}

/// A rule that is wrong is reported and left out.
#[tokio::test]
async fn a_wrong_rule_is_left_out() {
    let setup = two().await.setup;
    configure(
        &setup,
        "[[rules]]\ntools = [\"codereveiw\"]\nmodels = [\"a\"]\n[[rules]]\nmodels = []\n[[rules]]\nmodel = \"a\"\nmodels = [\"a\"]\n\
         [[rules]]\nmodels = [\"a\"]\nmin_tokens = 2\nmax_tokens = 1\n[[rules]]\nmodels = [\"a\"]\nthinking = \"hard\"\n",
    );
    let (code, shown, complaint) = setup.run(&["config", "check"]).await;
    let told = format!("{shown}{complaint}");
    assert_ne!(code, 0);
    for part in [
        "entry 1: there is no tool `codereveiw`; did you mean codereview?",
        "entry 2: models must name at least one model",
        "entry 3: unknown field `model`",
        "entry 4: min_tokens (2) is above max_tokens (1)",
        "entry 5: thinking: expected minimal, low",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

fn is_selector(request: &Recorded) -> bool {
    request.json["messages"][0]["content"].as_str().is_some_and(|text| text.starts_with("You pick the model"))
}

/// The selector is asked once for a class of calls.
#[tokio::test]
async fn the_selector_is_asked_once_a_class() {
    let two = two().await;
    two.glm.answer_with(|request| {
        let said = r#"{"model": "kimi/kimi-k3.1-pro", "why": "cheaper"}"#;
        Some(Answer::text(if is_selector(request) { said } else { "from glm" }))
    });
    let setup =
        two.setup.with("EXAI_ROUTING_SELECTOR", "glm/glm-5.3-flash").with("EXAI_TOOL_PROFILE", "full");
    let program = setup.start().await;
    for prompt in ["one", "two", "three"] {
        let answer = ask(&program, &json!({"prompt": prompt})).await;
        assert_eq!(answered_by(&answer), "kimi/kimi-k3.1-pro");
        assert_eq!(answer["metadata"]["routed_by"], "selector glm/glm-5.3-flash: cheaper");
    }
    assert_eq!(two.glm.calls().iter().filter(|request| is_selector(request)).count(), 1);
    let told = two.glm.calls()[0].json["messages"][1]["content"].as_str().unwrap().to_owned();
    assert!(
        told.contains("Tool: chat\nPurpose: conversation\n") && told.contains("- kimi/kimi-k3.1-pro: "),
        "{told}"
    );
    assert!(!told.contains("one"), "it is not shown the call: {told}");
    // Its own consultation is paid for, so it is recorded.
    let usage = program.call("usage", json!({"group_by": "tool"})).await;
    assert!(usage.ok().to_string().contains("\"route\""));
    let route = program.call("route", json!({})).await.ok();
    assert_eq!(route["recommended_model"], "kimi-k3.1-pro");
    program.stop().await;
}

/// Without a useful word of the selector the rules decide, and the answer says so.
#[tokio::test]
async fn a_useless_selector_leaves_the_rules() {
    for (said, problem) in [
        (Answer::text("I would take Kimi."), "did not answer in the form it must"),
        (Answer::text(r#"{"model": "gpt-9", "why": "new"}"#), "named a model that is not on its list"),
        (Answer::server_error(), "did not answer: unavailable"),
        (Answer::never(), "did not answer: timeout"),
    ] {
        let two = two().await;
        two.glm.answer_with(move |request| {
            Some(if is_selector(request) { said.clone() } else { Answer::text("from glm") })
        });
        let program = two.setup.with("EXAI_ROUTING_SELECTOR", "glm/glm-5.3-flash").start().await;
        let begun = std::time::Instant::now();
        for prompt in ["one", "two"] {
            let answer = ask(&program, &json!({"prompt": prompt})).await;
            assert_eq!(answered_by(&answer), "glm/glm-5.3-flash", "{problem}");
            let by = answer["metadata"]["routed_by"].as_str().unwrap();
            assert_eq!(by, format!("rules, because the selector glm/glm-5.3-flash {problem}"));
        }
        assert!(begun.elapsed().as_secs() < 9, "it is waited for once, and for five seconds at most");
        assert_eq!(two.glm.calls().iter().filter(|request| is_selector(request)).count(), 1, "{problem}");
        program.stop().await;
    }
}

/// Without routing one model is asked and no other in its place.
#[tokio::test]
async fn without_routing_one_model_is_asked() {
    let two = two().await;
    configure(&two.setup, RULES);
    two.glm.default_answer(Answer::server_error());
    let setup =
        two.setup.with("ROUTER_ENABLED", "false").with("EXAI_RETRIES", "0").with("EXAI_TOOL_PROFILE", "full");
    let program = setup.start().await;
    let failure = program.call("chat", json!({"prompt": "hi", "use_websearch": true})).await.failure();
    assert_eq!((&failure["code"], two.kimi.stats().calls), (&json!("unavailable"), 0));
    let route = program.call("route", json!({})).await.ok();
    assert_eq!(route["candidates"].as_array().unwrap().len(), 1);
    assert!(route["summary"].as_str().unwrap().contains("routing.enabled is false"), "{route}");
    program.stop().await;
}
