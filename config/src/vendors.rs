//! The providers and local servers that are known by name, and the settings of each.

use exai_providers::VendorKind;

use super::{
    env,
    key::{Key, key, secret},
};

/// A source of models that needs no table of its own.
pub(super) struct Known {
    /// The name in `provider/model`.
    pub(super) id: &'static str,
    /// The name for people.
    pub(super) title: &'static str,
    pub(super) kind: VendorKind,
    pub(super) key: &'static Key,
    pub(super) url: &'static Key,
    /// Names of its models, where it has no list that is known.
    pub(super) models: Option<&'static Key>,
    pub(super) needs: Needs,
}

/// What has to be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// A key.
    Key,
    /// A key, and an address because there is none of its own.
    KeyAndUrl,
    /// An address or the name of a model: it runs on the user's own machines.
    Anything,
}

impl Known {
    /// What to set so that it can be used.
    pub(super) fn how(&self) -> String {
        match self.needs {
            Needs::Key => format!("set {}", self.key.first_name()),
            Needs::KeyAndUrl => format!("set {} and {}", self.key.first_name(), self.url.first_name()),
            Needs::Anything => format!("set {}", self.url.first_name()),
        }
    }
}

const fn known(
    id: &'static str,
    title: &'static str,
    kind: VendorKind,
    key: &'static Key,
    url: &'static Key,
) -> Known {
    Known { id, title, kind, key, url, models: None, needs: Needs::Key }
}

const fn open(
    id: &'static str,
    title: &'static str,
    kind: VendorKind,
    needs: Needs,
    keys: [&'static Key; 3],
) -> Known {
    let [key, url, models] = keys;
    Known { id, title, kind, key, url, models: Some(models), needs }
}

/// All of them, in the order in which a default is looked for.
pub(super) static KNOWN: [Known; 17] = [
    known(
        "openai",
        "OpenAI",
        VendorKind::OpenAi,
        &secret("openai.api_key", &[env::OPENAI_API_KEY], "Key of OpenAI"),
        &key("openai.base_url", &[env::OPENAI_BASE_URL], "", "Address of OpenAI, for proxies of it"),
    ),
    known(
        "glm",
        "GLM (z.ai)",
        VendorKind::Glm,
        &secret(
            "glm.api_key",
            &[
                env::GLM_API_KEY,
                "ZAI_API_KEY",
                "Z_AI_API_KEY",
                "ZHIPU_API_KEY",
                "ZHIPUAI_API_KEY",
                "BIGMODEL_API_KEY",
            ],
            "Key of GLM (z.ai)",
        ),
        &key("glm.base_url", &[env::GLM_BASE_URL, "ZAI_BASE_URL"], "", "Address of GLM"),
    ),
    known(
        "kimi",
        "Kimi (Moonshot)",
        VendorKind::Kimi,
        &secret("kimi.api_key", &[env::KIMI_API_KEY, "MOONSHOT_API_KEY"], "Key of Kimi (Moonshot)"),
        &key(
            "kimi.base_url",
            &[env::KIMI_BASE_URL, "MOONSHOT_BASE_URL", "MOONSHOT_API_BASE", "MOONSHOT_API_URL"],
            "",
            "Address of Kimi",
        ),
    ),
    known(
        "minimax",
        "MiniMax",
        VendorKind::MiniMax,
        &secret("minimax.api_key", &[env::MINIMAX_API_KEY], "Key of MiniMax"),
        &key("minimax.base_url", &[env::MINIMAX_BASE_URL, "MINIMAX_API_BASE"], "", "Address of MiniMax"),
    ),
    known(
        "anthropic",
        "Anthropic (Claude)",
        VendorKind::Anthropic,
        &secret("anthropic.api_key", &["ANTHROPIC_API_KEY"], "Key of Anthropic"),
        &key("anthropic.base_url", &["ANTHROPIC_BASE_URL"], "", "Address of Anthropic"),
    ),
    known(
        "gemini",
        "Gemini (Google)",
        VendorKind::Gemini,
        &secret("gemini.api_key", &["GEMINI_API_KEY", "GOOGLE_API_KEY"], "Key of Gemini"),
        &key("gemini.base_url", &["GEMINI_BASE_URL", "GOOGLE_GEMINI_BASE_URL"], "", "Address of Gemini"),
    ),
    known(
        "xai",
        "xAI (Grok)",
        VendorKind::XAi,
        &secret("xai.api_key", &["XAI_API_KEY"], "Key of xAI"),
        &key("xai.base_url", &["XAI_BASE_URL"], "", "Address of xAI"),
    ),
    known(
        "deepseek",
        "DeepSeek",
        VendorKind::DeepSeek,
        &secret("deepseek.api_key", &["DEEPSEEK_API_KEY"], "Key of DeepSeek"),
        &key("deepseek.base_url", &["DEEPSEEK_BASE_URL", "DEEPSEEK_API_BASE"], "", "Address of DeepSeek"),
    ),
    known(
        "mistral",
        "Mistral",
        VendorKind::Mistral,
        &secret("mistral.api_key", &["MISTRAL_API_KEY"], "Key of Mistral"),
        &key("mistral.base_url", &["MISTRAL_BASE_URL"], "", "Address of Mistral"),
    ),
    known(
        "qwen",
        "Qwen (Alibaba Cloud)",
        VendorKind::Qwen,
        &secret(
            "qwen.api_key",
            &["DASHSCOPE_API_KEY", "QWEN_API_KEY"],
            "Key of Qwen (Alibaba Cloud Model Studio)",
        ),
        &key("qwen.base_url", &["DASHSCOPE_BASE_URL"], "", "Address of Qwen"),
    ),
    open(
        "openrouter",
        "OpenRouter",
        VendorKind::OpenRouter,
        Needs::Key,
        [
            &secret("openrouter.api_key", &["OPENROUTER_API_KEY"], "Key of OpenRouter"),
            &key("openrouter.base_url", &["OPENROUTER_BASE_URL"], "", "Address of OpenRouter"),
            &key(
                "openrouter.models",
                &["OPENROUTER_MODELS"],
                "",
                "Models to list there, separated by commas; the first is the default",
            ),
        ],
    ),
    open(
        "azure",
        "Azure OpenAI",
        VendorKind::Azure,
        Needs::KeyAndUrl,
        [
            &secret("azure.api_key", &["AZURE_OPENAI_API_KEY"], "Key of Azure OpenAI"),
            &key("azure.base_url", &["AZURE_OPENAI_ENDPOINT"], "", "Address of the Azure OpenAI resource"),
            &key(
                "azure.models",
                &["AZURE_OPENAI_DEPLOYMENTS"],
                "",
                "Deployments, separated by commas; the first is the default",
            ),
        ],
    ),
    open(
        "ollama",
        "Ollama",
        VendorKind::Ollama,
        Needs::Anything,
        [
            &secret("ollama.api_key", &["OLLAMA_API_KEY"], "Key of Ollama, if it wants one"),
            &key("ollama.base_url", &["OLLAMA_HOST"], "", "Address of Ollama"),
            &key(
                "ollama.models",
                &["OLLAMA_MODELS_LIST"],
                "",
                "Models there, separated by commas; the first is the default",
            ),
        ],
    ),
    open(
        "lmstudio",
        "LM Studio",
        VendorKind::LmStudio,
        Needs::Anything,
        [
            &secret("lmstudio.api_key", &["LMSTUDIO_API_KEY"], "Key of LM Studio, if it wants one"),
            &key("lmstudio.base_url", &["LMSTUDIO_BASE_URL"], "", "Address of LM Studio"),
            &key(
                "lmstudio.models",
                &["LMSTUDIO_MODELS"],
                "",
                "Models there, separated by commas; the first is the default",
            ),
        ],
    ),
    open(
        "llamacpp",
        "llama.cpp",
        VendorKind::LlamaCpp,
        Needs::Anything,
        [
            &secret("llamacpp.api_key", &["LLAMACPP_API_KEY"], "Key of llama.cpp's server, if it wants one"),
            &key(
                "llamacpp.base_url",
                &["LLAMACPP_BASE_URL", "LLAMACPP_API_BASE_URL"],
                "",
                "Address of llama.cpp's server",
            ),
            &key(
                "llamacpp.models",
                &["LLAMACPP_MODELS"],
                "",
                "Models there, separated by commas; the first is the default",
            ),
        ],
    ),
    open(
        "vllm",
        "vLLM",
        VendorKind::Vllm,
        Needs::Anything,
        [
            &secret("vllm.api_key", &["VLLM_API_KEY"], "Key of vLLM, if it wants one"),
            &key("vllm.base_url", &["VLLM_BASE_URL"], "", "Address of vLLM"),
            &key(
                "vllm.models",
                &["VLLM_MODELS"],
                "",
                "Models there, separated by commas; the first is the default",
            ),
        ],
    ),
    open(
        "litellm",
        "LiteLLM",
        VendorKind::LiteLlm,
        Needs::Anything,
        [
            &secret("litellm.api_key", &["LITELLM_API_KEY"], "Key of LiteLLM, if it wants one"),
            &key("litellm.base_url", &["LITELLM_BASE_URL"], "", "Address of LiteLLM's proxy"),
            &key(
                "litellm.models",
                &["LITELLM_MODELS"],
                "",
                "Models there, separated by commas; the first is the default",
            ),
        ],
    ),
];

/// The settings of all of them.
pub(super) fn keys() -> impl Iterator<Item = &'static Key> {
    KNOWN.iter().flat_map(|known| [Some(known.key), Some(known.url), known.models].into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vendor_can_be_configured() {
        let kinds: Vec<VendorKind> = KNOWN.iter().map(|known| known.kind).collect();
        assert_eq!(kinds, VendorKind::NAMED);
        for known in &KNOWN {
            assert_eq!(known.id, known.kind.name());
            for key in [Some(known.key), Some(known.url), known.models].into_iter().flatten() {
                assert!(key.path.starts_with(&format!("{}.", known.id)), "{}", key.path);
            }
        }
    }
}
