//! What differs between vendors, as data: a vendor is a value of [`Vendor`], not a type.

mod anthropic;
mod azure;
mod custom;
mod deepseek;
mod gemini;
mod glm;
mod kimi;
mod litellm;
mod llamacpp;
mod lmstudio;
mod minimax;
mod mistral;
mod ollama;
mod openai;
mod openrouter;
mod qwen;
mod vllm;
mod xai;

use exai_core::{Kind, chat::Request, files::Reading, function_calling::ToolChoice, model::ModelSpec};

/// The dialects that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VendorKind {
    /// OpenAI.
    OpenAi,
    /// Z.ai, whose models are called GLM.
    Glm,
    /// Moonshot AI, whose models are called Kimi.
    Kimi,
    /// MiniMax.
    MiniMax,
    /// Anthropic, whose models are called Claude.
    Anthropic,
    /// Google's Gemini.
    Gemini,
    /// xAI, whose models are called Grok.
    XAi,
    /// DeepSeek.
    DeepSeek,
    /// Mistral.
    Mistral,
    /// Alibaba Cloud, whose models are called Qwen.
    Qwen,
    /// OpenRouter, a gateway.
    OpenRouter,
    /// Azure OpenAI.
    Azure,
    /// Ollama.
    Ollama,
    /// LM Studio.
    LmStudio,
    /// The server of llama.cpp.
    LlamaCpp,
    /// vLLM.
    Vllm,
    /// LiteLLM's proxy.
    LiteLlm,
    /// Anything else that speaks OpenAI's chat completions.
    Custom,
}

impl VendorKind {
    /// All that have a name, in the order in which a default is looked for.
    pub const NAMED: [Self; 17] = [
        Self::OpenAi,
        Self::Glm,
        Self::Kimi,
        Self::MiniMax,
        Self::Anthropic,
        Self::Gemini,
        Self::XAi,
        Self::DeepSeek,
        Self::Mistral,
        Self::Qwen,
        Self::OpenRouter,
        Self::Azure,
        Self::Ollama,
        Self::LmStudio,
        Self::LlamaCpp,
        Self::Vllm,
        Self::LiteLlm,
    ];

    /// The name in settings and provider ids.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The vendor that a name means: ours or the company's (`zai`, `moonshot`), without case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMED.into_iter().chain([Self::Custom]).find(|kind| {
            let facts = kind.facts();
            facts.name.eq_ignore_ascii_case(name)
                || facts.other_names.iter().any(|other| other.eq_ignore_ascii_case(name))
        })
    }

    /// The vendor's own address.
    #[must_use]
    pub fn base_url(self) -> Option<&'static str> {
        self.facts().base_url
    }

    /// The vendor's place, counted from 0, among those that are asked by default; `None` for those whose models the user must name.
    #[must_use]
    pub fn rank(self) -> Option<u8> {
        self.facts().rank
    }

    /// Attempts at once that the vendor's usual plans bear; `None` where no such limit is known.
    #[must_use]
    pub fn permits(self) -> Option<usize> {
        self.facts().permits
    }

    /// Whether files can be put at the vendor's for its models to read.
    #[must_use]
    pub fn keeps_files(self) -> bool {
        self.facts().files.is_some()
    }

    /// Whether the vendor searches the web outside of an answer.
    #[must_use]
    pub fn searches_by_itself(self) -> bool {
        self.facts().search.is_some()
    }

    pub(crate) fn facts(self) -> &'static Vendor {
        match self {
            Self::OpenAi => &openai::VENDOR,
            Self::Glm => &glm::VENDOR,
            Self::Kimi => &kimi::VENDOR,
            Self::MiniMax => &minimax::VENDOR,
            Self::Anthropic => &anthropic::VENDOR,
            Self::Gemini => &gemini::VENDOR,
            Self::XAi => &xai::VENDOR,
            Self::DeepSeek => &deepseek::VENDOR,
            Self::Mistral => &mistral::VENDOR,
            Self::Qwen => &qwen::VENDOR,
            Self::OpenRouter => &openrouter::VENDOR,
            Self::Azure => &azure::VENDOR,
            Self::Ollama => &ollama::VENDOR,
            Self::LmStudio => &lmstudio::VENDOR,
            Self::LlamaCpp => &llamacpp::VENDOR,
            Self::Vllm => &vllm::VENDOR,
            Self::LiteLlm => &litellm::VENDOR,
            Self::Custom => &custom::VENDOR,
        }
    }
}

/// The facts about a vendor.
pub(crate) struct Vendor {
    pub(crate) name: &'static str,
    /// Its place, counted from 0, among the vendors that are asked by default; `None` for those whose models the user must name.
    pub(crate) rank: Option<u8>,
    /// Attempts at once that the vendor's usual plans bear; `None` where no such limit is known.
    pub(crate) permits: Option<usize>,
    /// Names that mean the same, the catalogue's among them.
    pub(crate) other_names: &'static [&'static str],
    pub(crate) base_url: Option<&'static str>,
    /// Hosts that are the vendor's own, where its retired names may be mapped to their successors.
    pub(crate) hosts: &'static [&'static str],
    /// Put behind an address that names no version.
    pub(crate) version_path: &'static str,
    pub(crate) quirks: Quirks,
    /// What an error's `code`, `type` or status code of its own means.
    pub(crate) word: fn(&str) -> Option<Kind>,
    /// In which format a request for a model is sent.
    pub(crate) wire: fn(&ModelSpec, &Request) -> Wire,
    pub(crate) auth: Auth,
    /// Headers of every request.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// Whether models that are in no list are passed through by name.
    pub(crate) is_open: bool,
    pub(crate) files: Option<FileFacts>,
    pub(crate) search: Option<SearchFacts>,
}

/// How files lie at a vendor's whose file interface is shaped like OpenAI's.
#[derive(Debug)]
pub(crate) struct FileFacts {
    /// What an upload says it is for.
    pub(crate) purpose: &'static str,
    pub(crate) reading: Reading,
    pub(crate) max_bytes: u64,
}

/// How the web is searched outside of an answer.
#[derive(Debug)]
pub(crate) struct SearchFacts {
    /// Behind the base address.
    pub(crate) path: &'static str,
    /// The engine when none is named.
    pub(crate) engine: &'static str,
}

/// What is usual, for the end of a vendor's facts. It has no name, so it is no vendor.
const COMPATIBLE: Vendor = Vendor {
    name: "",
    rank: None,
    permits: None,
    other_names: &[],
    base_url: None,
    hosts: &[],
    version_path: "",
    quirks: NO_QUIRKS,
    word: |_| None,
    wire: |_, _| Wire::ChatCompletions,
    auth: Auth::Bearer,
    headers: &[],
    is_open: false,
    files: None,
    search: None,
};

/// Of a vendor that is not asked in chat completions.
const NO_QUIRKS: Quirks = Quirks {
    output_cap: "max_tokens",
    sampling: Sampling::Free,
    switch: ThinkingSwitch::Absent,
    usual_efforts: &[],
    json: JsonMode::ObjectOrSchema,
    replay: Replay::Nothing,
    asks_for_usage: true,
    names_cache: false,
    web_search: WebSearch::Absent,
    forcing: Forcing::All,
};

/// The formats that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// OpenAI's chat completions.
    ChatCompletions,
    /// OpenAI's Responses.
    Responses,
    /// Anthropic's Messages.
    Messages,
    /// Gemini's own format.
    GenerateContent,
}

/// Where the key goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Auth {
    /// `Authorization: Bearer`.
    Bearer,
    /// A header of this name.
    Header(&'static str),
}

/// Where chat completions differ.
pub(crate) struct Quirks {
    /// The field that caps the answer.
    pub(crate) output_cap: &'static str,
    pub(crate) sampling: Sampling,
    pub(crate) switch: ThinkingSwitch,
    /// Efforts of a model that takes an effort and whose own list is not known, weakest first.
    pub(crate) usual_efforts: &'static [&'static str],
    pub(crate) json: JsonMode,
    pub(crate) replay: Replay,
    /// Whether token counts have to be asked for.
    pub(crate) asks_for_usage: bool,
    /// `prompt_cache_key` says which requests begin alike, so that they reach the same cache
    /// (<https://platform.openai.com/docs/guides/prompt-caching>, <https://platform.kimi.ai/docs/api/chat>).
    pub(crate) names_cache: bool,
    pub(crate) web_search: WebSearch,
    pub(crate) forcing: Forcing,
}

/// Which temperatures may be sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Sampling {
    /// Any.
    Free,
    /// Any, but none to a model that thinks.
    NotWhenThinking,
    /// None to models whose id begins so.
    NotForPrefix(&'static str),
    /// Moved into this range.
    Clamped(f32, f32),
}

/// How thinking is turned on and off where there is no effort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ThinkingSwitch {
    /// Nothing is sent.
    Absent,
    /// `thinking.type` with this word for "on" and `disabled` for "off".
    Type(&'static str),
    /// A field of this name, true or false.
    Flag(&'static str),
}

/// When `response_format: json_object` may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonMode {
    /// To models that can be held to an object or to a schema.
    ObjectOrSchema,
    /// To models that are known to take an object.
    ObjectOnly,
}

/// What the vendor wants back with the assistant's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replay {
    /// Nothing.
    Nothing,
    /// `reasoning_content`, as text.
    ReasoningContent,
    /// `reasoning_details`, as a list; asked for with `reasoning_split`.
    ReasoningDetails,
}

/// Whether a model can be made to call functions. What cannot be said is left to the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forcing {
    /// Any, and a named one.
    All,
    /// Any; a named one is passed over.
    Any,
    /// A named one; any is refused.
    Named,
    /// Not at all.
    Nothing,
    /// Nor can it be kept from calling.
    AutoOnly,
}

impl Forcing {
    /// Whether a choice is taken as it is meant.
    pub(crate) fn takes(self, choice: &ToolChoice) -> bool {
        match choice {
            ToolChoice::Auto => true,
            ToolChoice::None => self != Self::AutoOnly,
            ToolChoice::Required => matches!(self, Self::All | Self::Any),
            ToolChoice::Named(_) => matches!(self, Self::All | Self::Named),
        }
    }
}

/// How a model is allowed to search the web within its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WebSearch {
    /// It is not.
    Absent,
    /// In the Responses interface, which is then used.
    Responses,
    /// A tool of type `web_search` that the vendor runs itself, with this engine.
    Tool(&'static str),
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_vendor_has_its_company_name_too() {
        for (name, kind) in [
            ("ZAI", VendorKind::Glm),
            ("glm", VendorKind::Glm),
            ("moonshot", VendorKind::Kimi),
            ("custom", VendorKind::Custom),
            ("claude", VendorKind::Anthropic),
            ("google", VendorKind::Gemini),
            ("dashscope", VendorKind::Qwen),
        ] {
            assert_eq!(VendorKind::from_name(name), Some(kind), "{name}");
        }
        assert_eq!(VendorKind::from_name(""), None);
        assert_eq!(VendorKind::from_name("nobody"), None);
    }

    #[test]
    fn default_vendors_stand_in_their_order() {
        let ranks: Vec<u8> = VendorKind::NAMED.into_iter().filter_map(VendorKind::rank).collect();
        assert_eq!(ranks, (0..10).collect::<Vec<u8>>());
        assert_eq!(VendorKind::Custom.rank(), None);
    }

    #[test]
    fn names_are_unique_and_hosts_complete() {
        let mut names = BTreeSet::new();
        for kind in VendorKind::NAMED {
            let facts = kind.facts();
            for name in facts.other_names.iter().chain([&facts.name]) {
                assert!(!name.is_empty() && names.insert(*name), "{name} twice");
            }
            let Some(base) = facts.base_url else { continue };
            let base = url::Url::parse(base).unwrap();
            let host = base.host_str().unwrap();
            assert!(facts.hosts.contains(&host) || (host == "127.0.0.1" && facts.is_open), "{}", facts.name);
        }
    }
}
