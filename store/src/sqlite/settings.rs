//! The settings of the SQLite store, and their defaults.

use std::{path::PathBuf, time::Duration};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How far a write must have come before it counts as committed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sync {
    /// Survives the end of this process in any form; the last moments before a power failure may be lost, never half of a batch.
    #[default]
    Normal,
    /// Survives a power failure too, for one `fsync` each commit.
    Full,
}

/// The pauses between attempts while the database cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The first pause; each further one is twice as long.
    pub first: Duration,
    /// The longest pause.
    pub cap: Duration,
}

/// The settings of an [`SqliteStore`](crate::SqliteStore).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The database file. Its folder is created when it is missing.
    pub path: PathBuf,
    /// What a commit promises.
    pub sync: Sync,
    /// The most batches that may wait for the writer; further ones are refused. 1,024.
    pub backlog: usize,
    /// How long one attempt waits for another program's lock. 5 s.
    pub busy_timeout: Duration,
    /// The most read connections. 4.
    pub readers: u32,
    /// How long a read waits for a free read connection. 5 s.
    pub reader_wait: Duration,
    /// A thread that has not been continued for so long is no longer found. 90 days.
    pub thread_lifetime: Duration,
    /// Usage rows are kept for so long. 400 days: a year and the month in which it is looked at.
    pub usage_lifetime: Duration,
    /// The most turns of a thread. 200.
    pub max_turns: u32,
    /// How long loading a thread waits for the thread's own queued writes. 250 ms.
    pub read_wait: Duration,
    /// Pauses between attempts to write. 50 ms, doubling to 5 s.
    pub retry: Retry,
    /// The least time between two removals of what has expired. One hour.
    pub sweep_interval: Duration,
}

impl Settings {
    /// The defaults, for a database at `path`.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            sync: Sync::Normal,
            backlog: 1_024,
            busy_timeout: Duration::from_secs(5),
            readers: 4,
            reader_wait: Duration::from_secs(5),
            thread_lifetime: 90 * DAY,
            usage_lifetime: 400 * DAY,
            max_turns: 200,
            read_wait: Duration::from_millis(250),
            retry: Retry { first: Duration::from_millis(50), cap: Duration::from_secs(5) },
            sweep_interval: Duration::from_secs(60 * 60),
        }
    }
}

/// Whole milliseconds, as much as fits.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
