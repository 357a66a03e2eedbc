//! Moonshot AI's Kimi, by its public API reference (platform.kimi.ai: chat, models, errors).

use exai_core::{Kind, files::Reading};

use super::{
    COMPATIBLE, FileFacts, Forcing, JsonMode, Quirks, Replay, Sampling, ThinkingSwitch, Vendor, WebSearch,
};

pub(crate) static VENDOR: Vendor = Vendor {
    name: "kimi",
    rank: Some(2),
    permits: Some(6),
    other_names: &["moonshot", "moonshotai"],
    base_url: Some("https://api.moonshot.ai/v1"),
    hosts: &["api.moonshot.ai", "api.moonshot.cn"],
    version_path: "/v1",
    quirks: Quirks {
        output_cap: "max_completion_tokens",
        // Fixed at 1 on every kimi model; any other value is answered with 400.
        sampling: Sampling::NotForPrefix("kimi-"),
        // K2.5 and K2.6; K3 takes an effort instead and has no such field.
        switch: ThinkingSwitch::Type("enabled"),
        usual_efforts: &["low", "high", "max"],
        json: JsonMode::ObjectOrSchema,
        replay: Replay::ReasoningContent,
        asks_for_usage: true,
        names_cache: true,
        web_search: WebSearch::Absent,
        forcing: Forcing::Nothing,
    },
    word,
    // platform.kimi.ai, "Files": 100 MB a file; extracting the text of a file is free.
    files: Some(FileFacts { purpose: "file-extract", reading: Reading::Extracted, max_bytes: 100_000_000 }),
    ..COMPATIBLE
};

/// Errors have a type and mostly no code. HTTP 429 stands for pace, overload and money alike.
fn word(word: &str) -> Option<Kind> {
    Some(match word {
        "engine_overloaded_error" | "unexpected_output" => Kind::Unavailable,
        "rate_limit_reached_error" => Kind::RateLimited,
        "exceeded_current_quota_error" => Kind::Quota,
        "invalid_authentication_error" | "incorrect_api_key_error" | "access_terminated_error" => Kind::Auth,
        "resource_not_found_error" => Kind::ModelNotFound,
        _ => return None,
    })
}
