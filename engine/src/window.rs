//! What fits into a model's window after the texts that every prompt must carry.

use exai_context::files::estimate_tokens;
use exai_core::model::ModelSpec;

use exai_inference::error::InferenceError;

/// What remains of the input budget for history and files after the texts that must go in.
pub(crate) fn remaining(model: &ModelSpec, fixed: &[&str]) -> Result<u32, InferenceError> {
    let tokens = |text: &&str| u64::from(estimate_tokens(text) + ModelSpec::MESSAGE_OVERHEAD);
    let needed: u64 = fixed.iter().map(tokens).sum();
    model.room_after(needed).ok_or_else(|| {
        let limit = u64::from(model.input_budget());
        InferenceError::TooLarge { model: model.qualified(), needed, limit }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_without_room_names_the_figures() {
        let model = ModelSpec::unknown("p".into(), "m".into(), Some(1_000));
        let error = remaining(&model, &["word ".repeat(2_000).as_str()]).unwrap_err();
        assert!(matches!(error, InferenceError::TooLarge { limit: 750, .. }), "{error}");
    }
}
