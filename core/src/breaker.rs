//! The port to circuit breakers.

use std::time::Duration;

use crate::{ModelId, ProviderId};

/// A model of a provider.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelKey {
    /// Who serves it.
    pub provider: ProviderId,
    /// The model.
    pub model: ModelId,
}

/// Whether a call may pass a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerPass {
    /// It may.
    Open,
    /// It may, alone: what becomes of it decides for the others.
    Trial,
    /// Not before so much time has passed.
    Refused(Duration),
}

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls pass.
    Closed,
    /// No call passes.
    Open,
    /// One call is trying.
    Probing,
}

impl BreakerState {
    /// The word that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::Probing => "probing",
        }
    }
}

/// A breaker for people, and for the choice between models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerView {
    /// Where it stands.
    pub state: BreakerState,
    /// Failures in a row.
    pub failures: u32,
    /// How long no call passes; `None` when one passes.
    pub closed_for: Option<Duration>,
}

/// Circuit breakers of models. They answer at once: an implementation that shares them with other instances keeps a copy here.
pub trait BreakerBoard: Send + Sync {
    /// Asks for a call.
    fn pass(&self, key: &ModelKey) -> BreakerPass;

    /// A call that had passed was answered. True when the breaker closed by it.
    fn succeeded(&self, key: &ModelKey) -> bool;

    /// A call that had passed failed in a way that counts. True when the breaker opened by it.
    fn failed(&self, key: &ModelKey, was_trial: bool) -> bool;

    /// A call that had passed ended in a way that says nothing. When it was the trial, another call may try at once.
    fn left(&self, key: &ModelKey, was_trial: bool);

    /// Where a breaker stands.
    fn view(&self, key: &ModelKey) -> BreakerView;
}
