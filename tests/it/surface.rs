//! What a client is offered beside tools: prompts, completions, resources, and word of changes.

use serde_json::{Value, json};

use crate::support::{LITE, Raw, STANDARD, Setup, discover_meta};

async fn ready(setup: &Setup) -> Raw {
    Raw::ready(setup).await
}

fn names(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

/// There is a prompt for every tool that is shown.
#[tokio::test]
async fn every_visible_tool_has_a_prompt() {
    let setup = Setup::new().await;
    let mut raw = ready(&setup).await;
    let listed = raw.request("prompts/list", json!({})).await["result"].take();
    let mut found = names(&listed["prompts"]);
    insta::assert_snapshot!("prompts_list", format!("{listed:#}"));
    found.sort();
    let mut expected: Vec<String> = STANDARD.iter().map(|name| (*name).to_owned()).collect();
    expected.push("continue".to_owned());
    expected.sort();
    assert_eq!(found, expected);
    let lite = Setup::new().await.with("EXAI_TOOL_PROFILE", "lite");
    let mut raw = ready(&lite).await;
    let listed = raw.request("prompts/list", json!({})).await["result"].take();
    assert_eq!(listed["prompts"].as_array().unwrap().len(), LITE.len() + 1);
}

/// A prompt is filled in and the peer's names are understood.
#[tokio::test]
async fn a_prompt_is_filled_in() {
    let setup = Setup::new().await;
    let mut raw = ready(&setup).await;
    let arguments = json!({"target": "src/main.rs", "focus": "errors"});
    for name in ["codereview", "review"] {
        let got =
            raw.request("prompts/get", json!({"name": name, "arguments": arguments})).await["result"].take();
        let text = got["messages"][0]["content"]["text"].as_str().unwrap();
        assert!(
            text.contains("the exai tool codereview")
                && text.contains("src/main.rs")
                && text.contains("errors"),
            "{text}"
        );
        assert!(!text.contains("Use model"), "{text}");
    }
    for (params, told) in [
        (json!({"name": "sing"}), "there is no prompt `sing`"),
        (json!({"name": "chat"}), "the prompt `chat` needs question"),
        (json!({"name": "usage"}), "there is no prompt `usage`"),
    ] {
        let refused = raw.request("prompts/get", params.clone()).await["error"].take();
        assert_eq!(refused["code"], -32602, "{params}");
        assert!(refused["message"].as_str().unwrap().starts_with(told), "{refused}");
    }
}

/// Models and threads are completed and nothing else is an error.
#[tokio::test]
async fn models_and_threads_are_completed() {
    let setup = Setup::new().await.with("GLM_API_KEY", "k");
    let mut raw = ready(&setup).await;
    raw.call("chat", json!({"prompt": "marzipan", "model": "custom/mock-model"})).await;
    let mut complete = async |reference: Value, name: &str, value: &str| -> Value {
        let params = json!({"ref": reference, "argument": {"name": name, "value": value}});
        raw.request("completion/complete", params).await["result"]["completion"].take()
    };
    let prompt = |name: &str| json!({"type": "ref/prompt", "name": name});
    let models = complete(prompt("chat"), "model", "glm-5").await;
    let values = models["values"].as_array().unwrap();
    assert!(
        !values.is_empty() && values.iter().all(|value| value.as_str().unwrap().contains("glm-5")),
        "{models}"
    );
    let threads = complete(prompt("continue"), "thread", "marz").await;
    assert_eq!(threads["values"].as_array().unwrap().len(), 1);
    let template = json!({"type": "ref/resource", "uri": "exai://thread/{id}"});
    assert_eq!(complete(template, "id", "").await["values"].as_array().unwrap().len(), 1);
    for (reference, name) in
        [(prompt("chat"), "question"), (prompt("sing"), "model"), (prompt("chat"), "nothing")]
    {
        assert_eq!(complete(reference, name, "x").await["values"], json!([]));
    }
}

#[tokio::test]
async fn resources_belong_to_their_owner() {
    let setup = Setup::new().await;
    let mut raw = ready(&setup).await;
    let answer = raw.call("chat", json!({"prompt": "what is marzipan?"})).await;
    let thread = answer["continuation_id"].as_str().unwrap().to_owned();
    let listed = raw.request("resources/list", json!({})).await["result"].take();
    let uris: Vec<&str> =
        listed["resources"].as_array().unwrap().iter().map(|one| one["uri"].as_str().unwrap()).collect();
    assert_eq!(uris, ["exai://threads", "exai://models", &format!("exai://thread/{thread}")]);
    let templates = raw.request("resources/templates/list", json!({})).await["result"].take();
    insta::assert_snapshot!("resource_templates", format!("{templates:#}"));

    let mut read = async |uri: &str| -> Value { raw.request("resources/read", json!({"uri": uri})).await };
    let text = |answer: &Value| answer["result"]["contents"][0]["text"].as_str().unwrap().to_owned();
    let markdown = text(&read(&format!("exai://thread/{thread}")).await);
    assert!(
        markdown.starts_with(&format!("# Thread {thread}")) && markdown.contains("what is marzipan?"),
        "{markdown}"
    );
    let models: Value = serde_json::from_str(&text(&read("exai://models").await)).unwrap();
    assert_eq!(models["models"][0]["id"], "mock-model");
    let threads: Value = serde_json::from_str(&text(&read("exai://threads").await)).unwrap();
    assert_eq!(threads["threads"][0]["continuation_id"], thread);
    for uri in [
        "exai://thread/8a7f3c1e-52b4-4d6b-9a51-1c2d3e4f5a6b",
        "exai://thread/x",
        "exai://answer/x",
        "file:///etc/passwd",
    ] {
        let refused = read(uri).await["error"].take();
        assert_eq!(refused["code"], -32002, "{uri}");
        assert!(refused["message"].as_str().unwrap().contains(uri), "{refused}");
    }
}

/// A hangup reads the configuration again and every client is notified.
#[cfg(unix)]
#[tokio::test]
async fn a_hangup_reloads_the_configuration() {
    let setup = Setup::new().await;
    let path = setup.home.path().join("config").join("config.toml");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "tool_profile = \"standard\"\n").unwrap();
    let mut raw = ready(&setup).await;
    let before = raw.request("tools/list", json!({})).await["result"].take();
    assert_eq!(before["tools"].as_array().unwrap().len(), STANDARD.len());
    std::fs::write(&path, "tool_profile = \"lite\"\n[tools.chat]\nthinking = \"high\"\n").unwrap();
    raw.hang_up();
    let told = loop {
        let message = raw.next().await;
        if message["method"] == "notifications/tools/list_changed" {
            break message;
        }
    };
    assert_eq!(told["jsonrpc"], "2.0");
    let after = raw.request("tools/list", json!({})).await["result"].take();
    assert_eq!(names(&after["tools"]), LITE);
    let refused =
        raw.request("tools/call", json!({"name": "debug", "arguments": {"step": "x"}})).await["error"].take();
    assert!(refused["message"].as_str().unwrap().contains("tool profile"), "{refused}");
}

/// A client of 2026 hears of changes by its subscription.
#[cfg(unix)]
#[tokio::test]
async fn a_new_client_subscribes_to_changes() {
    let setup = Setup::new().await;
    let path = setup.home.path().join("config").join("config.toml");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut raw = Raw::start(&setup);
    raw.request("server/discover", json!({"_meta": discover_meta()})).await;
    let listen = json!({"jsonrpc": "2.0", "id": 7, "method": "subscriptions/listen",
        "params": {"_meta": discover_meta(), "notifications": {"toolsListChanged": true}}});
    raw.send(&listen.to_string()).await;
    let acknowledged = raw.next().await;
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged", "{acknowledged}");
    std::fs::write(&path, "tool_profile = \"lite\"\n").unwrap();
    raw.hang_up();
    let told = raw.next().await;
    assert_eq!(told["method"], "notifications/tools/list_changed", "{told}");
}

/// The two entry tools are loaded at once and long answers are announced.
#[tokio::test]
async fn entry_tools_are_loaded_at_once() {
    let setup = Setup::new().await;
    let mut raw = ready(&setup).await;
    let listed = raw.request("tools/list", json!({})).await["result"].take();
    for tool in listed["tools"].as_array().unwrap() {
        let name = tool["name"].as_str().unwrap();
        let entry = ["chat", "codereview"].contains(&name);
        assert_eq!(tool["_meta"]["anthropic/alwaysLoad"] == true, entry, "{name}");
        let short =
            ["challenge", "docgen", "listmodels", "planner", "status", "tracer", "version"].contains(&name);
        assert_eq!(tool["_meta"]["anthropic/maxResultSizeChars"] == 120_000, !short, "{name}");
    }
}
