//! What clients are promised: the list of tools, its size, the handshakes of both eras.

mod portable;

use serde_json::{Value, json};

use crate::support::{FULL, LITE, Raw, STANDARD, Setup, discover_meta};

/// What the list of each profile may take, in bytes of compact JSON.
const MAX_LIST_BYTES: [(&str, usize); 3] = [("lite", 6_000), ("standard", 22_000), ("full", 32_000)];
/// Clients cut instructions here.
const MAX_INSTRUCTIONS_BYTES: usize = 2_048;
/// Some clients keep no more than this.
const MAX_FIRST_PARAGRAPH_CHARS: usize = 512;

/// The result of `tools/list` of a profile, as it crosses the pipe.
async fn list_of(profile: &str) -> Value {
    let setup = Setup::without_provider().await.with("EXAI_TOOL_PROFILE", profile);
    let mut raw = Raw::ready(&setup).await;
    raw.request("tools/list", json!({})).await["result"].take()
}

/// The list that a client gets when nothing is configured.
async fn tool_list() -> Value {
    let setup = Setup::without_provider().await;
    let mut raw = Raw::ready(&setup).await;
    raw.request("tools/list", json!({})).await["result"].take()
}

fn names(list: &Value) -> Vec<&str> {
    list["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect()
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
async fn the_list_of_tools_is_agreed() {
    let list = tool_list().await;
    insta::assert_snapshot!("tools_list", format!("{list:#}"));
    let full = list_of("full").await;
    let rest: Vec<&Value> = full["tools"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|tool| !STANDARD.contains(&tool["name"].as_str().unwrap()))
        .collect();
    insta::assert_snapshot!("tools_list_beyond_standard", format!("{:#}", json!(rest)));
}

#[tokio::test]
async fn each_profile_has_its_tools() {
    assert_eq!(names(&list_of("lite").await), LITE);
    assert_eq!(names(&tool_list().await), STANDARD);
    assert_eq!(names(&list_of("standard").await), STANDARD);
    assert_eq!(names(&list_of("lean").await), LITE, "the predecessor's word");
    assert_eq!(names(&list_of("full").await), FULL);
}

#[tokio::test]
async fn the_published_costs_are_measured() {
    let setup = Setup::without_provider().await;
    let mut published = String::from("| tool | bytes | tokens, about | profile |\n|---|---:|---:|---|\n");
    let (code, shown, _) = setup.run(&["tools", "--cost", "--profile", "full"]).await;
    assert_eq!(code, 0);
    for line in shown.lines().skip(1) {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let profile = match cells[0] {
            name if LITE.contains(&name) => "lite",
            name if STANDARD.contains(&name) => "standard",
            _ => "full",
        };
        if cells[0] != "all" {
            published.push_str(&format!("| {} | {} | {} | {profile} |\n", cells[0], cells[1], cells[2]));
        }
    }
    for (profile, most) in MAX_LIST_BYTES {
        let bytes = list_of(profile).await.to_string().len();
        assert!(bytes <= most, "{profile}: {bytes} bytes");
        let (_, shown, _) = setup.run(&["tools", "--cost", "--profile", profile]).await;
        let cells: Vec<&str> = shown.lines().last().unwrap_or_default().split_whitespace().collect();
        assert_eq!(cells[1], bytes.to_string(), "`tools --cost` says {cells:?}");
        published.push_str(&format!("| **all of {profile}** | **{bytes}** | **{}** | |\n", cells[2]));
    }
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let there = readme
        .split_once("<!-- tools-cost -->\n")
        .and_then(|(_, rest)| rest.split_once("<!-- /tools-cost -->"));
    assert_eq!(
        there.map(|(table, _)| table),
        Some(published.as_str()),
        "write the right side into README.md"
    );
}

#[tokio::test]
async fn every_client_can_read_every_tool() {
    let list = list_of("full").await;
    let complaints: Vec<String> = list["tools"].as_array().unwrap().iter().flat_map(portable::tool).collect();
    assert_eq!(complaints, [""; 0]);
}

#[tokio::test]
async fn required_fields_are_announced() {
    for tool in list_of("full").await["tools"].as_array().unwrap() {
        let required = &tool["inputSchema"]["required"];
        let expected = match tool["name"].as_str().unwrap() {
            "chat" | "challenge" | "apilookup" | "clink" | "payload_preview" => json!(["prompt"]),
            "chat_with_tools" => json!(["messages"]),
            "web_search" => json!(["search_query"]),
            "file_query" => json!(["file_path", "question"]),
            "file_download" => json!(["file_id"]),
            "route" | "file_manage" | "activity" | "listmodels" | "status" | "threads" | "usage"
            | "version" => Value::Null,
            _ => json!(["step"]),
        };
        assert_eq!(*required, expected, "{}", tool["name"]);
    }
}

#[tokio::test]
async fn annotations_are_honest() {
    const ASKS_NOBODY: [&str; 11] = [
        "activity",
        "apilookup",
        "challenge",
        "docgen",
        "payload_preview",
        "planner",
        "route",
        "threads",
        "tracer",
        "usage",
        "version",
    ];
    for tool in list_of("full").await["tools"].as_array().unwrap() {
        let name = tool["name"].as_str().unwrap();
        let notes = &tool["annotations"];
        // Only these change anything: the one writes a new file, the other removes files at vendors.
        assert_eq!(notes["readOnlyHint"], !matches!(name, "file_download" | "file_manage"), "{name}");
        let destroys = notes.get("destructiveHint").is_some_and(|destructive| destructive == true);
        assert_eq!(destroys, name == "file_manage", "{name}");
        let asks_somebody = !ASKS_NOBODY.contains(&name);
        assert_eq!(notes["openWorldHint"], asks_somebody, "{name}");
    }
}

/// The list is the same in every order of things.
#[tokio::test]
async fn the_list_is_always_the_same() {
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
    assert_eq!(printed.to_string(), first["tools"].to_string());
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
        assert!(text.contains(name), "the instructions do not mention {name}");
    }
}

/// A client of 2026 discovers lists and calls without a handshake.
#[tokio::test]
async fn a_new_client_needs_no_handshake() {
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

/// A client of 2026 gets an error when a request lacks its context.
#[tokio::test]
async fn a_new_request_needs_its_context() {
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
