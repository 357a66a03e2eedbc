//! Money that is set aside, and the limits that it is set aside within.
//!
//! It is held and checked in one step, by the database: of calls in several tasks, or in several processes that share it, no two are let
//! through by the same money.

use crate::{HoldId, ThreadId, Timestamp};

/// Money that a run under way may cost. It is freed by [`Write::Release`](super::Write::Release), or when it expires with its process.
#[derive(Debug, Clone, PartialEq)]
pub struct Hold {
    /// Its id, by which it is freed.
    pub id: HoldId,
    /// The thread of the run, where it has one.
    pub thread: Option<ThreadId>,
    /// US dollars.
    pub usd: f64,
    /// What must not be exceeded.
    pub limits: SpendingLimits,
    /// The beginning of the day, for the limits of a day.
    pub since: Timestamp,
    /// When the hold ends by itself.
    pub expires_at: Timestamp,
}

/// The most that may be spent and held, in US dollars. `None` sets no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SpendingLimits {
    /// By the owner in a day.
    pub day: Option<f64>,
    /// By the owner in a thread, whenever that was.
    pub thread: Option<f64>,
    /// By all owners of this database together in a day.
    pub server_day: Option<f64>,
}

/// One of [`SpendingLimits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpendingLimit {
    /// [`SpendingLimits::day`].
    Day,
    /// [`SpendingLimits::thread`].
    Thread,
    /// [`SpendingLimits::server_day`].
    ServerDay,
}

impl SpendingLimit {
    /// The word that settings and messages have for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Thread => "thread",
            Self::ServerDay => "server_day",
        }
    }
}

/// What was spent and is held, in US dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spent {
    /// By the owner in the day.
    pub day: f64,
    /// By the owner in the thread; 0 without one.
    pub thread: f64,
    /// By all owners in the day; 0 where no limit asks for it.
    pub server_day: f64,
}

impl SpendingLimits {
    /// Whether any limit is set.
    #[must_use]
    pub fn any(&self) -> bool {
        *self != Self::default()
    }

    /// The first limit that so much more would exceed, with its amount and what is spent of it.
    #[must_use]
    pub fn exceeded(&self, spent: Spent, more: f64) -> Option<(SpendingLimit, f64, f64)> {
        let all = [
            (SpendingLimit::Day, self.day, spent.day),
            (SpendingLimit::Thread, self.thread, spent.thread),
            (SpendingLimit::ServerDay, self.server_day, spent.server_day),
        ];
        // Sums of fractions are never quite what they should be.
        let over = |limit: f64, spent: f64| spent + more > limit + 1e-9;
        all.into_iter().find_map(|(which, limit, spent)| {
            limit.filter(|limit| over(*limit, spent)).map(|limit| (which, limit, spent))
        })
    }
}
