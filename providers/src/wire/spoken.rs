//! The text of an answer on its way into the answer: thoughts that stand in it are told apart, whatever the format.
//!
//! Every format has a place of its own for thoughts. Servers that speak one in part, and models that think aloud, put theirs into the text.

use std::collections::VecDeque;

use exai_core::chat::Delta;
use exai_thoughts::{Piece, ThinkTags};
use serde_json::Value;

use super::accumulator::Accumulator;

/// What a model says, in pieces that may end within a mark.
pub(super) struct Spoken {
    tags: ThinkTags,
}

impl Spoken {
    pub(super) fn new() -> Self {
        Self { tags: ThinkTags::new() }
    }

    /// More of the text, where the format has one at this place.
    pub(super) fn more(&mut self, text: Option<&str>, answer: &mut Accumulator, out: &mut VecDeque<Delta>) {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return };
        let mut pieces = Vec::new();
        self.tags.push(&answer.whole_characters(text), &mut pieces);
        hand_on(pieces, answer, out);
    }

    /// What was held back, once nothing more comes.
    pub(super) fn finish(&mut self, answer: &mut Accumulator, out: &mut VecDeque<Delta>) {
        let mut pieces = Vec::new();
        let is_doubtful = self.tags.finish(answer.is_cut(), &mut pieces);
        hand_on(pieces, answer, out);
        if is_doubtful {
            answer.ends_in_doubt();
        }
    }
}

/// Whether a part of a message is a thought by its type, although its words are where those of a text are.
pub(super) fn is_thought(part: &Value) -> bool {
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    ["reasoning", "thinking", "thought", "summary_text"].iter().any(|thought| kind.starts_with(thought))
}

fn hand_on(pieces: Vec<Piece>, answer: &mut Accumulator, out: &mut VecDeque<Delta>) {
    for piece in pieces {
        match piece {
            Piece::Text(text) => answer.say(text, out),
            Piece::Thought(thought) => answer.think(thought, out),
            Piece::WasThought(bytes) => answer.was_thought(bytes, out),
        }
    }
}
