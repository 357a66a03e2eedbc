//! Codes, types and phrases of failures that mean the same at many vendors.

use exai_core::Kind;

/// A `code` or `type` that OpenAI made common.
pub(super) fn common(word: &str) -> Option<Kind> {
    Some(match word {
        "context_length_exceeded" | "context_window_exceeded" | "model_context_window_exceeded" => {
            Kind::ContextTooLong
        }
        "content_filter" | "content_policy_violation" | "invalid_prompt" => Kind::ContentFiltered,
        "invalid_api_key"
        | "authentication_error"
        | "invalid_authentication"
        | "permission_error"
        | "permission_denied"
        | "unauthorized" => Kind::Auth,
        "model_not_found" => Kind::ModelNotFound,
        "insufficient_quota" | "billing_error" | "insufficient_balance" => Kind::Quota,
        "rate_limit_exceeded" | "rate_limit_error" | "too_many_requests" => Kind::RateLimited,
        "server_error"
        | "service_unavailable_error"
        | "overloaded_error"
        | "internal_error"
        | "api_error"
        | "timeout_error"
        | "network_error" => Kind::Unavailable,
        _ => return None,
    })
}

const CONTEXT: &[&str] = &[
    "maximum context length",
    "exceeded model token limit",
    "input token length too long",
    "prompt is too long",
    "prompt too long",
    "context length",
    "context window",
    "exceeds the available context size",
    "exceeds the maximum number of tokens allowed",
    "range of input length should be",
    "input too long",
    "input is too long",
    "context budget",
];
/// Phrases that contain one of the above and mean something else.
const NOT_CONTEXT: &[&str] = &["string_above_max_length"];
const QUOTA: &[&str] = &[
    "insufficient_quota",
    "insufficient balance",
    "exceeded your current quota",
    "exceeded_current_quota",
    "account balance",
    "billing cycle",
    "usage limit for this",
    "in arrears",
];
const FILTER: &[&str] =
    &["content_filter", "responsibleaipolicyviolation", "high risk", "datainspectionfailed"];
const KEY: &[&str] = &["invalid api key", "incorrect api key", "api key not valid", "api_key_invalid"];

/// What the text gives away where codes do not. Phrases that also occur in harmless texts count only with the statuses they come
/// with.
pub(super) fn by_text(text: &str, status: Option<u16>) -> Option<Kind> {
    let text = text.to_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    if says(QUOTA) {
        return Some(Kind::Quota);
    }
    if !matches!(status, Some(401..=404 | 429)) && says(CONTEXT) && !says(NOT_CONTEXT) {
        return Some(Kind::ContextTooLong);
    }
    if status != Some(429) && says(FILTER) {
        return Some(Kind::ContentFiltered);
    }
    says(KEY).then_some(Kind::Auth)
}
