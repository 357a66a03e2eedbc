//! A whole answer of a tool, kept so that no client has to ask for it twice.
//!
//! Kept are the answers of tasks, answers that are longer than their client can show, and those whose client left before they came.

use crate::{AnswerId, ThreadId, Timestamp};

/// The state of a kept answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerState {
    /// The work is under way.
    Working,
    /// The answer is there, or an error in its place.
    Done,
    /// The client cancelled the work.
    Cancelled,
    /// The process ended before the answer.
    Interrupted,
}

impl AnswerState {
    /// The word in storage.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Working, Self::Done, Self::Cancelled, Self::Interrupted]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// An answer as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Its id; part of its resource address.
    pub id: AnswerId,
    /// The thread that it belongs to, when there is one.
    pub thread: Option<ThreadId>,
    /// The tool that was called.
    pub tool: String,
    /// Its state.
    pub state: AnswerState,
    /// When the work began.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// When the work must be over; a [`AnswerState::Working`] row reads as interrupted after that.
    pub deadline_at: Timestamp,
    /// After this moment it is no longer found.
    pub expires_at: Timestamp,
    /// The answer's text, as the client would have got it whole; empty while the work is under way.
    pub text: String,
    /// Whether the answer is an error.
    pub is_error: bool,
}
