//! Which tools clients are shown: those of a profile, with single tools added or taken away.

use exai_engine::EngineError;
use strsim::levenshtein;

use crate::near;

/// A set of tools, chosen by how many tokens their list may cost a client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// The four tools that are worth most.
    Lite,
    /// All workflow tools, and what belongs to them.
    #[default]
    Standard,
    /// Everything.
    Full,
}

/// Every tool: its name, the smallest profile that shows it, and whether its answers may be long.
const TABLE: [(&str, Profile, bool); 29] = [
    ("activity", Profile::Full, false),
    ("analyze", Profile::Standard, true),
    ("apilookup", Profile::Full, false),
    ("challenge", Profile::Standard, false),
    ("chat", Profile::Lite, true),
    ("chat_with_tools", Profile::Full, true),
    ("clink", Profile::Full, true),
    ("codereview", Profile::Lite, true),
    ("consensus", Profile::Lite, true),
    ("debug", Profile::Standard, true),
    ("docgen", Profile::Standard, false),
    ("file_download", Profile::Full, false),
    ("file_manage", Profile::Full, false),
    ("file_query", Profile::Full, true),
    ("listmodels", Profile::Lite, false),
    ("payload_preview", Profile::Full, true),
    ("planner", Profile::Standard, false),
    ("precommit", Profile::Standard, true),
    ("refactor", Profile::Standard, true),
    ("route", Profile::Full, false),
    ("secaudit", Profile::Standard, true),
    ("status", Profile::Standard, false),
    ("testgen", Profile::Standard, true),
    ("thinkdeep", Profile::Standard, true),
    ("threads", Profile::Standard, true),
    ("tracer", Profile::Standard, false),
    ("usage", Profile::Full, false),
    ("version", Profile::Standard, false),
    ("web_search", Profile::Full, true),
];

impl Profile {
    /// The words of the setting.
    pub const WORDS: [(&'static str, Self); 4] =
        [("standard", Self::Standard), ("lite", Self::Lite), ("full", Self::Full), ("lean", Self::Lite)];

    /// The word of the setting.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lite => "lite",
            Self::Standard => "standard",
            Self::Full => "full",
        }
    }
}

/// Which tools are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// What is shown when no tool is named.
    pub profile: Profile,
    /// When not empty, these are shown instead of the profile's.
    pub enabled: Vec<String>,
    /// These are never shown.
    pub disabled: Vec<String>,
}

impl Shown {
    /// Every tool, for callers that have no use for a short list.
    #[must_use]
    pub fn everything() -> Self {
        Self { profile: Profile::Full, ..Self::default() }
    }

    /// Whether a tool is shown.
    #[must_use]
    pub fn has(&self, tool: &str) -> bool {
        let named = |names: &[String]| names.iter().any(|name| name == tool);
        let chosen = if self.enabled.is_empty() {
            TABLE.iter().any(|(name, least, _)| *name == tool && *least <= self.profile)
        } else {
            named(&self.enabled)
        };
        chosen && !named(&self.disabled)
    }

    /// Which setting hides a tool.
    #[must_use]
    pub fn why_hidden(&self, tool: &str) -> &'static str {
        if self.disabled.iter().any(|name| name == tool) {
            "it is in disabled_tools (EXAI_DISABLED_TOOLS)"
        } else if self.enabled.is_empty() {
            "the tool profile leaves it out; set tool_profile = \"full\" (EXAI_TOOL_PROFILE), or name it in enabled_tools"
        } else {
            "enabled_tools (EXAI_ENABLED_TOOLS) does not name it"
        }
    }
}

/// Whether a tool of this name exists.
#[must_use]
pub fn is_tool(name: &str) -> bool {
    TABLE.iter().any(|(tool, ..)| *tool == name)
}

/// Whether a tool's answers may be long.
pub(crate) fn answers_long(name: &str) -> bool {
    TABLE.iter().any(|(tool, _, long)| *tool == name && *long)
}

/// Whether a tool asks models or other agents and may therefore take minutes.
#[must_use]
pub fn asks_models(name: &str) -> bool {
    answers_long(name) && name != "threads"
}

/// The tools whose names are nearest to `name`, best first: a client that has no list needs names, however far they are.
pub(crate) fn nearest(name: &str) -> Vec<&'static str> {
    let wanted: String = name.chars().take(64).collect::<String>().to_lowercase();
    let mut all: Vec<(usize, &str)> =
        TABLE.iter().map(|(tool, ..)| (levenshtein(&wanted, tool), *tool)).collect();
    all.sort_unstable();
    all.into_iter().take(3).map(|(_, tool)| tool).collect()
}

/// `; did you mean chat?` for a name that is much like a tool's; else nothing.
#[must_use]
pub fn did_you_mean(name: &str) -> String {
    near::did_you_mean(name, TABLE.iter().map(|(tool, ..)| *tool))
}

/// What is said of an argument that names no tool.
pub(crate) fn unknown_tool(field: &'static str, name: &str) -> EngineError {
    let shown: String = name.chars().take(80).collect();
    let instead = match did_you_mean(name) {
        near if near.is_empty() => format!("; the tools are {}", TABLE.map(|(tool, ..)| tool).join(", ")),
        near => near,
    };
    EngineError::invalid(field, format!("there is no tool `{shown}`{instead}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(shown: &Shown) -> usize {
        TABLE.iter().filter(|(name, ..)| shown.has(name)).count()
    }

    #[test]
    fn each_profile_has_its_number_of_tools() {
        let of = |profile| count(&Shown { profile, ..Shown::default() });
        assert_eq!((of(Profile::Lite), of(Profile::Standard), of(Profile::Full)), (4, 18, 29));
    }

    #[test]
    fn disabled_beats_named_beats_profile() {
        let shown = Shown {
            profile: Profile::Lite,
            enabled: vec!["usage".into(), "chat".into()],
            disabled: vec!["chat".into()],
        };
        assert!(shown.has("usage") && !shown.has("chat") && !shown.has("consensus"));
        assert!(shown.why_hidden("chat").contains("disabled_tools"));
        assert!(shown.why_hidden("debug").contains("enabled_tools"));
    }

    #[test]
    fn misspelled_tools_are_recognised() {
        assert_eq!(did_you_mean("codreview"), "; did you mean codereview?");
        assert_eq!(did_you_mean("Planer"), "; did you mean planner?");
        assert_eq!(did_you_mean("all"), "");
    }
}
