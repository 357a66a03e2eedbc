//! Z.ai's GLM, by its public API reference (docs.z.ai: chat completion, error codes).

use exai_core::Kind;

use super::{
    COMPATIBLE, Forcing, JsonMode, Quirks, Replay, Sampling, SearchFacts, ThinkingSwitch, Vendor, WebSearch,
};

pub(crate) static VENDOR: Vendor = Vendor {
    name: "glm",
    rank: Some(1),
    permits: Some(4),
    other_names: &["zai", "z.ai", "zhipu"],
    base_url: Some("https://api.z.ai/api/paas/v4"),
    hosts: &["api.z.ai", "open.bigmodel.cn"],
    version_path: "/api/paas/v4",
    quirks: Quirks {
        output_cap: "max_tokens",
        sampling: Sampling::Clamped(0.0, 1.0),
        // Models before 5.3 can be told not to think; later ones always do and take an effort.
        switch: ThinkingSwitch::Type("enabled"),
        usual_efforts: &["low", "high", "max"],
        json: JsonMode::ObjectOrSchema,
        // Earlier reasoning is dropped at the vendor's end unless `clear_thinking: false` is sent, which we do not.
        replay: Replay::Nothing,
        // docs.z.ai, "Web Search in Chat".
        asks_for_usage: true,
        names_cache: false,
        web_search: WebSearch::Tool("search-prime"),
        forcing: Forcing::AutoOnly,
    },
    word,
    // docs.z.ai, "Web Search API".
    search: Some(SearchFacts { path: "web_search", engine: "search-prime" }),
    ..COMPATIBLE
};

/// The business code, a number written as a string, decides: HTTP 429 also stands for an empty balance.
fn word(word: &str) -> Option<Kind> {
    let code: u16 = word.parse().ok()?;
    Some(match code {
        1000..=1005 | 1220 | 1110 | 1111 | 1112 | 1121 => Kind::Auth,
        // In arrears; period caps that reset at a given time; plan expired or without this model; fair use.
        1113 | 1304 | 1308..=1311 | 1313..=1321 => Kind::Quota,
        1120 | 1200 | 1230 | 1234 => Kind::Unavailable,
        1211 | 1212 | 1221 | 1222 => Kind::ModelNotFound,
        1261 => Kind::ContextTooLong,
        1300 | 1301 => Kind::ContentFiltered,
        1302 | 1303 | 1305 | 1312 => Kind::RateLimited,
        1210 | 1213..=1215 | 1231 | 1400..=1499 => Kind::UpstreamRejected,
        _ => return None,
    })
}
