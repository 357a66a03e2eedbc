//! Models that are not there: which are near, how to get one, and the inspection that needs none.

use serde_json::{Value, json};

use crate::support::Setup;

/// A vendor with a catalogue, so that unknown names are not passed through.
async fn with_openai() -> Setup {
    let setup = Setup::without_provider().await;
    let url = setup.vendor.url();
    setup.with("OPENAI_API_KEY", "sk-test").with("OPENAI_BASE_URL", &url)
}

#[tokio::test]
async fn an_unknown_model_gets_near_names() {
    let setup = with_openai().await;
    setup.file("a.py", "print(1)\n");
    let program = setup.start().await;
    let step = json!({"step": "look", "relevant_files": ["a.py"], "next_step_required": false, "model": "gpt-6-lunar"});
    for (tool, arguments) in [("chat", json!({"prompt": "hi", "model": "gpt-6-lunar"})), ("codereview", step)]
    {
        let refused = program.call(tool, arguments).await.failure();
        assert_eq!(refused["code"], "model_not_found", "{tool}");
        let message = refused["message"].as_str().unwrap();
        assert!(
            message.starts_with("model `gpt-6-lunar` is not available. Nearest: openai/gpt-6-luna, "),
            "{message}"
        );
        assert_eq!(message.matches("openai/").count(), 5, "{message}");
        assert!(message.contains("listmodels"), "{message}");
    }
    assert_eq!(setup.vendor.stats().calls, 0);
}

/// A model of a vendor without a key is refused.
#[tokio::test]
async fn a_model_without_its_key_is_refused() {
    let setup = with_openai().await;
    let program = setup.start().await;
    for model in ["glm/glm-5.3", "kimi/kimi-k3.1-pro", "nobody/some-model"] {
        let refused = program.call("chat", json!({"prompt": "hi", "model": model})).await.failure();
        assert_eq!(refused["code"], "model_not_found", "{model}");
        assert!(refused["message"].as_str().unwrap().contains(model), "{refused}");
    }
    assert_eq!(setup.vendor.stats().calls, 0);
}

/// Without a provider a conversation says how to configure one.
#[tokio::test]
async fn chat_without_a_provider_says_so() {
    let setup = Setup::without_provider().await;
    let program = setup.start().await;
    for arguments in [json!({"prompt": "hi"}), json!({"prompt": "hi", "model": "gpt-6-luna"})] {
        let refused = program.call("chat", arguments).await.failure();
        assert_eq!(refused["code"], "no_model_configured");
        assert_eq!(refused["retryable"], false);
        let message = refused["message"].as_str().unwrap();
        for name in ["OPENAI_API_KEY", "CUSTOM_API_URL"] {
            assert!(message.contains(name), "{message}");
        }
    }
    let listed = program.call("listmodels", json!({})).await.ok();
    assert!(listed["content"].as_str().unwrap().contains("No model is configured."), "{listed}");
}

fn assert_inspected(answer: &Value, why: &str) {
    let summary = answer["summary"].as_str().unwrap_or_default();
    assert!(summary.starts_with(&format!("No model was consulted. {why}")), "{answer:#}");
    // Who asked for no model is not told how to configure one.
    assert_eq!(summary.contains("OPENAI_API_KEY"), !why.contains("offline"), "{summary}");
    assert_eq!(answer["expert_called"], false);
    assert_eq!(answer["metadata"]["answered_by"], "offline inspection");
    assert_eq!(answer["metadata"]["cost_usd"], 0.0);
    let findings = answer["findings"].as_array().unwrap();
    assert!(!findings.is_empty(), "the sample has something to find: {answer:#}");
    for finding in findings {
        assert_eq!(finding["path"], "a.py");
        assert_eq!(finding["citation"], "exact");
        let (line, quote) = (finding["line"].as_u64().unwrap(), finding["quote"].as_str().unwrap());
        assert!((1..=4).contains(&line) && !quote.is_empty(), "{finding}");
    }
}

const SAMPLE: &str = "def load(text):\n    try:\n        return eval(text)\n    except:\n        pass\n";

#[tokio::test]
async fn reviews_without_a_provider_are_offline() {
    let setup = Setup::without_provider().await;
    setup.file("a.py", SAMPLE);
    let program = setup.start().await;
    for tool in ["codereview", "debug"] {
        let step = json!({"step": "look", "relevant_files": ["a.py"], "next_step_required": false});
        let answer = program.call(tool, step).await.ok();
        assert_inspected(&answer, "No provider is configured.");
    }
}

/// The model named offline asks no model although one is configured.
#[tokio::test]
async fn offline_asks_no_model() {
    let setup = Setup::new().await;
    setup.file("a.py", SAMPLE);
    let program = setup.start().await;
    for tool in ["codereview", "debug"] {
        let step = json!({"step": "look", "relevant_files": ["a.py"], "next_step_required": false, "model": "Offline"});
        let answer = program.call(tool, step).await.ok();
        assert_inspected(&answer, "`model: \"offline\"` was asked for.");
    }
    let refused = program.call("chat", json!({"prompt": "hi", "model": "offline"})).await.failure();
    assert_eq!(refused["code"], "invalid_input");
    assert_eq!(setup.vendor.stats().calls, 0);
}
