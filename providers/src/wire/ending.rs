//! Why an answer ended, in the words of every vendor.

use exai_core::chat::FinishReason;

/// What a `finish_reason` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The answer ended.
    Reason(FinishReason),
    /// The model's window is full: the request has to be shorter.
    WindowFull,
    /// The vendor failed on the way.
    Failed,
}

pub(super) fn read(word: &str) -> Ending {
    Ending::Reason(match word {
        "stop" | "end_turn" | "eos" | "eos_token" | "stop_sequence" | "STOP" => FinishReason::Stop,
        "length" | "max_tokens" | "max_output_tokens" | "model_length" | "MAX_TOKENS" => FinishReason::Length,
        "tool_calls" | "tool_use" | "function_call" => FinishReason::ToolCalls,
        "content_filter" | "sensitive" | "safety" | "SAFETY" | "refusal" => FinishReason::ContentFilter,
        "model_context_window_exceeded" => return Ending::WindowFull,
        "network_error" | "error" => return Ending::Failed,
        _ => FinishReason::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_beyond_openais_are_understood() {
        assert_eq!(read("sensitive"), Ending::Reason(FinishReason::ContentFilter));
        assert_eq!(read("tool_calls"), Ending::Reason(FinishReason::ToolCalls));
        assert_eq!(read("whatever"), Ending::Reason(FinishReason::Other));
        assert_eq!(read("model_context_window_exceeded"), Ending::WindowFull);
    }
}
