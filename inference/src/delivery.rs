//! An answer as one caller got it.

use std::{fmt, sync::Arc, time::Duration};

use exai_core::{
    Identity,
    completion::Completion,
    store::{Commit, Store, Write},
};

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

/// Records that a caller stores together with what it stores anyway: one transaction instead of two. What is not taken out is stored when
/// this is dropped, so that no way out of a call loses it.
#[derive(Default)]
pub struct Unwritten(Option<Held>);

struct Held {
    writes: Vec<Write>,
    store: Arc<dyn Store>,
    who: Identity,
}

impl Unwritten {
    pub(crate) fn new(writes: Vec<Write>, store: Arc<dyn Store>, who: Identity) -> Self {
        Self(Some(Held { writes, store, who }))
    }

    /// The records, to be stored by the caller now.
    #[must_use]
    pub fn take(mut self) -> Vec<Write> {
        self.0.take().map(|held| held.writes).unwrap_or_default()
    }
}

impl Drop for Unwritten {
    fn drop(&mut self) {
        let Some(Held { writes, store, who }) = self.0.take() else { return };
        if !writes.is_empty() {
            drop(store.write(&who, writes));
        }
    }
}

impl fmt::Debug for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().flat_map(|held| &held.writes)).finish()
    }
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
