//! Which optional parameters a model gets, and with which values. What nobody set is never sent.

use exai_core::{
    chat::{Request, Thinking},
    model::{Capability, ModelSpec},
};

use crate::{
    vendor::{JsonMode, Quirks, Sampling, ThinkingSwitch, WebSearch},
    wire::chat_completions::Dialect,
};

/// The optional fields of a request.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Params {
    pub(super) temperature: Option<f32>,
    /// Under the vendor's name of the field.
    pub(super) output_cap: Option<u32>,
    pub(super) effort: Option<String>,
    /// `thinking.type`
    pub(super) thinking: Option<&'static str>,
    pub(super) json: bool,
    /// The engine of the vendor's own search.
    pub(super) web_search: Option<&'static str>,
}

impl Params {
    pub(super) fn of(request: &Request, dialect: &Dialect, quirks: &Quirks) -> Self {
        let model = &dialect.model;
        let (effort, thinking) = request.thinking.map_or((None, None), |level| think(level, model, quirks));
        Self {
            temperature: request.temperature.and_then(|wanted| temperature(wanted, model, dialect.sampling)),
            output_cap: request.max_output_tokens,
            effort,
            thinking,
            json: request.json && takes_json(model, quirks),
            web_search: search_engine(model, quirks).filter(|_| request.web_search),
        }
    }
}

fn temperature(wanted: f32, model: &ModelSpec, sampling: Sampling) -> Option<f32> {
    match sampling {
        _ if !wanted.is_finite() => None,
        Sampling::Free => Some(wanted),
        Sampling::NotWhenThinking => (!model.can(Capability::Thinking)).then_some(wanted),
        Sampling::NotForPrefix(prefix) => (!model.id.as_str().starts_with(prefix)).then_some(wanted),
        Sampling::Clamped(low, high) => Some(wanted.clamp(low, high)),
    }
}

/// The engine with which a model can search the web within its answer.
pub(super) fn search_engine(model: &ModelSpec, quirks: &Quirks) -> Option<&'static str> {
    match quirks.web_search {
        WebSearch::Tool(engine) if model.can(Capability::WebSearch) => Some(engine),
        WebSearch::Tool(_) | WebSearch::Absent => None,
    }
}

fn takes_json(model: &ModelSpec, quirks: &Quirks) -> bool {
    model.can(Capability::JsonObject)
        || (quirks.json == JsonMode::ObjectOrSchema && model.can(Capability::JsonSchema))
}

/// The effort, or the word of the switch. A model that does not think gets neither.
fn think(level: Thinking, model: &ModelSpec, quirks: &Quirks) -> (Option<String>, Option<&'static str>) {
    if model.can(Capability::Effort) {
        let offered: Vec<&str> = if model.effort.is_empty() {
            quirks.usual_efforts.to_vec()
        } else {
            model.effort.iter().map(String::as_str).collect()
        };
        return (nearest(level, &offered).map(str::to_owned), None);
    }
    if !model.can(Capability::Thinking) || model.can(Capability::ThinkingAlways) {
        return (None, None);
    }
    match quirks.switch {
        ThinkingSwitch::Absent => (None, None),
        ThinkingSwitch::Type(_) if level == Thinking::Minimal => (None, Some("disabled")),
        ThinkingSwitch::Type(on) => (None, Some(on)),
    }
}

/// The level itself, else the next higher one that is offered, else the highest.
fn nearest<'a>(level: Thinking, offered: &[&'a str]) -> Option<&'a str> {
    let wanted = rank(level.as_str());
    let known = || offered.iter().copied().filter_map(|word| rank(word).map(|rank| (rank, word)));
    known()
        .filter(|(rank, _)| Some(*rank) >= wanted)
        .min_by_key(|(rank, _)| *rank)
        .or_else(|| known().max_by_key(|(rank, _)| *rank))
        .map(|(_, word)| word)
}

fn rank(word: &str) -> Option<usize> {
    ["none", "minimal", "low", "medium", "high", "xhigh", "max"].iter().position(|known| *known == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_is_not_offered_becomes_the_next_higher_one() {
        use Thinking::{High, Low, Max, Medium, Minimal};
        let three = ["low", "high", "max"];
        let openai = ["low", "medium", "high", "xhigh"];
        let all = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
        for (level, offered, word) in [
            (Minimal, &three[..], "low"),
            (Low, &three, "low"),
            (Medium, &three, "high"),
            (High, &three, "high"),
            (Max, &three, "max"),
            (Max, &openai, "xhigh"),
            (Minimal, &openai, "low"),
            (Minimal, &all, "minimal"),
            (Max, &["low", "high"], "high"),
        ] {
            assert_eq!(nearest(level, offered), Some(word), "{level:?} of {offered:?}");
        }
        assert_eq!(nearest(High, &["turbo"]), None);
        assert_eq!(nearest(High, &[]), None);
    }
}
