//! Which field of a request an error complains about.

use std::{collections::BTreeSet, fmt};

use super::Omission;

/// What a vendor said when it refused a request; travels as the cause of the failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejected {
    /// The field that it names, where errors have a place for that.
    pub(crate) param: Option<String>,
    /// Its words.
    pub(crate) text: String,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Rejected {}

/// A field without which a request asks the same.
struct Optional {
    name: &'static str,
    /// What texts call it.
    words: &'static [&'static str],
    /// Any complaint about it is a refusal. Of the others some are about how it is used.
    is_plain: bool,
}

const fn plain(name: &'static str, words: &'static [&'static str]) -> Optional {
    Optional { name, words, is_plain: true }
}

const fn used(name: &'static str, words: &'static [&'static str]) -> Optional {
    Optional { name, words, is_plain: false }
}

/// In the order in which they are looked for: a longer name before one that it contains.
const OPTIONAL: [Optional; 17] = [
    plain("stream_options", &["stream_options", "include_usage"]),
    used("stream", &["stream", "streaming"]),
    plain("temperature", &["temperature"]),
    plain("response_format", &["response_format", "json_object", "json mode", "response format"]),
    plain("responseMimeType", &["responsemimetype", "response_mime_type", "json mode"]),
    plain("reasoning_effort", &["reasoning_effort", "reasoning effort", "reasoning.effort"]),
    plain("reasoning_split", &["reasoning_split"]),
    used("enable_thinking", &["enable_thinking"]),
    used("thinkingConfig", &["thinkingconfig", "thinking_config", "thinking level", "thinking_level"]),
    used("thinking", &["thinking"]),
    used("output_config", &["output_config", "effort"]),
    used("reasoning", &["reasoning", "reasoning.effort"]),
    plain("prompt_cache_key", &["prompt_cache_key"]),
    used("include", &["include", "reasoning.encrypted_content"]),
    used("text", &["text.format"]),
    used("reasoning_effort", &["thinking", "reasoning"]),
    used("parallel_tool_calls", &["parallel_tool_calls"]),
];

const CAPS: [&str; 4] = ["max_completion_tokens", "max_tokens", "max_output_tokens", "maxoutputtokens"];
const SYSTEM: [&str; 8] = [
    "system role",
    "system message",
    "system prompt",
    "system instruction",
    "developer instruction",
    "role system",
    "role: system",
    "role 'system'",
];

/// A field is not known, or not for this model.
const REFUSED: [&str; 20] = [
    "not support",
    "n't support",
    "unsupported",
    "unknown",
    "unrecognized",
    "unrecognised",
    "unexpected keyword",
    "unexpected field",
    "unexpected parameter",
    "extra input",
    "extra field",
    "not permitted",
    "not allowed",
    "not enabled",
    "not available",
    "not implemented",
    "deprecated",
    "no longer",
    "cannot be used with",
    "not a valid parameter",
];
/// Its value is not taken.
const MISLIKED: [&str; 6] = ["invalid", "only", "must be", "should be", "not one of", "does not match"];
/// The value is too large, and another one would do.
const TOO_LARGE: [&str; 6] = ["too large", "at most", "exceed", "greater than", "less than", "larger than"];

impl Rejected {
    /// What to do about a request with the fields `sent`; `None` when nothing that can be left out is named.
    pub(super) fn names(&self, sent: &BTreeSet<String>, has_system: bool) -> Option<Omission> {
        let text = self.text.to_lowercase();
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
        let (refused, misliked) = (says(&REFUSED), says(&MISLIKED));
        let param = self.param.as_deref().map(str::to_lowercase).unwrap_or_default();
        let is_param = |name: &str| param.split(['.', '[', '/']).any(|part| part == name);
        if has_system && refused && says(&SYSTEM) {
            return Some(Omission::System);
        }
        let cap = CAPS.iter().find(|name| is_param(name) || (refused && contains(&text, name)));
        if cap.is_some() && !says(&TOO_LARGE) && (refused || misliked || !param.is_empty()) {
            return cap_omission(sent);
        }
        let sent = || OPTIONAL.iter().filter(|optional| sent.contains(optional.name));
        let by_param = sent().find(|optional| {
            is_param(&optional.name.to_lowercase()) && (optional.is_plain || refused || text.is_empty())
        });
        let named = |optional: &&Optional| {
            let is_refusal = refused || (misliked && optional.is_plain);
            is_refusal && optional.words.iter().any(|word| contains(&text, word))
        };
        by_param.or_else(|| sent().find(named)).map(|optional| Omission::Field(optional.name))
    }
}

/// The other name, or where there is none no cap.
fn cap_omission(sent: &BTreeSet<String>) -> Option<Omission> {
    let is_sent = |name: &str| sent.contains(name);
    if is_sent("max_tokens") || is_sent("max_completion_tokens") {
        return Some(Omission::RenamedCap);
    }
    (is_sent("max_output_tokens") || is_sent("maxOutputTokens")).then_some(Omission::Cap)
}

/// Whether a text has a word as a whole.
fn contains(text: &str, word: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}
