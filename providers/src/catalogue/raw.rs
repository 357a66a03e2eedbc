//! The table's own shape, and how it becomes our words.

use std::collections::BTreeMap;

use exai_core::{
    ModelId, ProviderId,
    model::{Capability, Mark, ModelOrigin, ModelSpec, Price, Status},
};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct RawCatalogue {
    pub(super) as_of: String,
    pub(super) providers: BTreeMap<String, RawProvider>,
}

#[derive(Deserialize)]
pub(super) struct RawProvider {
    #[serde(default)]
    pub(super) models: Vec<RawModel>,
}

#[derive(Deserialize)]
pub(super) struct RawModel {
    id: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    status: Status,
    context_window: u32,
    max_input: Option<u32>,
    max_output: Option<u32>,
    input_price: Option<f64>,
    output_price: Option<f64>,
    cached_input_price: Option<f64>,
    #[serde(default)]
    capabilities: Vec<String>,
    #[serde(default)]
    effort: Vec<String>,
    #[serde(default)]
    deprecated: String,
    successor: Option<String>,
    #[serde(default)]
    intelligence: u8,
    #[serde(default)]
    marks: Vec<Mark>,
}

impl RawModel {
    /// `None` for what cannot chat, such as embedding models.
    pub(super) fn into_spec(self, provider: &ProviderId) -> Option<ModelSpec> {
        if !self.capabilities.iter().any(|word| word == "chat") {
            return None;
        }
        Some(ModelSpec {
            provider: provider.clone(),
            id: ModelId::new(self.id),
            aliases: self.aliases,
            context_window: self.context_window,
            max_input: self.max_input,
            max_output: self.max_output,
            price: Price {
                input: self.input_price,
                output: self.output_price,
                cached_input: self.cached_input_price,
            },
            capabilities: self.capabilities.iter().filter_map(|word| capability(word)).collect(),
            effort: self.effort,
            status: self.status,
            retires: Some(self.deprecated).filter(|day| !day.is_empty()),
            successor: self.successor.filter(|id| !id.is_empty()).map(ModelId::new),
            intelligence: self.intelligence,
            marks: self.marks,
            window_known: true,
            origin: ModelOrigin::Catalogue,
        })
    }
}

/// The table has more words than anyone here asks for; those are skipped.
fn capability(word: &str) -> Option<Capability> {
    Some(match word {
        "vision" => Capability::Vision,
        "tools" => Capability::Tools,
        "thinking" => Capability::Thinking,
        "thinking_always" => Capability::ThinkingAlways,
        "effort" => Capability::Effort,
        "json_object" => Capability::JsonObject,
        "json_schema" => Capability::JsonSchema,
        "prompt_cache" => Capability::PromptCache,
        "web_search" => Capability::WebSearch,
        "responses_api_only" => Capability::ResponsesApiOnly,
        _ => return None,
    })
}
