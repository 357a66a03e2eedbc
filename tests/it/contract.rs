//! What clients are promised: the list of tools, its size, the handshakes of both eras.

mod portable;

use serde_json::{Value, json};

use crate::support::{Raw, Setup, discover_meta};

/// The limit for six tools; the whole set of the standard profile may take 22,000.
const MAX_LIST_BYTES: usize = 22_000;
/// Clients cut instructions here.
const MAX_INSTRUCTIONS_BYTES: usize = 2_048;
/// Some clients keep no more than this.
const MAX_FIRST_PARAGRAPH_CHARS: usize = 512;

/// The result of `tools/list`, as it crosses the pipe.
async fn tool_list() -> Value {
    let setup = Setup::without_provider().await;
    let mut raw = Raw::ready(&setup).await;
    raw.request("tools/list", json!({})).await["result"].take()
}

/// Versions change with every release; the contract does not.
fn without_version(mut answer: Value) -> String {
    for pointer in ["/serverInfo/version", "/_meta/io.modelcontextprotocol~1serverInfo/version"] {
        if let Some(version) = answer.pointer_mut(pointer) {
            assert_eq!(version, env!("CARGO_PKG_VERSION"));
            *version = json!("[version]");
        }
    }
    format!("{answer:#}")
}

#[tokio::test]
async fn the_list_of_tools_is_what_was_agreed() {
    let list = tool_list().await;
    insta::assert_snapshot!("tools_list", format!("{list:#}"));
}

#[tokio::test]
async fn the_list_of_tools_costs_what_is_published() {
    let bytes = tool_list().await.to_string().len();
    assert!(bytes <= MAX_LIST_BYTES, "{bytes} bytes");
    let setup = Setup::without_provider().await;
    let (code, shown, _) = setup.run(&["tools", "--cost"]).await;
    assert_eq!(code, 0);
    let whole = shown.lines().last().unwrap_or_default();
    assert_eq!(
        whole.split_whitespace().nth(1),
        Some(bytes.to_string().as_str()),
        "`tools --cost` says {whole}"
    );
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    if let Ok(readme) = std::fs::read_to_string(readme) {
        let published = readme
            .split_once("<!-- tools-list-bytes -->")
            .and_then(|(_, rest)| rest.split_once("<!-- /tools-list-bytes -->"));
        let published = published.map(|(number, _)| number.trim().replace([',', ' '], ""));
        assert_eq!(
            published,
            Some(bytes.to_string()),
            "write into README.md: <!-- tools-list-bytes -->{bytes}<!-- /tools-list-bytes -->"
        );
    }
}

#[tokio::test]
async fn every_client_can_read_every_tool() {
    let list = tool_list().await;
    let complaints: Vec<String> = list["tools"].as_array().unwrap().iter().flat_map(portable::tool).collect();
    assert_eq!(complaints, [""; 0]);
}

#[tokio::test]
async fn the_fields_that_must_be_given_are_announced() {
    let list = tool_list().await;
    let required: Vec<(&str, &Value)> = list["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| (tool["name"].as_str().unwrap(), &tool["inputSchema"]["required"]))
        .collect();
    let (prompt, step, none) = (json!(["prompt"]), json!(["step"]), Value::Null);
    let expected = [
        ("chat", &prompt),
        ("codereview", &step),
        ("debug", &step),
        ("listmodels", &none),
        ("planner", &step),
        ("version", &none),
    ];
    assert_eq!(required, expected);
}

#[tokio::test]
async fn annotations_are_honest() {
    for tool in tool_list().await["tools"].as_array().unwrap() {
        let name = tool["name"].as_str().unwrap();
        let notes = &tool["annotations"];
        // Nothing here changes a file or anything else of the user's.
        assert_eq!(notes["readOnlyHint"], true, "{name}");
        assert!(notes.get("destructiveHint").is_none_or(|destructive| destructive == false), "{name}");
        let asks_somebody = !["planner", "version"].contains(&name);
        assert_eq!(notes["openWorldHint"], asks_somebody, "{name}");
    }
}

#[tokio::test]
async fn the_list_is_the_same_in_every_order_of_things() {
    let (first, second) = (tool_list().await, tool_list().await);
    assert_eq!(first.to_string(), second.to_string());
    let setup = Setup::new().await;
    let mut raw = Raw::ready(&setup).await;
    let with_provider = raw.request("tools/list", json!({})).await;
    assert_eq!(
        with_provider["result"].to_string(),
        first.to_string(),
        "clients cache the list, so it must not depend on keys"
    );
    let (_, printed, _) = setup.run(&["tools", "--json"]).await;
    let printed: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed.to_string(), first.to_string());
}

#[tokio::test]
async fn an_older_client_initializes() {
    let setup = Setup::without_provider().await;
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut raw = Raw::start(&setup);
        let hello = json!({"protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}});
        let mut answer = raw.request("initialize", hello).await["result"].take();
        assert_eq!(answer["protocolVersion"], revision);
        answer["protocolVersion"] = json!("[as asked]");
        insta::assert_snapshot!("initialize", without_version(answer));
    }
}

#[tokio::test]
async fn instructions_fit_what_clients_keep() {
    let setup = Setup::without_provider().await;
    let mut raw = Raw::start(&setup);
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}});
    let answer = raw.request("initialize", hello).await;
    let text = answer["result"]["instructions"].as_str().unwrap();
    assert!(text.len() < MAX_INSTRUCTIONS_BYTES, "{} bytes", text.len());
    let first = text.split("\n\n").next().unwrap();
    assert!(first.chars().count() <= MAX_FIRST_PARAGRAPH_CHARS, "{} characters", first.chars().count());
    for tool in tool_list().await["tools"].as_array().unwrap() {
        let name = tool["name"].as_str().unwrap();
        assert!(text.contains(&format!("{name}:")), "the instructions do not mention {name}");
    }
}

#[tokio::test]
async fn a_client_of_2026_discovers_lists_and_calls_without_a_handshake() {
    let setup = Setup::new().await;
    let mut raw = Raw::start(&setup);
    let found = raw.request("server/discover", json!({"_meta": discover_meta()})).await["result"].take();
    insta::assert_snapshot!("discover", without_version(found));

    let mut listed = raw.request("tools/list", json!({"_meta": discover_meta()})).await["result"].take();
    assert_eq!(listed["resultType"], "complete");
    assert_eq!(listed["cacheScope"], "private");
    assert!(listed["ttlMs"].as_u64().unwrap() > 0, "the list may be kept");
    assert_eq!(listed["tools"].take(), tool_list().await["tools"].take(), "one list for both eras");

    let call = json!({"_meta": discover_meta(), "name": "chat", "arguments": {"prompt": "hello there"}});
    let answer = raw.request("tools/call", call).await["result"].take();
    assert_eq!(answer["resultType"], "complete");
    let text: Value = serde_json::from_str(answer["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text["content"], "ok: hello there");
    assert_eq!(setup.vendor.stats().calls, 1);
}

#[tokio::test]
async fn a_client_of_2026_is_told_when_a_request_lacks_its_context() {
    let setup = Setup::new().await;
    let mut raw = Raw::start(&setup);
    raw.request("server/discover", json!({"_meta": discover_meta()})).await;
    let bare = raw.request("tools/list", json!({})).await;
    assert!(bare["error"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{bare}");
    let unknown = raw.request("tools/list", json!({"_meta": {
        "io.modelcontextprotocol/protocolVersion": "1999-01-01", "io.modelcontextprotocol/clientCapabilities": {}}})).await;
    assert!(
        unknown["error"].to_string().contains("2026-07-28"),
        "the supported revisions are named: {unknown}"
    );
    let fine = raw.request("tools/list", json!({"_meta": discover_meta()})).await;
    assert!(fine["result"]["tools"].is_array());
}
