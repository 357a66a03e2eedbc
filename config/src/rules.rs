//! `[[rules]]`: which models answer which calls.

use exai_engine::routing::Rule;
use exai_tools::profile::{did_you_mean, is_tool};
use serde::Deserialize;

use super::{clip, layers::Layers, problems::Problems, thinking};

/// An entry of `[[rules]]` in the user's file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Option<String>,
    #[serde(default)]
    tools: Vec<String>,
    images: Option<bool>,
    web_search: Option<bool>,
    functions: Option<bool>,
    thinking: Option<String>,
    min_tokens: Option<u32>,
    max_tokens: Option<u32>,
    models: Vec<String>,
}

/// Reads the rules in their order. One that is wrong is reported and left out: half a rule would be another rule.
pub(super) fn read(layers: &Layers, problems: &mut Problems) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (index, table) in layers.tables("rules").into_iter().enumerate() {
        let place = format!("rules, entry {}", index + 1);
        match table.clone().try_into::<Entry>() {
            Ok(entry) => match rule(entry, index) {
                Ok(rule) => rules.push(rule),
                Err(problem) => problems.error(format!("{place}: {problem}")),
            },
            Err(error) => {
                problems.error(format!("{}: {place}: {}", layers.user_file().display(), error.message()));
            }
        }
    }
    rules
}

fn rule(entry: Entry, index: usize) -> Result<Rule, String> {
    if let Some(tool) = entry.tools.iter().find(|tool| !is_tool(tool)) {
        return Err(format!("there is no tool `{}`{}", clip(tool), did_you_mean(tool)));
    }
    let models: Vec<String> = entry.models.iter().map(|name| name.trim().to_owned()).collect();
    if models.is_empty() || models.iter().any(String::is_empty) {
        return Err("models must name at least one model, and each by a name".to_owned());
    }
    if let (Some(least), Some(most)) = (entry.min_tokens, entry.max_tokens)
        && least > most
    {
        return Err(format!("min_tokens ({least}) is above max_tokens ({most}), so it is about no call"));
    }
    let thinking = entry.thinking.as_deref().map(thinking::level).transpose()?;
    Ok(Rule {
        name: entry.name.unwrap_or_else(|| format!("{}", index + 1)),
        tools: entry.tools,
        images: entry.images,
        web_search: entry.web_search,
        functions: entry.functions,
        thinking,
        min_tokens: entry.min_tokens,
        max_tokens: entry.max_tokens,
        models,
    })
}
