//! OpenRouter, a gateway to many makers, by its public API reference (openrouter.ai/docs/api-reference). Its models are named
//! `maker/model`.

use exai_core::Kind;

use super::{COMPATIBLE, Forcing, JsonMode, Quirks, Replay, Sampling, ThinkingSwitch, Vendor, WebSearch};

pub(crate) static VENDOR: Vendor = Vendor {
    name: "openrouter",
    other_names: &[],
    base_url: Some("https://openrouter.ai/api/v1"),
    hosts: &["openrouter.ai"],
    version_path: "/api/v1",
    quirks: Quirks {
        output_cap: "max_tokens",
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
    headers: &[("x-title", "exai-mcp")],
    is_open: true,
    ..COMPATIBLE
};

fn word(word: &str) -> Option<Kind> {
    // Numbers stand where others have words; they are judged as statuses.
    matches!(word, "insufficient_credits").then_some(Kind::Quota)
}
