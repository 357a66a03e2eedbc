//! What a request is likely to use and to cost, before it is sent.

use exai_context::files::estimate_tokens_of_bytes;
use exai_core::{
    chat::{Part, Request, Usage},
    model::ModelSpec,
};

/// Tokens of an answer before it is there, where the request sets no cap.
const USUAL_ANSWER: u32 = 4_096;

/// Tokens of so many bytes of text.
pub(crate) fn tokens_of(bytes: usize) -> u64 {
    u64::from(estimate_tokens_of_bytes(bytes as u64))
}

/// What a request and an answer of so many bytes use, for providers that report nothing.
pub(crate) fn estimated_usage(request: &Request, output_bytes: usize) -> Usage {
    let input: usize = request.system.len()
        + request
            .messages
            .iter()
            .flat_map(|message| &message.parts)
            .map(|part| match part {
                Part::Text { text } => text.len(),
                Part::ToolCall(call) => call.arguments.len(),
                Part::ToolResult(result) => result.content.len(),
                Part::Image { .. } | Part::Opaque { .. } | Part::File { .. } => 0,
            })
            .sum::<usize>();
    Usage {
        input_tokens: tokens_of(input),
        output_tokens: tokens_of(output_bytes),
        estimated: true,
        ..Usage::default()
    }
}

/// What a request is likely to cost with a model, in US dollars; `None` when its price is not known.
pub(crate) fn estimate(model: &ModelSpec, request: &Request) -> Option<f64> {
    let answer = request.max_output_tokens.unwrap_or(USUAL_ANSWER).min(model.max_output.unwrap_or(u32::MAX));
    let usage = Usage { output_tokens: u64::from(answer), ..estimated_usage(request, 0) };
    model.price.cost(&usage)
}
