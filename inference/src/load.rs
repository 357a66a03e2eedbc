//! What is going on at a moment, in figures.

use std::time::Duration;

use crate::{attempt::InUse, cache::CacheFigures, health::Condition};

/// What is going on at this moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// Attempts under way, and how many may be.
    pub attempts: InUse,
    /// The same for each provider that has a limit of its own.
    pub providers: Vec<(String, InUse)>,
    /// Runs under way.
    pub runs: usize,
    /// The answer cache.
    pub cached: CacheFigures,
    /// Batches that wait for the database.
    pub unwritten: usize,
    /// Every model that was asked since the start.
    pub models: Vec<Condition>,
    /// Providers that are not asked now: the code of the reason, and for how long.
    pub closed: Vec<(String, &'static str, Duration)>,
}
