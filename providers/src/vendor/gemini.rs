//! Google's Gemini, by its public API reference (ai.google.dev: generateContent, thinking, errors).

use exai_core::Kind;

use super::{Auth, COMPATIBLE, NO_QUIRKS, Quirks, Vendor, WebSearch, Wire};

pub(crate) static VENDOR: Vendor = Vendor {
    name: "gemini",
    rank: Some(5),
    other_names: &["google"],
    base_url: Some("https://generativelanguage.googleapis.com/v1beta"),
    hosts: &["generativelanguage.googleapis.com"],
    version_path: "/v1beta",
    quirks: Quirks { web_search: WebSearch::Tool("google_search"), ..NO_QUIRKS },
    word,
    wire: |_, _| Wire::GenerateContent,
    auth: Auth::Header("x-goog-api-key"),
    ..COMPATIBLE
};

/// `status` of an error, and the `reason` of its details where there is one.
fn word(word: &str) -> Option<Kind> {
    Some(match word {
        "API_KEY_INVALID" | "UNAUTHENTICATED" | "PERMISSION_DENIED" => Kind::Auth,
        "RESOURCE_EXHAUSTED" => Kind::RateLimited,
        "UNAVAILABLE" | "INTERNAL" | "DEADLINE_EXCEEDED" => Kind::Unavailable,
        "NOT_FOUND" => Kind::ModelNotFound,
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" => Kind::UpstreamRejected,
        // The limit of a day does not pass by waiting a moment.
        word if word.contains("PerDay") => Kind::Quota,
        _ => return None,
    })
}
