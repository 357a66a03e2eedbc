//! Azure OpenAI, by its public API reference (the `/openai/v1/` interface). Models are deployments, which the user names; so the
//! address is the user's own too.

use exai_core::Kind;

use super::{
    Auth, COMPATIBLE, Forcing, JsonMode, Quirks, Replay, Sampling, ThinkingSwitch, Vendor, WebSearch,
};

pub(crate) static VENDOR: Vendor = Vendor {
    name: "azure",
    other_names: &["azure-openai"],
    base_url: None,
    hosts: &[],
    version_path: "/openai/v1",
    quirks: Quirks {
        output_cap: "max_completion_tokens",
        sampling: Sampling::NotWhenThinking,
        switch: ThinkingSwitch::Absent,
        usual_efforts: &["low", "medium", "high"],
        json: JsonMode::ObjectOrSchema,
        replay: Replay::Nothing,
        asks_for_usage: true,
        names_cache: false,
        web_search: WebSearch::Absent,
        forcing: Forcing::All,
    },
    word,
    auth: Auth::Header("api-key"),
    is_open: true,
    ..COMPATIBLE
};

fn word(word: &str) -> Option<Kind> {
    Some(match word {
        "DeploymentNotFound" => Kind::ModelNotFound,
        "ResponsibleAIPolicyViolation" => Kind::ContentFiltered,
        "429" => Kind::RateLimited,
        _ => return None,
    })
}
