//! The words for how hard a model should think.

use exai_core::chat::Thinking;

use super::{clip, hints::listed};

/// The levels, as calls name them too.
const LEVELS: [Thinking; 5] =
    [Thinking::Minimal, Thinking::Low, Thinking::Medium, Thinking::High, Thinking::Max];

/// The level that a word means, or what is expected in its place.
pub(super) fn level(word: &str) -> Result<Thinking, String> {
    LEVELS.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(word.trim())).ok_or_else(|| {
        let words: Vec<&str> = LEVELS.iter().map(|level| level.as_str()).collect();
        format!("thinking: expected {}, got `{}`", listed(&words, "or"), clip(word))
    })
}
