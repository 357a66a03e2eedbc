//! What the user prefers where a call says nothing. May change while the program runs; a call keeps what it began with.

use std::collections::BTreeMap;

use exai_core::chat::Thinking;

use super::{Allowed, Rule, Strategy, is_auto};

/// What the user prefers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    /// The model for calls that name none, as a user would write it.
    pub default_model: Option<String>,
    /// Answers are asked for in this language.
    pub locale: Option<String>,
    /// What differs for one tool, by its name.
    pub tools: BTreeMap<String, ToolPreferences>,
    /// Which models may be asked at all.
    pub allowed: Allowed,
    /// Whether the server chooses at all where no model is named. Else the first vendor's model for the purpose is asked, and nobody
    /// in its place.
    pub routes: bool,
    /// Who answers which calls; the first that is about a call counts.
    pub rules: Vec<Rule>,
    /// The model that picks among those that may answer.
    pub selector: Option<String>,
    /// In which order models are asked when none is named.
    pub strategy: Strategy,
    /// Whether another model is asked when the chosen one cannot be had.
    pub falls_back: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            default_model: None,
            locale: None,
            tools: BTreeMap::new(),
            allowed: Allowed::default(),
            routes: true,
            rules: Vec::new(),
            selector: None,
            strategy: Strategy::default(),
            falls_back: true,
        }
    }
}

/// What the user prefers for one tool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolPreferences {
    /// The model for calls that name none.
    pub model: Option<String>,
    /// The thinking level for calls that name none.
    pub thinking: Option<Thinking>,
}

impl Preferences {
    /// The model that a call of `tool` gets when it names none; `None` leaves the choice to the server.
    #[must_use]
    pub fn model_for(&self, tool: &str) -> Option<&str> {
        let own = self.tools.get(tool).and_then(|own| own.model.as_deref());
        own.or(self.default_model.as_deref()).filter(|name| !is_auto(name))
    }

    /// The thinking level that a call of `tool` gets when it names none.
    #[must_use]
    pub fn thinking_for(&self, tool: &str) -> Option<Thinking> {
        self.tools.get(tool).and_then(|own| own.thinking)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tools_own_preference_comes_first() {
        let own = ToolPreferences { model: Some("deep".into()), thinking: Some(Thinking::Max) };
        let preferences = Preferences {
            default_model: Some("usual".into()),
            locale: None,
            tools: BTreeMap::from([("debug".to_owned(), own)]),
            ..Preferences::default()
        };
        assert_eq!(preferences.model_for("debug"), Some("deep"));
        assert_eq!(preferences.model_for("chat"), Some("usual"));
        assert_eq!(preferences.thinking_for("debug"), Some(Thinking::Max));
        assert_eq!(preferences.thinking_for("chat"), None);
        assert_eq!(Preferences { default_model: Some("AUTO".into()), ..preferences }.model_for("chat"), None);
    }
}
