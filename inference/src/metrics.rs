//! Figures of the work, for the recorder that a program may have installed; nothing happens without one. Labels are from closed sets: the configured
//! providers.

use std::time::Duration;

use exai_core::{ProviderId, chat::Usage, provider::ProviderError};
use metrics::{counter, gauge, histogram};

/// One attempt: how it ended and how long it took.
pub(crate) fn attempt(provider: &ProviderId, took: Duration, failure: Option<&ProviderError>) {
    let name = provider.to_string();
    let success = if failure.is_none() { "true" } else { "false" };
    counter!("exai_requests_total", "provider" => name.clone(), "success" => success).increment(1);
    histogram!("exai_request_duration_seconds", "provider" => name).record(took.as_secs_f64());
}

/// What a provider says an answer has used.
pub(crate) fn tokens(provider: &ProviderId, usage: &Usage) {
    let name = provider.to_string();
    counter!("exai_tokens_total", "provider" => name.clone(), "direction" => "input")
        .increment(usage.input_tokens);
    counter!("exai_tokens_total", "provider" => name, "direction" => "output").increment(usage.output_tokens);
}

/// What an answer has cost, in US dollars.
pub(crate) fn cost(provider: &ProviderId, dollars: f64) {
    gauge!("exai_cost_usd", "provider" => provider.to_string()).increment(dollars);
}

/// Who has answered, and whether that was the first choice.
pub(crate) fn routed(provider: &ProviderId, first: bool) {
    let choice = if first { "first" } else { "fallback" };
    counter!("exai_routing_decisions_total", "provider" => provider.to_string(), "choice" => choice)
        .increment(1);
}
