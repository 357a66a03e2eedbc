//! What a client wants to see in the call that gets a part of an answer.

use rmcp::model::Tool;
use serde_json::{Map, Value, json};

/// What stands for a text that the schema demands and nobody reads.
const UNREAD: &str = "(the next part)";

/// The arguments that a tool's schema demands, with values that are not read when a part is asked for. Gemini CLI, Qwen Code and Kimi Code
/// check a call against the schema themselves and never send one in which something is missing.
pub(crate) fn demanded(tool: &Tool) -> Map<String, Value> {
    let properties = tool.input_schema.get("properties");
    let names = tool.input_schema.get("required").and_then(Value::as_array).into_iter().flatten();
    let filled = names.filter_map(Value::as_str).map(|name| {
        let property = properties.and_then(|properties| properties.get(name));
        (name.to_owned(), property.map_or_else(|| json!(UNREAD), unread))
    });
    filled.collect()
}

/// A value that a property accepts.
fn unread(property: &Value) -> Value {
    if let Some(first) = property["enum"].as_array().and_then(|words| words.first()) {
        return first.clone();
    }
    match property["type"].as_str() {
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(false),
        Some("array") => json!([]),
        Some("object") => json!({}),
        Some(_) | None => json!(UNREAD),
    }
}

#[cfg(test)]
mod tests {
    use exai_clients::fit::PartCall;

    use super::*;
    use crate::server::ExaiServer;

    #[test]
    fn every_tools_schema_accepts_the_call() {
        let mut demanding = 0;
        for tool in ExaiServer::every_tool().list_all() {
            let demanded = demanded(&tool);
            let call = PartCall { tool: &tool.name, id: "x", demanded: &demanded }.to(2);
            let arguments = call["arguments"].as_object().unwrap();
            assert_eq!((&arguments["continuation_id"], &arguments["part"]), (&json!("x"), &json!(2)));
            for name in tool.input_schema.get("required").and_then(Value::as_array).into_iter().flatten() {
                let name = name.as_str().unwrap();
                let property = &tool.input_schema["properties"][name];
                let fits = match property["type"].as_str() {
                    Some("string") => arguments[name].as_str().is_some_and(|text| !text.is_empty()),
                    Some("integer") => arguments[name].is_u64(),
                    Some("array") => arguments[name].is_array(),
                    Some("object") => arguments[name].is_object(),
                    other => panic!("{}: {name} is {other:?}", tool.name),
                };
                assert!(fits, "{}: {name} is {}", tool.name, arguments[name]);
                demanding += 1;
            }
        }
        assert!(demanding > 10, "tools demand something");
    }
}
