//! What an answer of a model is worth to its caller.

use exai_core::chat::{Finish, Reply};

use crate::{Rules, Understood, read, refusal, severity::SeverityWords};

/// What an answer is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnswerStatus {
    /// It is whole, and everything in it was read.
    Complete,
    /// Some of it was read; the caller needs the text as well.
    PartlyRead,
    /// It is not in the form that was asked for, and nothing of it was read; the caller needs the text.
    Unreadable,
    /// It was cut off.
    Truncated,
    /// The model refused.
    Refused,
}

impl AnswerStatus {
    /// The wire word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::PartlyRead => "partly_read",
            Self::Unreadable => "unreadable",
            Self::Truncated => "truncated",
            Self::Refused => "refused",
        }
    }

    /// The status of an answer of which so much was understood.
    #[must_use]
    pub fn of(reply: &Reply, understood: Understood, is_refused: bool) -> Self {
        if is_refused || reply.finish == Finish::Refused {
            return Self::Refused;
        }
        if !reply.finish.is_complete() {
            return Self::Truncated;
        }
        match understood {
            Understood::Whole => Self::Complete,
            Understood::Partly => Self::PartlyRead,
            Understood::Nothing => Self::Unreadable,
        }
    }

    /// The status of an answer in running text.
    #[must_use]
    pub fn of_text(reply: &Reply) -> Self {
        Self::of(reply, Understood::Whole, refusal::is_refusal(&reply.text))
    }
}

/// Whether a model refused, by its vendor's word or by its own: in the form that was asked for, or in plain words.
#[must_use]
pub fn is_refused(reply: &Reply) -> bool {
    if reply.finish == Finish::Refused || refusal::is_refusal(&reply.text) {
        return true;
    }
    // Only a short object can be nothing but a refusal.
    let is_short = reply.text.chars().count() <= 4 * refusal::LONGEST;
    is_short
        && read(
            &reply.text,
            Rules { words: &SeverityWords::default(), without_findings: &[], for_gate: false },
        )
        .answer
        .is_some_and(|answer| refusal::is_refused(&answer))
}

/// Whether an answer in running text is good enough for another call.
#[must_use]
pub fn is_usable_text(reply: &Reply) -> bool {
    AnswerStatus::of_text(reply) == AnswerStatus::Complete
}

/// Whether an answer that was asked for as an object is good enough for another call.
#[must_use]
pub fn is_usable_object(reply: &Reply) -> bool {
    let understood = || {
        read(&reply.text, Rules { words: &SeverityWords::default(), without_findings: &[], for_gate: false })
            .understood
    };
    !is_refused(reply) && reply.finish.is_complete() && understood() != Understood::Nothing
}
