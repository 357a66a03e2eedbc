//! vLLM, by its public reference of the OpenAI-compatible server.

use exai_core::Kind;

use super::{COMPATIBLE, Forcing, JsonMode, Quirks, Replay, Sampling, ThinkingSwitch, Vendor, WebSearch};

pub(crate) static VENDOR: Vendor = Vendor {
    name: "vllm",
    other_names: &[],
    base_url: Some("http://127.0.0.1:8000/v1"),
    hosts: &[],
    version_path: "/v1",
    quirks: Quirks {
        output_cap: "max_tokens",
        sampling: Sampling::Free,
        switch: ThinkingSwitch::Absent,
        usual_efforts: &["low", "medium", "high"],
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

fn word(word: &str) -> Option<Kind> {
    Some(match word {
        "exceed_context_size_error" => Kind::ContextTooLong,
        "BadRequestError" => Kind::UpstreamRejected,
        "NotFoundError" => Kind::ModelNotFound,
        _ => return None,
    })
}
