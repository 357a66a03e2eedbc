//! DeepSeek, by its public API reference (api-docs.deepseek.com: chat completion, thinking mode, error codes).

use exai_core::Kind;

use super::{COMPATIBLE, Forcing, JsonMode, Quirks, Replay, Sampling, ThinkingSwitch, Vendor, WebSearch};

pub(crate) static VENDOR: Vendor = Vendor {
    name: "deepseek",
    rank: Some(7),
    other_names: &[],
    base_url: Some("https://api.deepseek.com"),
    hosts: &["api.deepseek.com"],
    version_path: "",
    quirks: Quirks {
        output_cap: "max_tokens",
        sampling: Sampling::Free,
        switch: ThinkingSwitch::Type("enabled"),
        usual_efforts: &["low", "high", "max"],
        json: JsonMode::ObjectOrSchema,
        replay: Replay::ReasoningContent,
        asks_for_usage: true,
        names_cache: false,
        web_search: WebSearch::Absent,
        forcing: Forcing::All,
    },
    word,
    ..COMPATIBLE
};

fn word(word: &str) -> Option<Kind> {
    // 402 is an empty balance, 422 a wrong parameter; both are judged by their status.
    matches!(word, "invalid_request_error").then_some(Kind::UpstreamRejected)
}
