//! What the user prefers where a call says nothing: models, language, and `[tools.NAME]` for single tools.

use std::collections::BTreeMap;

use exai_engine::{
    Preferences, ToolPreferences,
    routing::{Allowed, Strategy},
};
use exai_tools::profile::{did_you_mean, is_tool};

use super::{choice, clip, key::Key, keys, layers::Layers, problems::Problems, rules, thinking};

/// Reads the preferences. What is wrong is reported and left out.
pub(super) fn read(layers: &Layers, problems: &mut Problems) -> Preferences {
    let some = |text: String| (!text.is_empty() && !text.eq_ignore_ascii_case("auto")).then_some(text);
    let locale = some(layers.look_up(&keys::LOCALE).value).filter(|locale| {
        let usable = exai_prompts::is_locale(locale);
        if !usable {
            problems.error(format!("locale: `{}` is not the name or tag of a language", clip(locale)));
        }
        usable
    });
    Preferences {
        default_model: some(layers.look_up(&keys::DEFAULT_MODEL).value),
        locale,
        tools: tools(layers, problems),
        allowed: Allowed {
            allow: patterns(layers, &keys::MODELS_ALLOW),
            deny: patterns(layers, &keys::MODELS_DENY),
        },
        routes: choice(layers, &keys::ROUTING_ENABLED, [("true", true), ("false", false)], problems),
        rules: rules::read(layers, problems),
        selector: some(layers.look_up(&keys::ROUTING_SELECTOR).value),
        strategy: choice(layers, &keys::ROUTING_STRATEGY, Strategy::WORDS, problems),
        falls_back: choice(layers, &keys::ROUTING_FALLBACK, [("true", true), ("false", false)], problems),
    }
}

fn patterns(layers: &Layers, key: &Key) -> Vec<String> {
    let text = layers.look_up(key).value;
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn tools(layers: &Layers, problems: &mut Problems) -> BTreeMap<String, ToolPreferences> {
    let mut tools = BTreeMap::new();
    for (tool, settings) in layers.tables("tools").into_iter().flatten() {
        if !is_tool(tool) {
            problems.error(format!("tools.{}: there is no such tool{}", clip(tool), did_you_mean(tool)));
            continue;
        }
        let Some(settings) = settings.as_table() else {
            problems.error(format!("tools.{tool}: write it as a table, [tools.{tool}]"));
            continue;
        };
        let mut own = ToolPreferences::default();
        for (name, value) in settings {
            match (name.as_str(), value.as_str()) {
                ("model", Some(model)) => own.model = Some(model.trim().to_owned()),
                ("thinking", Some(word)) => {
                    let level = thinking::level(word);
                    own.thinking =
                        level.map_err(|error| problems.error(format!("tools.{tool}.{error}"))).ok();
                }
                ("model" | "thinking", None) => {
                    problems.error(format!("tools.{tool}.{name}: expected a text, got {value}"));
                }
                _ => problems.error(format!("tools.{tool}.{name}: a tool's settings are model and thinking")),
            }
        }
        tools.insert(tool.clone(), own);
    }
    tools
}
