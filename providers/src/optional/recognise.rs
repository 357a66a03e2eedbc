//! Which field of a request an error complains about.

use std::{collections::BTreeMap, fmt};

use super::{
    Omission, cap,
    phrases::{self, CLEAR, INSTEAD, MISLIKED, REFUSED, ROLES, SYSTEM, WHOLE_ONLY},
};

/// The most bytes between a field and its refusal where the status says that the server is at fault.
const NEAR: usize = 80;

/// What a vendor said when it refused a request; travels as the cause of the failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejected {
    /// The field that it names, where errors have a place for that.
    pub(crate) param: Option<String>,
    /// Its words.
    pub(crate) text: String,
    /// The status says that the request is at fault. With any other one only clear words count.
    pub(crate) is_sure: bool,
}

impl Rejected {
    /// Whether the vendor tells of what the model wrote this time, and not of what it takes.
    pub(crate) fn is_of_this_answer(&self) -> bool {
        self.text.starts_with("json_validate_failed")
    }
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

/// What a wish for JSON is called.
const JSON: &[&str] = &[
    "response_format",
    "responseformat",
    "response format",
    "responsemimetype",
    "response_mime_type",
    "response mime type",
    "json_object",
    "json object",
    "json_schema",
    "json schema",
    "json mode",
    "json output",
    "json_validate_failed",
    "structured output",
    "structured outputs",
    "guided decoding",
    "guided_decoding",
    "guided_json",
    "grammar",
    "text.format",
];

/// In the order in which they are taken where a text names several: a longer name before one that it contains.
const OPTIONAL: [Optional; 21] = [
    plain("stream_options", &["stream_options", "streamoptions", "include_usage"]),
    used("stream", &["stream", "streaming", "streamed", "streams"]),
    plain("temperature", &["temperature"]),
    plain("response_format", JSON),
    plain("responseMimeType", JSON),
    plain(
        "reasoning_effort",
        &[
            "reasoning_effort",
            "reasoningeffort",
            "reasoning effort",
            "reasoning.effort",
            "reasoning level",
            "reasoning value",
            "think value",
            "non-reasoning model",
        ],
    ),
    plain("reasoning_split", &["reasoning_split"]),
    used("enable_thinking", &["enable_thinking"]),
    plain(
        "thinkingConfig",
        &[
            "thinking level",
            "thinking_level",
            "thinkinglevel",
            "thinking budget",
            "thinking_budget",
            "thinkingbudget",
        ],
    ),
    used("thinkingConfig", &["thinkingconfig", "thinking_config", "thinking"]),
    used("thinking", &["thinking"]),
    used("output_config", &["output_config", "effort"]),
    used("reasoning", &["reasoning", "reasoning.effort"]),
    plain("prompt_cache_key", &["prompt_cache_key"]),
    plain("cache_control", &["cache_control", "prompt caching"]),
    used("include", &["include", "reasoning.encrypted_content"]),
    used("text", JSON),
    used("reasoning_effort", &["thinking", "reasoning"]),
    used("parallel_tool_calls", &["parallel_tool_calls", "parallel tool calls"]),
    used("chat_template_kwargs", &["chat_template_kwargs"]),
    plain("store", &["store"]),
];

impl Rejected {
    /// What to do about a request with the fields `sent`, those that are numbers with their value; `None` when nothing that can be left
    /// out is named.
    pub(super) fn names(&self, sent: &BTreeMap<String, Option<u64>>, has_system: bool) -> Option<Omission> {
        let whole = self.text.to_lowercase();
        // Fields that would be taken are not those that are refused.
        let end = phrases::places(&whole, INSTEAD).into_iter().map(|(at, _)| at).min().unwrap_or(whole.len());
        let text = whole.get(..end).unwrap_or_default();
        let refusals = phrases::places(text, if self.is_sure { REFUSED } else { CLEAR });
        let param = self.param.as_deref().map(str::to_lowercase).unwrap_or_default();
        let parts: Vec<&str> =
            param.split(['.', '[', ']', '/', '$']).filter(|part| !part.is_empty()).collect();
        if has_system && self.is_about_system(text, &parts, !refusals.is_empty()) {
            return Some(Omission::System);
        }
        let is_cap = parts.iter().any(|part| cap::is_name(part));
        if let Some(smaller) = cap::smaller(&whole, is_cap, sent) {
            return Some(smaller);
        }
        let found = by_param(text, &parts, &refusals, sent).or_else(|| {
            let complaints = Complaints { refusals, mislikes: phrases::places(text, MISLIKED) };
            self.nearest(text, &complaints, sent)
        });
        // How large it may be was not said.
        found.filter(|found| {
            !matches!(found, Omission::Cap | Omission::RenamedCap)
                || phrases::places(&whole, phrases::TOO_LARGE).is_empty()
        })
    }

    fn is_about_system(&self, text: &str, parts: &[&str], is_refused: bool) -> bool {
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
        let last = parts.iter().rfind(|part| !part.starts_with(|c: char| c.is_ascii_digit()));
        let is_param =
            last.is_some_and(|part| matches!(*part, "system" | "systeminstruction" | "system_instruction"));
        let is_named = is_param || says(SYSTEM);
        let is_role = last == Some(&"role") && (says(&["system", "developer"]) || says(MISLIKED));
        says(ROLES) || (is_refused && is_named) || (self.is_sure && is_role)
    }

    /// The field whose name stands nearest to a refusal.
    fn nearest(
        &self,
        text: &str,
        complaints: &Complaints,
        sent: &BTreeMap<String, Option<u64>>,
    ) -> Option<Omission> {
        let far = if self.is_sure { usize::MAX } else { NEAR };
        let fields =
            OPTIONAL.iter().filter(|optional| sent.contains_key(optional.name)).filter_map(|optional| {
                let places: Vec<_> =
                    optional.words.iter().flat_map(|word| phrases::words(text, word)).collect();
                let refused = phrases::distance(&places, &complaints.refusals);
                let whole_only = (optional.name == "stream" && !places.is_empty())
                    .then(|| phrases::distance(&places, &phrases::places(text, WHOLE_ONLY)))
                    .flatten();
                let misliked = (optional.is_plain && self.is_sure)
                    .then(|| phrases::distance(&places, &complaints.mislikes))
                    .flatten();
                // What is refused counts more than what may be a remark on values.
                let rank = |distance: Option<usize>, rank: u8| distance.map(|distance| (rank, distance));
                let best =
                    [rank(refused, 0), rank(whole_only, 0), rank(misliked, 1)].into_iter().flatten().min()?;
                Some((best, Omission::Field(optional.name)))
            });
        let by_cap = || {
            let distance = phrases::distance(&cap::places(text), &complaints.refusals)?;
            Some(((0, distance), cap::omission(sent)?))
        };
        // The first of equals is kept, and fields come in their order.
        let best = fields.chain(by_cap()).filter(|((_, distance), _)| *distance <= far);
        best.reduce(|best, other| if other.0 < best.0 { other } else { best }).map(|(_, omission)| omission)
    }
}

/// Where a text complains.
struct Complaints {
    refusals: Vec<(usize, usize)>,
    mislikes: Vec<(usize, usize)>,
}

/// The field that the error names in the place that it has for it.
fn by_param(
    text: &str,
    parts: &[&str],
    refusals: &[(usize, usize)],
    sent: &BTreeMap<String, Option<u64>>,
) -> Option<Omission> {
    if parts.iter().any(|part| cap::is_name(part)) {
        return cap::omission(sent);
    }
    let is_refused = !refusals.is_empty() || text.is_empty();
    let optional = OPTIONAL.iter().filter(|optional| sent.contains_key(optional.name)).find(|optional| {
        let is_param =
            parts.iter().any(|part| *part == optional.name.to_lowercase() || spelled(optional.name) == *part);
        let is_whole_only = optional.name == "stream" && !phrases::places(text, WHOLE_ONLY).is_empty();
        is_param && (optional.is_plain || is_refused || is_whole_only)
    })?;
    Some(Omission::Field(optional.name))
}

/// A name as servers in other languages write it.
fn spelled(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}
