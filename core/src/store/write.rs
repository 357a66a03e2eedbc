//! The changes that a store makes.

use super::Hold;
use crate::{
    HoldId, ProviderId, ThreadId, Timestamp,
    answer::KeptAnswer,
    files::UploadedFile,
    run::{Attempt, Run},
    thread::Turn,
};

/// One change. Changes of a batch happen together or not at all.
#[derive(Debug, Clone)]
pub enum Write {
    /// Begins a thread.
    CreateThread {
        /// Its id.
        id: ThreadId,
        /// The tool that begins it.
        tool: String,
        /// The beginning of the first user text, for lists.
        title: String,
        /// Now.
        at: Timestamp,
    },
    /// Adds turns; their `seq` must follow the stored ones without a gap, else the batch fails with [`StoreError::Conflict`](super::StoreError::Conflict).
    /// Renews the thread's expiry.
    AppendTurns {
        /// The thread.
        thread: ThreadId,
        /// In order.
        turns: Vec<Turn>,
    },
    /// Removes a thread with its turns, runs and kept answers. Usage stays: it is a bill.
    DeleteThread(ThreadId),
    /// Keeps an answer, or replaces it.
    KeepAnswer(KeptAnswer),
    /// Remembers a file that was uploaded to a provider; one with the same provider and id is replaced.
    RememberFile(UploadedFile),
    /// Forgets a file that the provider no longer has. It need not be known.
    ForgetFile {
        /// The provider that had it.
        provider: ProviderId,
        /// The provider's name for it.
        id: String,
    },
    /// Answers up to now are not given again. Threads, runs and usage stay.
    ForgetAnswers {
        /// Now.
        at: Timestamp,
    },
    /// Sets money aside, unless a limit would be exceeded: then the batch fails with
    /// [`StoreError::OverBudget`](super::StoreError::OverBudget). Checked and held in one step.
    Hold(Hold),
    /// Frees what was set aside. It need not be there any more.
    Release(HoldId),
    /// Records that a run begins. Changes nothing when the run is stored already: its end may have been written first.
    StartRun(Run),
    /// Records a run as it ended, and what it used. The run has a state of an end, `ended_at` and `outcome`, else the batch is refused. It
    /// may be stored already: its start when it was long, or an end of it, of which the latest counts. A run has one usage row however
    /// often it ends. When its thread is not there any more, the answer is not kept; what it has cost is.
    RecordRun {
        /// The run as it ended.
        run: Run,
        /// The requests that it made.
        attempts: Vec<Attempt>,
    },
}
