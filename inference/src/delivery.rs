//! An answer as one caller got it.

use std::{sync::Arc, time::Duration};

use exai_core::{
    completion::Completion,
    store::{Commit, Write},
};

use crate::budget::Reservation;

/// Where an answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A model was asked for this call.
    Fresh,
    /// It was given to the same request before.
    Cached {
        /// Its age.
        age: Duration,
    },
    /// It is older than answers are given again, and was taken because no model could be asked.
    Stale {
        /// Its age.
        age: Duration,
    },
    /// Another call had already begun the same completion.
    Shared,
}

impl Source {
    /// The answer's age when it was stored; `None` when a model was asked just now.
    #[must_use]
    pub fn age(self) -> Option<Duration> {
        match self {
            Self::Cached { age } | Self::Stale { age } => Some(age),
            Self::Fresh | Self::Shared => None,
        }
    }
}

/// How a caller got an answer.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The answer.
    pub completion: Arc<Completion>,
    /// Where it came from.
    pub source: Source,
}

/// Records that a caller stores together with what it stores anyway: one transaction instead of two. Until then what the answer has
/// cost counts as set aside.
#[derive(Debug, Default)]
pub struct Unwritten {
    /// In order.
    pub writes: Vec<Write>,
    pub(crate) reserved: Option<Reservation>,
}

/// An answer, and what of its records still has to be stored or waited for.
#[derive(Debug)]
pub struct Answered {
    /// The answer.
    pub delivery: Delivery,
    /// Stored together with the answer's turn, in one transaction: what the question left, and the run.
    pub unwritten: Unwritten,
    /// The question's prologue on its way to storage.
    pub written: Option<Commit>,
}
