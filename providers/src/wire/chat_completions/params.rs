//! Which optional parameters a model gets, and with which values. A parameter that was not set is never sent.

use exai_core::{
    chat::{Request, Thinking},
    model::{Capability, ModelSpec},
};

use crate::{
    vendor::{JsonMode, Quirks, Sampling, ThinkingSwitch, WebSearch},
    wire::{chat_completions::Dialect, effort},
};

/// The optional fields of a request.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Params {
    pub(super) temperature: Option<f32>,
    /// Under the vendor's name of the field.
    pub(super) output_cap: Option<u32>,
    pub(super) effort: Option<String>,
    pub(super) thinking: Option<Switch>,
    pub(super) json: bool,
    /// The engine of the vendor's own search.
    pub(super) web_search: Option<&'static str>,
}

/// How thinking is turned on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Switch {
    /// `thinking.type`.
    Type(&'static str),
    /// A field of this name.
    Flag(&'static str, bool),
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
        WebSearch::Tool(_) | WebSearch::Responses | WebSearch::Absent => None,
    }
}

fn takes_json(model: &ModelSpec, quirks: &Quirks) -> bool {
    model.can(Capability::JsonObject)
        || (quirks.json == JsonMode::ObjectOrSchema && model.can(Capability::JsonSchema))
}

/// The effort, or the word of the switch. A model that does not think gets neither.
fn think(level: Thinking, model: &ModelSpec, quirks: &Quirks) -> (Option<String>, Option<Switch>) {
    if model.can(Capability::Effort) {
        let offered: Vec<&str> = if model.effort.is_empty() {
            quirks.usual_efforts.to_vec()
        } else {
            model.effort.iter().map(String::as_str).collect()
        };
        return (effort::nearest(level, &offered).map(str::to_owned), None);
    }
    if !model.can(Capability::Thinking) || model.can(Capability::ThinkingAlways) {
        return (None, None);
    }
    match quirks.switch {
        ThinkingSwitch::Absent => (None, None),
        ThinkingSwitch::Type(_) if level == Thinking::Minimal => (None, Some(Switch::Type("disabled"))),
        ThinkingSwitch::Type(on) => (None, Some(Switch::Type(on))),
        ThinkingSwitch::Flag(name) => (None, Some(Switch::Flag(name, level != Thinking::Minimal))),
    }
}
