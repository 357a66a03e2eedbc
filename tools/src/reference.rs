//! The reference of the tools as Markdown, made from what the server really accepts.

use rmcp::model::JsonObject;
use serde_json::{Map, Value};

use crate::{
    activity::ActivityArgs, analyze::AnalyzeArgs, apilookup::ApilookupArgs, args::ToolArgs,
    challenge::ChallengeArgs, chat::ChatArgs, clink::ClinkArgs, codereview::CodereviewArgs,
    consensus::ConsensusArgs, debug::DebugArgs, docgen::DocgenArgs, listmodels::ListmodelsArgs,
    planner::PlannerArgs, precommit::PrecommitArgs, refactor::RefactorArgs, secaudit::SecauditArgs,
    server::ExaiServer, status::StatusArgs, testgen::TestgenArgs, thinkdeep::ThinkdeepArgs,
    threads::ThreadsArgs, tracer::TracerArgs, usage::UsageArgs, version::VersionArgs,
};

/// Everything that a tool accepts.
struct Accepted {
    name: &'static str,
    schema: std::sync::Arc<JsonObject>,
    hidden: &'static [&'static [&'static str]],
    aliases: &'static [(&'static str, &'static str)],
    without_effect: &'static [(&'static str, &'static str)],
}

fn accepted<T: ToolArgs>(name: &'static str) -> Accepted {
    Accepted {
        name,
        schema: T::schema(),
        hidden: T::HIDDEN,
        aliases: T::ALIASES,
        without_effect: T::WITHOUT_EFFECT,
    }
}

fn all() -> Vec<Accepted> {
    vec![
        accepted::<ChatArgs>("chat"),
        accepted::<ConsensusArgs>("consensus"),
        accepted::<CodereviewArgs>("codereview"),
        accepted::<PrecommitArgs>("precommit"),
        accepted::<SecauditArgs>("secaudit"),
        accepted::<DebugArgs>("debug"),
        accepted::<AnalyzeArgs>("analyze"),
        accepted::<RefactorArgs>("refactor"),
        accepted::<TestgenArgs>("testgen"),
        accepted::<ThinkdeepArgs>("thinkdeep"),
        accepted::<PlannerArgs>("planner"),
        accepted::<TracerArgs>("tracer"),
        accepted::<DocgenArgs>("docgen"),
        accepted::<ChallengeArgs>("challenge"),
        accepted::<ApilookupArgs>("apilookup"),
        accepted::<ClinkArgs>("clink"),
        accepted::<ListmodelsArgs>("listmodels"),
        accepted::<StatusArgs>("status"),
        accepted::<ThreadsArgs>("threads"),
        accepted::<ActivityArgs>("activity"),
        accepted::<UsageArgs>("usage"),
        accepted::<VersionArgs>("version"),
    ]
}

/// A section for each tool: what it does, its fields, and what it understands beside them.
#[must_use]
pub fn reference() -> String {
    let router = ExaiServer::every_tool();
    let mut text = String::new();
    for tool in all() {
        let about = router.get(tool.name).and_then(|listed| listed.description.clone()).unwrap_or_default();
        text.push_str(&format!("## {}\n\n{about}\n\n", tool.name));
        fields(&tool, &mut text);
        if !tool.aliases.is_empty() {
            let names = tool.aliases.iter().map(|(other, own)| format!("`{other}` as `{own}`"));
            text.push_str(&format!("Also understood: {}.\n\n", names.collect::<Vec<_>>().join(", ")));
        }
        if !tool.without_effect.is_empty() {
            let names = tool.without_effect.iter().map(|(name, why)| format!("`{name}` ({why})"));
            text.push_str(&format!("Accepted without effect: {}.\n\n", names.collect::<Vec<_>>().join(", ")));
        }
    }
    text.trim_end().to_owned()
}

fn fields(tool: &Accepted, text: &mut String) {
    let empty = Map::new();
    let properties = tool.schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    if properties.is_empty() {
        text.push_str("No fields.\n\n");
        return;
    }
    let required: Vec<&str> = tool
        .schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    text.push_str("| field | type | meaning |\n|---|---|---|\n");
    for (name, schema) in properties {
        let is_hidden = tool.hidden.iter().any(|names| names.contains(&name.as_str()));
        let mut about = schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
        if required.contains(&name.as_str()) {
            about = format!("**Required.** {about}");
        }
        if is_hidden {
            about = format!("{about} (accepted, not in the published schema)");
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
