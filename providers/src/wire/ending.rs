//! Why an answer ended, in the words of each format. A word that is in no table is kept and counts as not known.

use std::borrow::Cow;

use exai_core::chat::Finish;
use serde_json::Value;

/// What a vendor's word says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// The answer ended.
    Reason(Finish),
    /// The model's window is full: the request has to be shorter.
    WindowFull,
}

/// The word that a reply gives as its reason. A reason that is no text is kept as it was written, so that it counts as not known.
pub(super) fn word(reason: Option<&Value>) -> Option<Cow<'_, str>> {
    match reason? {
        Value::Null => None,
        Value::String(word) => (!word.is_empty()).then_some(Cow::Borrowed(word)),
        other => Some(Cow::Owned(other.to_string())),
    }
}

/// A `finish_reason` of chat completions. Gateways hand on the words of the format behind them, so some are from there.
///
/// - OpenAI: `stop`, `length`, `tool_calls`, `content_filter`, `function_call`
///   (<https://platform.openai.com/docs/api-reference/chat/object>); Kimi, MiniMax, xAI, Qwen, Azure, LM Studio and the server of
///   llama.cpp use those
/// - GLM: `sensitive`, `network_error`, `model_context_window_exceeded` (<https://docs.z.ai/api-reference/llm/chat-completion>)
/// - DeepSeek: `insufficient_system_resource` (<https://api-docs.deepseek.com/api/create-chat-completion>)
/// - Mistral: `model_length`, `error` (<https://docs.mistral.ai/api/>)
/// - OpenRouter: `error` (<https://openrouter.ai/docs/api-reference/overview>)
/// - Ollama: `load`, `unload`, where no answer was made (<https://github.com/ollama/ollama/blob/main/docs/api.md>)
/// - vLLM: `abort`, `error` (<https://github.com/vllm-project/vllm/blob/main/vllm/v1/engine/__init__.py>)
/// - Text Generation Inference: `eos_token`, `stop_sequence`
///   (<https://huggingface.co/docs/text-generation-inference/reference/api_reference>)
/// - Together: `eos` (<https://docs.together.ai/reference/chat-completions-1>)
/// - Cohere: `COMPLETE`, `TOOL_CALL`, `TIMEOUT`, `ERROR` (<https://docs.cohere.com/reference/chat>)
pub(super) fn chat_completions(word: &str) -> Ending {
    // The same words come in capitals from gateways to Gemini and Cohere.
    Ending::Reason(match word.to_ascii_lowercase().as_str() {
        "stop" | "end_turn" | "eos" | "eos_token" | "stop_sequence" | "stop_token" | "complete"
        | "completed" => Finish::Stop,
        "length" | "max_tokens" | "max_output_tokens" | "model_length" => Finish::Length,
        "tool_calls" | "tool_call" | "tool_use" | "function_call" => Finish::ToolCalls,
        "content_filter" | "sensitive" | "safety" | "recitation" | "prohibited_content" | "blocklist"
        | "error_toxic" => Finish::Filter,
        "refusal" => Finish::Refused,
        "pause_turn" => Finish::Paused,
        "model_context_window_exceeded" => return Ending::WindowFull,
        "network_error"
        | "error"
        | "insufficient_system_resource"
        | "abort"
        | "aborted"
        | "cancelled"
        | "timeout"
        | "load"
        | "unload"
        | "malformed_function_call"
        | "malformed_response"
        | "unexpected_tool_call" => Finish::Failed(word.into()),
        _ => Finish::Unknown(word.into()),
    })
}

/// A `stop_reason` of Messages (<https://platform.claude.com/docs/en/api/messages>). Others that speak the format send words of chat
/// completions.
pub(super) fn messages(word: &str) -> Ending {
    chat_completions(word)
}

/// A `finishReason` of generateContent (<https://ai.google.dev/api/generate-content#FinishReason>).
pub(super) fn generate_content(word: &str) -> Ending {
    Ending::Reason(match word {
        "STOP" => Finish::Stop,
        "MAX_TOKENS" => Finish::Length,
        "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "LANGUAGE" => Finish::Filter,
        "MALFORMED_FUNCTION_CALL"
        | "MALFORMED_RESPONSE"
        | "UNEXPECTED_TOOL_CALL"
        | "TOO_MANY_TOOL_CALLS"
        | "MISSING_THOUGHT_SIGNATURE" => Finish::Failed(word.into()),
        _ => Finish::Unknown(word.into()),
    })
}

/// The reason of an incomplete response (<https://platform.openai.com/docs/api-reference/responses/object>). Whatever the reason, the
/// vendor has said that something is missing.
pub(super) fn incomplete(reason: Option<&str>) -> Finish {
    match reason {
        Some("content_filter") => Finish::Filter,
        Some("max_output_tokens" | "max_tokens") => Finish::Length,
        Some(word) => Finish::Failed(format!("incomplete: {word}").as_str().into()),
        None => Finish::Failed("incomplete".into()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn reason(finish: Finish) -> Ending {
        Ending::Reason(finish)
    }

    #[test]
    fn every_documented_word_has_its_meaning() {
        let failed = |word: &str| reason(Finish::Failed(word.into()));
        for word in ["stop", "end_turn", "eos", "eos_token", "stop_sequence", "STOP", "COMPLETE"] {
            assert_eq!(chat_completions(word), reason(Finish::Stop), "{word}");
        }
        for word in [
            "network_error",
            "error",
            "insufficient_system_resource",
            "abort",
            "timeout",
            "TIMEOUT",
            "load",
            "unload",
            "MALFORMED_FUNCTION_CALL",
        ] {
            assert_eq!(chat_completions(word), failed(word), "{word}");
        }
        assert_eq!(chat_completions("sensitive"), reason(Finish::Filter));
        assert_eq!(chat_completions("model_length"), reason(Finish::Length));
        assert_eq!(chat_completions("function_call"), reason(Finish::ToolCalls));
        assert_eq!(chat_completions("model_context_window_exceeded"), Ending::WindowFull);
        assert_eq!(messages("pause_turn"), reason(Finish::Paused));
        assert_eq!(messages("refusal"), reason(Finish::Refused));
        assert_eq!(generate_content("SPII"), reason(Finish::Filter));
        assert_eq!(generate_content("MALFORMED_FUNCTION_CALL"), failed("MALFORMED_FUNCTION_CALL"));
        assert_eq!(incomplete(None), Finish::Failed("incomplete".into()));
    }

    #[test]
    fn a_reason_is_kept_whatever_it_is() {
        let read = |reason: Value| word(Some(&reason)).map(Cow::into_owned);
        assert_eq!(read(json!("stop")).as_deref(), Some("stop"));
        assert_eq!(read(json!(2)).as_deref(), Some("2"));
        assert_eq!(read(json!({"type": "stop"})).as_deref(), Some(r#"{"type":"stop"}"#));
        assert_eq!((read(json!(null)), read(json!("")), word(None)), (None, None, None));
    }

    proptest! {
        #[test]
        fn words_in_no_table_are_kept(word in "[a-z]{1,8}_[a-z]{20,40}") {
            let unknown = Finish::Unknown(word.as_str().into());
            for ending in [chat_completions(&word), messages(&word), generate_content(&word)] {
                prop_assert_eq!(ending, reason(unknown.clone()));
            }
            let kept = Finish::Failed(format!("incomplete: {word}").as_str().into());
            prop_assert_eq!(incomplete(Some(&word)), kept);
        }
    }
}
