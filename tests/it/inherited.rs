//! Keys that an agent may have handed on, which are of its own vendor.

use exai_mock_vendor::{Answer, Usage};
use serde_json::{Value, json};

use crate::support::{MODEL, Setup};

/// What `status` says of a vendor.
async fn told(setup: &Setup, vendor: &str) -> Value {
    let program = setup.start().await;
    let status = program.call("status", json!({})).await.ok();
    program.stop().await;
    let rows = status["providers_configured"].as_array().unwrap();
    rows.iter().find(|row| row["id"] == vendor).unwrap().clone()
}

/// Who would answer, best first.
async fn order(setup: &Setup) -> Vec<String> {
    let program = setup.start().await;
    let route = program.call("route", json!({"prompt": "hello"})).await.ok();
    program.stop().await;
    let provider = |row: &Value| row["model"].as_str().unwrap().split('/').next().unwrap().to_owned();
    route["candidates"].as_array().unwrap().iter().map(provider).collect()
}

async fn setup(variables: &[(&str, &str)]) -> Setup {
    let setup = Setup::new().await.with("EXAI_TOOL_PROFILE", "full");
    variables.iter().fold(setup, |setup, (name, value)| setup.with(name, value))
}

/// A second opinion of the agent's own vendor is the last that is asked for.
#[tokio::test]
async fn an_agents_own_vendor_comes_last() {
    for (mark, key, vendor, agent) in [
        ("CLAUDECODE", "ANTHROPIC_API_KEY", "anthropic", "Claude Code"),
        ("CLAUDE_CODE_ENTRYPOINT", "ANTHROPIC_API_KEY", "anthropic", "Claude Code"),
        ("GEMINI_CLI", "GOOGLE_API_KEY", "gemini", "Gemini CLI"),
        ("CODEX_THREAD_ID", "OPENAI_API_KEY", "openai", "Codex"),
    ] {
        let plain = setup(&[(key, "k")]).await;
        assert_eq!(order(&plain).await, [vendor, "custom"], "{vendor}");
        let started = setup(&[(key, "k"), (mark, "1")]).await;
        assert_eq!(order(&started).await, ["custom", vendor], "{vendor}");
        let row = told(&started, vendor).await;
        let how = row["how"].as_str().unwrap();
        assert!(row["configured"] == true && how.contains(agent) && how.contains(key), "{row}");
        assert!(how.starts_with("asked last") && how.contains("EXAI_INHERITED_KEYS"), "{row}");
        // No strategy asks it first.
        for strategy in ["quality", "performance", "cost", "round_robin", "load"] {
            let other = setup(&[(key, "k"), (mark, "1"), ("EXAI_ROUTING_STRATEGY", strategy)]).await;
            assert_eq!(order(&other).await.last().map(String::as_str), Some(vendor), "{strategy}");
        }
    }
}

/// An answer by the agent's own vendor says so, unless it was asked for.
#[tokio::test]
async fn an_answer_by_the_last_resort_tells() {
    let setup = setup(&[("ANTHROPIC_API_KEY", "k"), ("CLAUDECODE", "1")]).await;
    let address = format!("ANTHROPIC_BASE_URL={}\n", setup.vendor.url());
    std::fs::write(setup.home.path().join("config/.env"), address).unwrap();
    let hello = || {
        let blocks = [json!({"type": "text", "text": "hello"})];
        Answer::message(&blocks, "end_turn", Usage { prompt: 10, completion: 5, ..Usage::default() })
    };
    let program = setup.start().await;
    setup.vendor.then(Answer::invalid_key());
    setup.vendor.then(hello());
    let answer = program.call("chat", json!({"prompt": "hi"})).await.ok();
    assert_eq!(answer["metadata"]["provider_used"], "anthropic", "{answer:#}");
    let note = answer["metadata"]["last_resort"].as_str().unwrap();
    assert!(note.contains("status"), "{note}");
    setup.vendor.then(hello());
    let model = answer["metadata"]["model_used"].as_str().unwrap();
    let named = json!({"prompt": "hi, you", "model": format!("anthropic/{model}")});
    let answer = program.call("chat", named).await.ok();
    assert_eq!(answer["metadata"]["last_resort"], Value::Null);
    program.stop().await;
}

/// With the address the request would go where the agent's own go, which may be the user's subscription.
#[tokio::test]
async fn an_inherited_address_keeps_it_out() {
    let mut setup = setup(&[("ANTHROPIC_API_KEY", "k"), ("CLAUDECODE", "1")]).await;
    let url = setup.vendor.url();
    setup = setup.with("ANTHROPIC_BASE_URL", &url);
    setup.vendor.default_answer(Answer::text("hello"));
    assert_eq!(order(&setup).await, ["custom"]);
    let row = told(&setup, "anthropic").await;
    assert!(
        row["configured"] == false && row["how"].as_str().unwrap().contains("ANTHROPIC_BASE_URL"),
        "{row}"
    );
    let program = setup.start().await;
    let answer = program.call("chat", json!({"prompt": "hi"})).await.ok();
    assert_eq!(answer["metadata"]["answered_by"], format!("custom/{MODEL}"));
    program.stop().await;
    let (_, checked, _) = setup.run(&["config", "check"]).await;
    assert!(checked.contains("inherited_keys = true"), "{checked}");
}

/// The user's word, or a file of this server's own, says that a key is meant.
#[tokio::test]
async fn a_key_that_is_meant_is_used() {
    let allowed =
        setup(&[("ANTHROPIC_API_KEY", "k"), ("CLAUDECODE", "1"), ("EXAI_INHERITED_KEYS", "true")]).await;
    assert_eq!(order(&allowed).await, ["anthropic", "custom"]);
    let own = setup(&[("ANTHROPIC_API_KEY", "k"), ("CLAUDECODE", "1")]).await;
    std::fs::write(own.home.path().join("config/.env"), "ANTHROPIC_API_KEY=mine\n").unwrap();
    assert_eq!(order(&own).await, ["anthropic", "custom"]);
    // The key of another vendor is nobody's own.
    let other = setup(&[("ANTHROPIC_API_KEY", "k"), ("GEMINI_CLI", "1")]).await;
    assert_eq!(order(&other).await, ["anthropic", "custom"]);
}
