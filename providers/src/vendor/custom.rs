//! Endpoints that speak OpenAI's chat completions and are none of the known vendors: gateways and servers at home.

use exai_core::Kind;

use super::{COMPATIBLE, Forcing, JsonMode, Quirks, Replay, Sampling, ThinkingSwitch, Vendor, WebSearch};

pub(crate) static VENDOR: Vendor = Vendor {
    name: "custom",
    other_names: &[],
    base_url: None,
    hosts: &[],
    version_path: "/v1",
    quirks: Quirks {
        // The older name: every server knows it.
        output_cap: "max_tokens",
        sampling: Sampling::Free,
        switch: ThinkingSwitch::Absent,
        usual_efforts: &["low", "medium", "high"],
        // LM Studio refuses an object although it takes a schema.
        json: JsonMode::ObjectOnly,
        replay: Replay::Nothing,
        asks_for_usage: true,
        names_cache: false,
        web_search: WebSearch::Absent,
        forcing: Forcing::All,
    },
    word,
    is_open: true,
    ..COMPATIBLE
};

/// Words of the local servers (llama.cpp, vLLM) and gateways (OpenRouter, DashScope, Azure) that the common list lacks.
fn word(word: &str) -> Option<Kind> {
    Some(match word {
        "exceed_context_size_error" => Kind::ContextTooLong,
        "ResponsibleAIPolicyViolation" | "DataInspectionFailed" | "data_inspection_failed" => {
            Kind::ContentFiltered
        }
        "Arrearage" => Kind::Quota,
        "Throttling" | "Throttling.RateQuota" | "Throttling.AllocationQuota" | "limit_requests" => {
            Kind::RateLimited
        }
        _ => return None,
    })
}
