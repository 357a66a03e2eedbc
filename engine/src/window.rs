//! How much of a model's window may be filled with what.

use exai_context::files::estimate_tokens;
use exai_core::model::ModelSpec;

use crate::inference::error::InferenceError;

/// Share of an unsplit window that is kept for the answer.
const OUTPUT_SHARE: u32 = 4;
/// The most that is kept for the answer.
const MAX_OUTPUT_RESERVE: u32 = 64_000;
/// Tokens that the wire format adds around each message.
pub(crate) const MESSAGE_OVERHEAD: u32 = 8;

/// Tokens of prompt that `model` takes, with room left for its answer.
pub(crate) fn input_budget(model: &ModelSpec) -> u32 {
    let wanted = (model.context_window / OUTPUT_SHARE).min(MAX_OUTPUT_RESERVE);
    let reserve = model.max_output.map_or(wanted, |cap| cap.min(wanted));
    let beside_answer = model.context_window.saturating_sub(reserve);
    model.max_input.map_or(beside_answer, |cap| cap.min(beside_answer))
}

/// What remains of the input budget for history and files after the texts that must go in.
pub(crate) fn remaining(model: &ModelSpec, fixed: &[&str]) -> Result<u32, InferenceError> {
    let limit = input_budget(model);
    let needed: u64 = fixed.iter().map(|text| u64::from(estimate_tokens(text) + MESSAGE_OVERHEAD)).sum();
    match u32::try_from(needed).ok().and_then(|needed| limit.checked_sub(needed)) {
        Some(rest) => Ok(rest),
        None => Err(InferenceError::TooLarge { model: model.qualified(), needed, limit: u64::from(limit) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(window: u32, max_input: Option<u32>, max_output: Option<u32>) -> ModelSpec {
        ModelSpec { max_input, max_output, ..ModelSpec::unknown("p".into(), "m".into(), Some(window)) }
    }

    #[test]
    fn the_answer_has_room_beside_the_prompt() {
        assert_eq!(input_budget(&model(128_000, None, None)), 96_000);
        assert_eq!(input_budget(&model(1_050_000, Some(922_000), Some(128_000))), 922_000);
        assert_eq!(input_budget(&model(8_000, None, Some(1_000))), 7_000);
    }

    #[test]
    fn a_question_that_does_not_fit_is_refused_with_figures() {
        let error = remaining(&model(1_000, None, None), &["word ".repeat(2_000).as_str()]).unwrap_err();
        assert!(matches!(error, InferenceError::TooLarge { limit: 750, .. }), "{error}");
    }
}
