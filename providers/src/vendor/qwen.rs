//! Alibaba Cloud Model Studio, whose models are called Qwen, by its public API reference (compatible mode).

use exai_core::Kind;

use super::{COMPATIBLE, Forcing, JsonMode, Quirks, Replay, Sampling, ThinkingSwitch, Vendor, WebSearch};

pub(crate) static VENDOR: Vendor = Vendor {
    name: "qwen",
    rank: Some(9),
    other_names: &["dashscope", "alibaba"],
    base_url: Some("https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
    hosts: &["dashscope-intl.aliyuncs.com", "dashscope.aliyuncs.com", "dashscope-us.aliyuncs.com"],
    version_path: "/compatible-mode/v1",
    quirks: Quirks {
        output_cap: "max_tokens",
        sampling: Sampling::Free,
        switch: ThinkingSwitch::Flag("enable_thinking"),
        usual_efforts: &["low", "medium", "xhigh"],
        json: JsonMode::ObjectOrSchema,
        replay: Replay::Nothing,
        asks_for_usage: true,
        names_cache: false,
        web_search: WebSearch::Absent,
        forcing: Forcing::Named,
    },
    word,
    ..COMPATIBLE
};

fn word(word: &str) -> Option<Kind> {
    Some(match word {
        "DataInspectionFailed" | "data_inspection_failed" => Kind::ContentFiltered,
        "Arrearage" => Kind::Quota,
        "Throttling" | "Throttling.RateQuota" | "Throttling.AllocationQuota" | "limit_requests" => {
            Kind::RateLimited
        }
        "InvalidApiKey" => Kind::Auth,
        "ModelNotFound" | "Model.AccessDenied" => Kind::ModelNotFound,
        _ => return None,
    })
}
