//! The reference of the tools as Markdown, made from the schemas that the server accepts, with an example for each.

use rmcp::model::JsonObject;
use serde_json::{Map, Value};

use crate::{
    accepted::{Accepted, all},
    args::schema::portable,
    args::workflow::ExpertStep,
    server::ExaiServer,
};

/// The fields that the workflow tools share, then a section for each tool: what it does, its fields, other names that it accepts, and
/// a worked example.
#[must_use]
pub fn reference() -> String {
    let router = ExaiServer::every_tool();
    let common = properties(&portable::<ExpertStep>());
    let mut text = String::from("## Fields of the workflow tools\n\n");
    let shared = common.iter().map(|(name, schema)| Field { name, schema, is_listed: true });
    table(shared, &["step"], &mut text);
    for tool in all() {
        let about = router.get(tool.name).and_then(|listed| listed.description.clone()).unwrap_or_default();
        text.push_str(&format!("## {}\n\n{about}\n\n", tool.name));
        fields(&tool, &common, &mut text);
        if !tool.aliases.is_empty() {
            let names = tool.aliases.iter().map(|(other, own)| format!("`{other}` as `{own}`"));
            text.push_str(&format!("Also understood: {}.\n\n", names.collect::<Vec<_>>().join(", ")));
        }
        if !tool.without_effect.is_empty() {
            let names = tool.without_effect.iter().map(|(name, why)| format!("`{name}` ({why})"));
            text.push_str(&format!("Accepted without effect: {}.\n\n", names.collect::<Vec<_>>().join(", ")));
        }
        text.push_str(&format!("{}\n\n", tool.example.trim_end()));
    }
    text.trim_end().to_owned()
}

fn properties(schema: &JsonObject) -> Map<String, Value> {
    schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()
}

fn fields(tool: &Accepted, common: &Map<String, Value>, text: &mut String) {
    let properties = properties(&tool.schema);
    if properties.is_empty() {
        text.push_str("No fields.\n\n");
        return;
    }
    let has_the_common_ones = common.keys().all(|name| properties.contains_key(name));
    let own: Vec<(&String, &Value)> = properties
        .iter()
        .filter(|(name, schema)| !has_the_common_ones || common.get(name.as_str()) != Some(*schema))
        .collect();
    let required: Vec<&str> = tool
        .schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let is_listed = |name: &str| !tool.hidden.iter().any(|names| names.contains(&name));
    if !own.is_empty() {
        let own = own.iter().map(|(name, schema)| Field { name, schema, is_listed: is_listed(name) });
        table(own, &required, text);
    }
    if has_the_common_ones {
        let also = if own.is_empty() { "It has" } else { "It also has" };
        text.push_str(&format!("{also} the [fields of the workflow tools](#fields-of-the-workflow-tools)"));
        let unlisted: Vec<String> = common
            .keys()
            .filter(|name| !is_listed(name) && !own.iter().any(|(own, _)| own == name))
            .map(|name| format!("`{name}`"))
            .collect();
        text.push_str(&format!("; accepted, not listed: {}.\n\n", unlisted.join(", ")));
    }
}

/// A field of a tool.
struct Field<'a> {
    name: &'a str,
    schema: &'a Value,
    /// Whether the list that clients get has it.
    is_listed: bool,
}

fn table<'a>(fields: impl Iterator<Item = Field<'a>>, required: &[&str], text: &mut String) {
    text.push_str("| Field | Type | Meaning |\n|---|---|---|\n");
    for Field { name, schema, is_listed } in fields {
        let mut about = schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
        if required.contains(&name) {
            about = format!("**Required.** {about}");
        }
        if !is_listed {
            about = format!("{about} (accepted, not listed)");
        }
        text.push_str(&format!("| `{name}` | {} | {} |\n", kind(schema), about.trim()));
    }
    text.push('\n');
}

fn kind(schema: &Value) -> String {
    let word = |schema: &Value| schema.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let values: Vec<String> =
            values.iter().filter_map(Value::as_str).map(|value| format!("`{value}`")).collect();
        return values.join(", ");
    }
    match schema.get("items") {
        Some(items) => match items.get("properties").and_then(Value::as_object) {
            Some(inner) => {
                let inner: Vec<String> = inner.keys().map(|name| format!("`{name}`")).collect();
                format!("list of {{{}}}", inner.join(", "))
            }
            None => format!("list of {}", word(items)),
        },
        None => word(schema),
    }
}
