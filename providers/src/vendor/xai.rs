//! xAI, by its public API reference (docs.x.ai).

use exai_core::Kind;

use super::{COMPATIBLE, Forcing, JsonMode, Quirks, Replay, Sampling, ThinkingSwitch, Vendor, WebSearch};

pub(crate) static VENDOR: Vendor = Vendor {
    name: "xai",
    rank: Some(6),
    other_names: &["grok"],
    base_url: Some("https://api.x.ai/v1"),
    hosts: &["api.x.ai"],
    version_path: "/v1",
    quirks: Quirks {
        output_cap: "max_completion_tokens",
        sampling: Sampling::Free,
        switch: ThinkingSwitch::Absent,
        usual_efforts: &["low", "medium", "high"],
        json: JsonMode::ObjectOrSchema,
        replay: Replay::Nothing,
        asks_for_usage: true,
        names_cache: false,
        web_search: WebSearch::Absent,
        forcing: Forcing::All,
    },
    word,
    ..COMPATIBLE
};

fn word(word: &str) -> Option<Kind> {
    matches!(word, "The model is currently overloaded").then_some(Kind::Unavailable)
}
