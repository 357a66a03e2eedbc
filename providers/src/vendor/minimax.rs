//! MiniMax, by its public API reference (platform.minimax.io: OpenAI-compatible API, error codes, rate limits).

use exai_core::Kind;

use super::{COMPATIBLE, Forcing, JsonMode, Quirks, Replay, Sampling, ThinkingSwitch, Vendor, WebSearch};

pub(crate) static VENDOR: Vendor = Vendor {
    name: "minimax",
    rank: Some(3),
    other_names: &[],
    base_url: Some("https://api.minimax.io/v1"),
    hosts: &["api.minimax.io", "api.minimaxi.com", "api.minimax.cn"],
    version_path: "/v1",
    quirks: Quirks {
        output_cap: "max_completion_tokens",
        // Zero is refused.
        sampling: Sampling::Clamped(0.01, 1.0),
        // M3; the M2 family always thinks.
        switch: ThinkingSwitch::Type("adaptive"),
        usual_efforts: &[],
        // A schema is documented for M3, a bare object for none.
        json: JsonMode::ObjectOnly,
        replay: Replay::ReasoningDetails,
        asks_for_usage: true,
        names_cache: false,
        web_search: WebSearch::Absent,
        forcing: Forcing::Nothing,
    },
    word,
    ..COMPATIBLE
};

/// The codes of `base_resp.status_code`, which can arrive with HTTP 200.
fn word(word: &str) -> Option<Kind> {
    Some(match word {
        "1000" | "1001" | "1013" | "1024" | "1033" => Kind::Unavailable,
        "1002" | "1039" | "1041" | "2045" => Kind::RateLimited,
        "1004" | "2049" => Kind::Auth,
        // No balance; the five-hour window is used up.
        "1008" | "2056" => Kind::Quota,
        "1026" | "1027" => Kind::ContentFiltered,
        // Invisible characters; invalid parameters.
        "1042" | "2013" => Kind::UpstreamRejected,
        _ => return None,
    })
}
