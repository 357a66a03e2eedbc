//! What in a client's file has another shape than any client reads. Left unsaid, it would look as if it had been tried.

use std::path::Path;

use serde_json::Value;

use crate::{clients::KEYS, finding::Finding};

/// Fields of an entry that hold texts by name.
const MAPS: [&str; 5] = ["env", "environment", "envs", "headers", "http_headers"];
/// Fields of an entry that hold lists of texts.
const LISTS: [&str; 3] = ["args", "env_vars", "env_keys"];
/// The words for the way to a server, in every client.
const TYPES: [&str; 12] = [
    "stdio",
    "http",
    "sse",
    "ws",
    "websocket",
    "local",
    "remote",
    "streamable-http",
    "streamable_http",
    "streamableHttp",
    "builtin",
    "custom",
];

/// Keys of servers that hold something else than servers.
pub(crate) fn of_maps(document: &Value, file: &Path) -> Vec<Finding> {
    let wrong = KEYS.iter().filter(|key| document.get(**key).is_some_and(|value| !value.is_object()));
    wrong
        .filter(|key| **key != "extensions" && **key != "mcp")
        .map(|key| {
            let told = format!("{}: `{key}` is no object of servers by their names", file.display());
            Finding::error(told, "write it as the example in docs/clients.md")
        })
        .collect()
}

/// What in an entry is not read.
pub(crate) fn of_entry(entry: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wrong = |what: String, fix: &str| findings.push(Finding::error(what, fix));
    for field in MAPS {
        match entry.get(field) {
            None | Some(Value::Null) => {}
            Some(Value::Object(map)) => {
                for (name, _) in map.iter().filter(|(_, value)| !value.is_string()) {
                    wrong(format!("`{field}.{name}` is not a text"), "put it in quotes");
                }
            }
            Some(_) => wrong(format!("`{field}` is no object"), "write names with their texts"),
        }
    }
    for field in LISTS {
        let Some(value) = entry.get(field).filter(|value| !value.is_null()) else { continue };
        let is_list = value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
        if !is_list {
            wrong(format!("`{field}` is no list of texts"), "write [\"one\", \"two\"]");
        }
    }
    match entry.get("type") {
        None => {}
        Some(Value::String(word)) if TYPES.contains(&word.as_str()) => {}
        Some(other) => wrong(format!("`type` is {other}, which is not known"), "write stdio or http"),
    }
    let is_off = [("disabled", true), ("enabled", false)]
        .iter()
        .find(|(field, value)| entry.get(*field).and_then(Value::as_bool) == Some(*value));
    if let Some((field, value)) = is_off {
        findings.push(Finding::doubt(
            format!("`{field}` is {value}: the client does not start it"),
            "switch it on in the client",
        ));
    }
    if entry.get("envFile").is_some() {
        findings.push(Finding::doubt("`envFile` is not read here", "what it sets is missing in this trial"));
    }
    findings
}
