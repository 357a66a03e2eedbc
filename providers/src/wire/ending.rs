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
        Value::String(word) => Some(word.trim()).filter(|word| !word.is_empty()).map(Cow::Borrowed),
        other => Some(Cow::Owned(other.to_string())),
    }
}

/// What a vendor's word for the end of an answer means, in any format: gateways hand on the words of the format behind them.
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
/// - Messages: `stop_reason` (<https://platform.claude.com/docs/en/api/messages>)
/// - generateContent: `finishReason` (<https://ai.google.dev/api/generate-content#FinishReason>,
///   <https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/GenerateContentResponse#FinishReason>)
/// - Bedrock: `content_filtered`, `guardrail_intervened` (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>)
pub(super) fn reason_of(word: &str) -> Ending {
    Ending::Reason(match plain(word).as_str() {
        "stop" | "stopped" | "hit_stop" | "end" | "end_turn" | "end_of_turn" | "end_of_text" | "eos"
        | "eot" | "eos_token" | "stop_sequence" | "stop_token" | "complete" | "completed" | "done"
        | "finished" => Finish::Stop,
        "length"
        | "max_length"
        | "max_tokens"
        | "max_output_tokens"
        | "max_completion_tokens"
        | "max_new_tokens"
        | "model_length" => Finish::Length,
        "tool_calls" | "tool_call" | "tool_use" | "function_call" => Finish::ToolCalls,
        "content_filter"
        | "content_filtered"
        | "content_policy_violation"
        | "guardrail_intervened"
        | "sensitive"
        | "safety"
        | "image_safety"
        | "recitation"
        | "image_recitation"
        | "prohibited_content"
        | "image_prohibited_content"
        | "blocklist"
        | "spii"
        | "language"
        | "model_armor"
        | "error_toxic" => Finish::Filter,
        "refusal" => Finish::Refused,
        "pause_turn" => Finish::Paused,
        "model_context_window_exceeded" | "context_window_exceeded" | "context_length_exceeded" => {
            return Ending::WindowFull;
        }
        "network_error"
        | "error"
        | "error_limit"
        | "server_error"
        | "internal_error"
        | "internal_server_error"
        | "insufficient_system_resource"
        | "abort"
        | "aborted"
        | "cancel"
        | "canceled"
        | "cancelled"
        | "user_cancel"
        | "user_cancelled"
        | "fail"
        | "failed"
        | "failure"
        | "incomplete"
        | "interrupted"
        | "expired"
        | "rate_limit"
        | "rate_limited"
        | "rate_limit_exceeded"
        | "overloaded"
        | "unavailable"
        | "timeout"
        | "load"
        | "unload"
        | "malformed_function_call"
        | "malformed_response"
        | "missing_thought_signature"
        | "too_many_tool_calls"
        | "unexpected_tool_call" => Finish::Failed(word.into()),
        _ => Finish::Unknown(word.into()),
    })
}

/// A word in the spelling of the table: gateways write the same words in capitals, with hyphens, in one piece, or behind the name of their
/// type.
fn plain(word: &str) -> String {
    let mut plain = String::with_capacity(word.len());
    let mut was_small = false;
    for letter in word.trim().chars() {
        if was_small && letter.is_ascii_uppercase() {
            plain.push('_');
        }
        was_small = letter.is_ascii_lowercase();
        plain.push(if matches!(letter, '-' | ' ') { '_' } else { letter.to_ascii_lowercase() });
    }
    plain.strip_prefix("finish_reason_").map(str::to_owned).unwrap_or(plain)
}

/// The reason of an incomplete response (<https://platform.openai.com/docs/api-reference/responses/object>). Whatever the reason, the
/// vendor has said that something is missing.
pub(super) fn incomplete(reason: Option<&str>) -> Finish {
    let Some(word) = reason else { return Finish::Failed("incomplete".into()) };
    match reason_of(word) {
        Ending::Reason(finish @ (Finish::Filter | Finish::Length | Finish::Refused)) => finish,
        Ending::WindowFull => Finish::Length,
        Ending::Reason(_) => Finish::Failed(format!("incomplete: {word}").as_str().into()),
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
        for word in
            ["stop", "end_turn", "eos", "eos_token", "stop_sequence", "STOP", "COMPLETE", "finished", "done"]
                .into_iter()
                .chain([
                    "end",
                    "stopped",
                    "stop ",
                    "FINISH_REASON_STOP",
                    "end_of_turn",
                    "hit_stop",
                    "endTurn",
                ])
        {
            assert_eq!(reason_of(word), reason(Finish::Stop), "{word}");
        }
        for word in ["max_new_tokens", "max_length", "MAX-TOKENS", "maxTokens", "FINISH_REASON_MAX_TOKENS"] {
            assert_eq!(reason_of(word), reason(Finish::Length), "{word}");
        }
        for word in ["content_filtered", "guardrail_intervened", "content-filter", "SPII", "LANGUAGE"]
            .into_iter()
            .chain([
                "IMAGE_SAFETY",
                "MODEL_ARMOR",
                "IMAGE_PROHIBITED_CONTENT",
                "safety",
                "Prohibited_Content",
            ])
        {
            assert_eq!(reason_of(word), reason(Finish::Filter), "{word}");
            assert_eq!(reason_of(word), reason(Finish::Filter), "{word}");
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
            "TOO_MANY_TOOL_CALLS",
            "canceled",
            "Cancelled",
            "USER_CANCEL",
            "ERROR_LIMIT",
            "failed",
            "server_error",
            "internal_error",
            "incomplete",
            "interrupted",
            "rate_limit",
            "overloaded",
        ] {
            assert_eq!(reason_of(word), failed(word), "{word}");
            assert_eq!(reason_of(word), failed(word), "{word}");
        }
        assert_eq!(reason_of("sensitive"), reason(Finish::Filter));
        assert_eq!(reason_of("model_length"), reason(Finish::Length));
        assert_eq!(reason_of("function_call"), reason(Finish::ToolCalls));
        assert_eq!(reason_of("model_context_window_exceeded"), Ending::WindowFull);
        assert_eq!(reason_of("context_length_exceeded"), Ending::WindowFull);
        assert_eq!(reason_of("stop"), reason(Finish::Stop));
        assert_eq!(reason_of("tool_calls"), reason(Finish::ToolCalls));
        assert_eq!(reason_of("pause_turn"), reason(Finish::Paused));
        assert_eq!(reason_of("refusal"), reason(Finish::Refused));
        assert_eq!(incomplete(Some("max_output_tokens")), Finish::Length);
        assert_eq!(incomplete(Some("context_length_exceeded")), Finish::Length);
        assert_eq!(incomplete(Some("stop")), Finish::Failed("incomplete: stop".into()));
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
            prop_assert_eq!(reason_of(&word), reason(unknown));
            let kept = Finish::Failed(format!("incomplete: {word}").as_str().into());
            prop_assert_eq!(incomplete(Some(&word)), kept);
        }
    }
}
