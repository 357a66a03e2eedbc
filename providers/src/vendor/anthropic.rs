//! Anthropic, by its public API reference (docs.anthropic.com: messages, errors, prompt caching, extended thinking).

use exai_core::Kind;

use super::{Auth, COMPATIBLE, NO_QUIRKS, Quirks, Vendor, WebSearch, Wire};

pub(crate) static VENDOR: Vendor = Vendor {
    name: "anthropic",
    rank: Some(4),
    other_names: &["claude"],
    base_url: Some("https://api.anthropic.com/v1"),
    hosts: &["api.anthropic.com"],
    version_path: "/v1",
    quirks: Quirks { web_search: WebSearch::Tool("web_search"), ..NO_QUIRKS },
    word,
    wire: |_, _| Wire::Messages,
    auth: Auth::Header("x-api-key"),
    headers: &[("anthropic-version", "2023-06-01")],
    ..COMPATIBLE
};

fn word(word: &str) -> Option<Kind> {
    Some(match word {
        "not_found_error" => Kind::ModelNotFound,
        "request_too_large" => Kind::ContextTooLong,
        // The text tells a prompt that is too long from the rest.
        "invalid_request_error" => Kind::UpstreamRejected,
        "enforced_spend_limit_reached" => Kind::Quota,
        _ => return None,
    })
}
