//! The port to durable storage. Every method takes the identity; nothing of another owner can be seen or touched.
//!
//! Reads are small traits by aggregate, so that a caller asks for what it needs and no more; writes are batches, because what a call
//! changes must be stored together or not at all. [`Store`] is all of them.

mod answers;
mod commit;
mod error;
mod hold;
mod runs;
mod spending;
mod threads;
mod usage;
mod vendor_files;
mod write;

use std::time::Duration;

use async_trait::async_trait;

pub use self::{
    answers::{Answers, StoredAnswers},
    commit::{Commit, CommitSender},
    error::StoreError,
    hold::{Hold, SpendingLimit, SpendingLimits, Spent},
    runs::{RunFilter, Runs},
    spending::Spending,
    threads::Threads,
    usage::{UsageRecord, UsageRecords},
    vendor_files::VendorFiles,
    write::Write,
};
use crate::Identity;

/// Durable storage as a whole: every read, and the one way to write.
#[async_trait]
pub trait Store: Threads + Runs + UsageRecords + Spending + Answers + VendorFiles {
    /// Queues a batch. Batches are written in the order of this call.
    fn write(&self, who: &Identity, batch: Vec<Write>) -> Commit;

    /// Whether the database can be read now, and could be written the last time.
    ///
    /// # Errors
    /// It cannot; the error says why and what to do. The source of one that a full disk caused is an [`std::io::Error`] of the kind
    /// `StorageFull`.
    async fn check(&self) -> Result<(), StoreError>;

    /// How many batches wait to be written.
    fn waiting(&self) -> usize;

    /// Waits at most `limit` for all queued writes. False when some are still waiting.
    async fn flush(&self, limit: Duration) -> bool;
}
