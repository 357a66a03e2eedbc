//! OpenAI, by its public API reference and its error guide (help.openai.com, article 5955604).

use exai_core::{
    Kind,
    chat::{Part, Request},
    files::Reading,
    model::{Capability, ModelSpec},
};

use super::{
    COMPATIBLE, FileFacts, Forcing, JsonMode, Quirks, Replay, Sampling, ThinkingSwitch, Vendor, WebSearch,
    Wire,
};

pub(crate) static VENDOR: Vendor = Vendor {
    name: "openai",
    rank: Some(0),
    other_names: &[],
    base_url: Some("https://api.openai.com/v1"),
    hosts: &["api.openai.com", "eu.api.openai.com", "us.api.openai.com"],
    version_path: "/v1",
    quirks: Quirks {
        // Reasoning models refuse the older `max_tokens`.
        output_cap: "max_completion_tokens",
        sampling: Sampling::NotWhenThinking,
        switch: ThinkingSwitch::Absent,
        // Every reasoning model takes these three; `none`, `minimal`, `xhigh` and `max` differ from model to model.
        usual_efforts: &["low", "medium", "high"],
        // Refused unless the word JSON occurs in the messages.
        json: JsonMode::ObjectOrSchema,
        replay: Replay::Nothing,
        asks_for_usage: true,
        names_cache: true,
        web_search: WebSearch::Responses,
        forcing: Forcing::All,
    },
    word,
    wire,
    // platform.openai.com, "File inputs": 50 MB a file.
    files: Some(FileFacts { purpose: "user_data", reading: Reading::ById, max_bytes: 50_000_000 }),
    ..COMPATIBLE
};

/// Some models speak the Responses interface only; the vendor's own web search, functions together with thinking,
/// and files exist only there.
fn wire(model: &ModelSpec, request: &Request) -> Wire {
    let searches = request.web_search && model.can(Capability::WebSearch);
    let calls = !request.tools.is_empty() && model.can(Capability::Thinking);
    let reads = request.messages.iter().flat_map(|message| &message.parts);
    let reads = reads.into_iter().any(|part| matches!(part, Part::File { .. }));
    if searches || calls || reads || model.can(Capability::ResponsesApiOnly) {
        Wire::Responses
    } else {
        Wire::ChatCompletions
    }
}

fn word(word: &str) -> Option<Kind> {
    Some(match word {
        "unsupported_country_region_territory" | "account_deactivated" => Kind::Auth,
        "credit_balance_exhausted"
        | "organization_spend_limit_exceeded"
        | "project_spend_limit_exceeded"
        | "organization_usage_limit_exceeded"
        | "billing_hard_limit_reached"
        | "billing_not_active" => Kind::Quota,
        "slow_down" => Kind::RateLimited,
        "server_is_overloaded" => Kind::Unavailable,
        "unsupported_value" | "unsupported_parameter" | "string_above_max_length" => Kind::UpstreamRejected,
        _ => return None,
    })
}
