//! What the tools show that look something up, and what the next command is.

use serde_json::Value;

use super::execute;
use crate::support::{MODEL, Setup};

/// The substance, not only a line about it.
#[tokio::test]
async fn lookups_show_what_was_found() {
    let setup = Setup::new().await;
    let (code, ..) = setup.run(&["run", "chat", "-p", "where do redis sessions go"]).await;
    assert_eq!(code, 0);
    for (line, words) in [
        (
            "run payload_preview -p hi",
            &["POST http://", "/chat/completions", "\"messages\": [", "\"content\": \"hi\""][..],
        ),
        (
            "run threads -a action=search -a query=redis",
            &["1 thread contains `redis`", "where do redis sessions go", "chat"],
        ),
        ("run threads", &["where do redis sessions go"]),
        ("threads search redis sessions", &["where do redis sessions go"]),
        ("run usage -a by=tool", &["tokens in", "chat"]),
        ("run activity -a limit=1", &["tokens in", "chat  custom/mock-model"]),
        (
            "run status",
            &["1 provider is configured.", "Any OpenAI-compatible endpoint", "database  ", "next\n- Nothing"],
        ),
        ("run version", &["exai-mcp 0", "default model"]),
        ("run listmodels", &["# Models", MODEL]),
    ] {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let (code, told, complaint) = setup.run(&arguments).await;
        assert_eq!(code, 0, "{line}: {told}{complaint}");
        for words in words {
            assert!(told.contains(words), "{line}: {words} is not in {told}");
        }
    }
    let (_, told, _) = setup.run(&["threads", "list", "--json"]).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    let thread = format!("continuation_id={}", told[0]["continuation_id"].as_str().unwrap());
    for (action, words) in [
        ("show", &["── 1 · chat · ", "── 2 · chat · "][..]),
        ("resume", &["Last request", "Last answer", "Everything was answered"]),
        ("export", &["where do redis sessions go"]),
    ] {
        let action = format!("action={action}");
        let (code, told, aside) = setup.run(&["run", "threads", "-a", &thread, "-a", &action]).await;
        assert!(code == 0 && words.iter().all(|words| told.contains(words)), "{action}: {told}");
        assert!(!aside.contains("continue with"), "{aside}");
    }
}

/// The printed command leads through a plan to its end, which shows all of it.
#[tokio::test]
async fn a_plan_is_followed_to_its_end() {
    let setup = Setup::without_provider().await;
    let first = ["run", "planner", "-p", "one", "-a", "total_steps=3", "-a", "next_step_required=true"];
    let (code, told, aside) = setup.run(&first).await;
    assert!(code == 0 && told.contains("then give it with the command below"), "{told}");
    let (mut aside, mut told) = (aside, told);
    for words in ["two", "three"] {
        assert!(!told.contains("COMPLETE PLAN"), "{told}");
        let next = aside.lines().find_map(|line| line.strip_prefix("continue with: ")).expect("a command");
        let (code, answer, about) = execute(&setup, &next.replace("\"...\"", words)).await;
        assert_eq!(code, 0, "{answer}{about}");
        (told, aside) = (answer, about);
    }
    assert!(told.contains("COMPLETE PLAN: three (Total 3 steps completed)"), "{told}");
    assert!(told.contains("\n1. one\n2. two\n3. three\n"), "{told}");
}

/// Who would answer is told without a question, and truly where there is nobody.
#[tokio::test]
async fn explaining_needs_no_question() {
    let setup = Setup::new().await;
    for line in ["run route -a tool=codereview", "run codereview --explain", "run chat --explain"] {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let (code, told, complaint) = setup.run(&arguments).await;
        assert!(
            code == 0 && told.contains(&format!("custom/{MODEL} would answer")),
            "{line}: {told}{complaint}"
        );
    }
    let bare = Setup::without_provider().await;
    let (code, told, complaint) = bare.run(&["run", "chat", "--explain"]).await;
    assert!(
        code == 3 && complaint.contains("no_model_configured: no model is configured."),
        "{told}{complaint}"
    );
    let (code, told, _) = bare.run(&["run", "codereview", "--explain"]).await;
    assert!(code == 0 && told.contains("the local inspection answers"), "{told}");
    let (code, told, _) = bare.run(&["run", "planner", "--explain"]).await;
    assert!(code == 0 && told.contains("planner asks no model."), "{told}");
}

/// The list of models that can be asked has no others, and the probe has a row for each provider.
#[tokio::test]
async fn models_that_can_be_asked_are_listed() {
    let setup =
        Setup::new().await.with("EXAI_MODELS_DENY", "openai/*").with("OPENAI_API_KEY", "sk-test-0123456789");
    let (code, told, complaint) = setup.run(&["models", "--provider", "openai"]).await;
    assert!(
        code == 0 && !told.contains("gpt") && told.contains("left out (retired, or kept out"),
        "{told}{complaint}"
    );
    let (_, told, _) = setup.run(&["models", "--provider", "openai", "--all"]).await;
    assert!(told.contains("gpt"), "{told}");
    let (_, told, _) = setup.run(&["models", "--provider", "custom"]).await;
    assert!(told.contains("a name that is not in this list is passed on"), "{told}");

    let setup = Setup::without_provider().await;
    let origin = setup.vendor.origin();
    let setup = setup.with("CUSTOM_API_URL", &origin);
    setup.vendor.models(&["qwen3:8b"]);
    let (code, told, complaint) = setup.run(&["status", "--probe"]).await;
    assert!(code == 0 && told.contains("probe     custom/qwen3:8b: answered in "), "{told}{complaint}");
    assert_eq!(setup.vendor.calls().len(), 1);

    let setup = Setup::without_provider().await.with("CUSTOM_API_URL", "http://127.0.0.1:9");
    let (_, told, _) = setup.run(&["status"]).await;
    assert!(told.contains("No model was asked yet"), "{told}");
    let (_, told, _) = setup.run(&["status", "--probe"]).await;
    assert!(
        told.lines().any(|line| line.starts_with("probe     custom: ") && line.contains("127.0.0.1:9")),
        "{told}"
    );
}
