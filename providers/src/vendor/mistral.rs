//! Mistral, by its public API reference (docs.mistral.ai/api).

use exai_core::Kind;

use super::{COMPATIBLE, Forcing, JsonMode, Quirks, Replay, Sampling, ThinkingSwitch, Vendor, WebSearch};

pub(crate) static VENDOR: Vendor = Vendor {
    name: "mistral",
    rank: Some(8),
    other_names: &[],
    base_url: Some("https://api.mistral.ai/v1"),
    hosts: &["api.mistral.ai"],
    version_path: "/v1",
    quirks: Quirks {
        output_cap: "max_tokens",
        sampling: Sampling::Free,
        switch: ThinkingSwitch::Absent,
        usual_efforts: &["none", "high"],
        json: JsonMode::ObjectOrSchema,
        replay: Replay::Nothing,
        asks_for_usage: false,
        names_cache: false,
        web_search: WebSearch::Absent,
        forcing: Forcing::All,
    },
    word,
    ..COMPATIBLE
};

fn word(word: &str) -> Option<Kind> {
    Some(match word {
        "invalid_model" => Kind::ModelNotFound,
        "service_tier_capacity_exceeded" => Kind::RateLimited,
        _ => return None,
    })
}
