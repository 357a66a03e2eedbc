//! What is known of a model.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{ModelId, ProviderId, chat::Usage};

/// Something a model can or must do; the catalogue's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Takes images.
    Vision,
    /// Can call functions.
    Tools,
    /// Thinks before it answers.
    Thinking,
    /// Cannot be told not to think.
    ThinkingAlways,
    /// Takes a reasoning effort.
    Effort,
    /// Can be held to a JSON object.
    JsonObject,
    /// Can be held to a JSON schema.
    JsonSchema,
    /// Reads its prompt from a cache at a lower price.
    PromptCache,
    /// Can search the web by itself.
    WebSearch,
    /// Speaks only the Responses interface, not chat completions.
    ResponsesApiOnly,
}

/// List prices in US dollars per one million tokens. `None` means not known, zero means free.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// Prompt tokens.
    pub input: Option<f64>,
    /// Answer tokens.
    pub output: Option<f64>,
    /// Prompt tokens read from the vendor's cache.
    pub cached_input: Option<f64>,
}

impl Price {
    /// What `usage` costs in US dollars, or `None` when a needed price is not known.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "token counts stay far below 2^52")]
    pub fn cost(&self, usage: &Usage) -> Option<f64> {
        let cached = usage.cached_input_tokens.min(usage.input_tokens);
        let input = self.input?;
        let cached_price = self.cached_input.unwrap_or(input);
        let fresh = (usage.input_tokens - cached) as f64 * input;
        Some((fresh + cached as f64 * cached_price + usage.output_tokens as f64 * self.output?) / 1e6)
    }
}

/// The stage of a model's life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// In service.
    #[default]
    Active,
    /// An end is announced.
    Deprecated,
    /// No longer answered by its vendor.
    Retired,
}

/// How this program knows that there is such a model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelOrigin {
    /// The table that is built into the program.
    #[default]
    Catalogue,
    /// The user's configuration.
    Configuration,
    /// The endpoint's own list.
    Endpoint,
    /// Nowhere: the name was passed through.
    PassedThrough,
}

/// The vendor's default for a purpose, when the caller names no model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// For conversation.
    Fast,
    /// For expert analysis.
    Deep,
}

/// One model of one provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSpec {
    /// Who serves it.
    pub provider: ProviderId,
    /// The vendor's spelling.
    pub id: ModelId,
    /// Other names that mean this model, compared without case.
    pub aliases: Vec<String>,
    /// Tokens of prompt and answer together.
    pub context_window: u32,
    /// Ceiling on the prompt, where it is lower than the window.
    pub max_input: Option<u32>,
    /// Ceiling on the answer.
    pub max_output: Option<u32>,
    /// List prices.
    pub price: Price,
    /// What it can do.
    pub capabilities: BTreeSet<Capability>,
    /// Accepted reasoning efforts in the vendor's spelling, weakest first; empty when none are known.
    pub effort: Vec<String>,
    /// The stage of its life.
    pub status: Status,
    /// Announced end as `YYYY-MM-DD`.
    pub retires: Option<String>,
    /// The vendor's replacement.
    pub successor: Option<ModelId>,
    /// 1..20, a routing judgement of this project and not a published figure; 0 when unknown.
    pub intelligence: u8,
    /// The vendor's default for a purpose.
    pub marks: Vec<Mark>,
    /// Whether the window is a fact or the default for unknown models.
    pub window_known: bool,
    /// How it is known.
    #[serde(default)]
    pub origin: ModelOrigin,
}

/// Share of a window that is kept for the answer, as its divisor.
const OUTPUT_SHARE: u32 = 4;
/// The most tokens that are kept for the answer.
const MAX_OUTPUT_RESERVE: u32 = 64_000;

impl ModelSpec {
    /// The window assumed for a model that nothing is known about.
    pub const UNKNOWN_WINDOW: u32 = 128_000;
    /// Tokens that the wire format adds around each message.
    pub const MESSAGE_OVERHEAD: u32 = 8;

    /// A model that is passed through by name, with `window` when the user told us.
    #[must_use]
    pub fn unknown(provider: ProviderId, id: ModelId, window: Option<u32>) -> Self {
        Self {
            provider,
            id,
            aliases: Vec::new(),
            context_window: window.unwrap_or(Self::UNKNOWN_WINDOW),
            max_input: None,
            max_output: None,
            price: Price::default(),
            capabilities: BTreeSet::new(),
            effort: Vec::new(),
            status: Status::Active,
            retires: None,
            successor: None,
            intelligence: 0,
            marks: Vec::new(),
            window_known: window.is_some(),
            origin: ModelOrigin::PassedThrough,
        }
    }

    /// Whether the model can be shown an image; one that nothing is known of is given the benefit of the doubt.
    #[must_use]
    pub fn may_see(&self) -> bool {
        self.can(Capability::Vision) || (self.capabilities.is_empty() && self.intelligence == 0)
    }

    /// Whether the model can call functions. Of one that nothing is known of it is not known that it cannot.
    #[must_use]
    pub fn may_call_functions(&self) -> bool {
        self.can(Capability::Tools) || self.capabilities.is_empty()
    }

    /// Whether the model has a capability.
    #[must_use]
    pub fn can(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }

    /// Whether `name` means this model: its id or an alias, without case.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.id.as_str().eq_ignore_ascii_case(name)
            || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
    }

    /// Tokens of prompt that the model takes, with room left for its answer.
    #[must_use]
    pub fn input_budget(&self) -> u32 {
        let wanted = (self.context_window / OUTPUT_SHARE).min(MAX_OUTPUT_RESERVE);
        let reserve = self.max_output.map_or(wanted, |cap| cap.min(wanted));
        let without_answer = self.context_window.saturating_sub(reserve);
        self.max_input.map_or(without_answer, |cap| cap.min(without_answer))
    }

    /// What remains of the input budget after `needed` tokens; `None` when they exceed it.
    #[must_use]
    pub fn room_after(&self, needed: u64) -> Option<u32> {
        self.input_budget().checked_sub(u32::try_from(needed).ok()?)
    }

    /// `provider/model`, the unambiguous spelling.
    #[must_use]
    pub fn qualified(&self) -> String {
        format!("{}/{}", self.provider, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(window: u32, max_input: Option<u32>, max_output: Option<u32>) -> ModelSpec {
        ModelSpec { max_input, max_output, ..ModelSpec::unknown("p".into(), "m".into(), Some(window)) }
    }

    #[test]
    fn the_prompt_leaves_room_for_the_answer() {
        assert_eq!(model(128_000, None, None).input_budget(), 96_000);
        assert_eq!(model(1_050_000, Some(922_000), Some(128_000)).input_budget(), 922_000);
        assert_eq!(model(8_000, None, Some(1_000)).input_budget(), 7_000);
    }

    #[test]
    fn nothing_remains_of_an_exceeded_budget() {
        let model = model(8_000, None, Some(1_000));
        assert_eq!(model.room_after(6_999), Some(1));
        assert_eq!(model.room_after(7_001), None);
        assert_eq!(model.room_after(u64::MAX), None);
    }

    #[test]
    fn cached_tokens_have_their_own_price() {
        let price = Price { input: Some(2.0), output: Some(10.0), cached_input: Some(0.5) };
        let usage = Usage {
            input_tokens: 1_000_000,
            output_tokens: 100_000,
            cached_input_tokens: 400_000,
            ..Usage::default()
        };
        assert!((price.cost(&usage).unwrap() - (1.2 + 0.2 + 1.0)).abs() < 1e-9);
        assert_eq!(Price::default().cost(&usage), None);
    }
}
