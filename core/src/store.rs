//! The port to durable storage. Every method takes the identity; nothing of another owner can be seen or touched.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;

use crate::{
    AnswerId, BoxError, Identity, Kind, ProviderId, RequestHash, RunId, ThreadId, Timestamp,
    answer::KeptAnswer,
    chat::Usage,
    files::UploadedFile,
    run::{Run, RunOutcome, RunState},
    thread::{Thread, ThreadSummary, Turn},
};

/// Why storage failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be opened, read or written; `hint` says what to do.
    #[error("the database is not available: {reason}. {hint}")]
    Unavailable {
        /// What happened.
        reason: String,
        /// What the user can do.
        hint: String,
        /// The cause.
        #[source]
        source: Option<BoxError>,
    },
    /// Another call added turns first.
    #[error("thread {thread} was continued by another call at the same time")]
    Conflict {
        /// The thread.
        thread: ThreadId,
    },
    /// The thread does not exist for this owner, or has expired.
    #[error("thread {thread} does not exist")]
    UnknownThread {
        /// The thread.
        thread: ThreadId,
    },
    /// The thread has as many turns as a thread may have.
    #[error("thread {thread} is full: it has {limit} turns")]
    Full {
        /// The thread.
        thread: ThreadId,
        /// The most a thread may have.
        limit: u32,
    },
    /// More writes are waiting than may wait.
    #[error("too many writes are waiting for the database")]
    Backlog,
    /// The database does not accept a change of the batch, and would not accept it later either.
    #[error("the database refused a change: {reason}")]
    Refused {
        /// What the database said.
        reason: String,
    },
    /// A stored row cannot be read.
    #[error("a stored {what} cannot be read")]
    Corrupt {
        /// What it was.
        what: &'static str,
        /// The cause.
        #[source]
        source: BoxError,
    },
}

impl StoreError {
    /// What the failure means for the next step.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Unavailable { .. } | Self::Backlog => Kind::StoreUnavailable,
            Self::Conflict { .. } => Kind::Conflict,
            Self::UnknownThread { .. } => Kind::NotFound,
            Self::Full { .. } => Kind::InvalidInput,
            Self::Refused { .. } | Self::Corrupt { .. } => Kind::Internal,
        }
    }
}

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
    /// Adds turns; their `seq` must follow the stored ones without a gap, else the batch fails with [`StoreError::Conflict`].
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
    /// Remembers a file at a vendor's; one of the same provider and id is replaced.
    RememberFile(UploadedFile),
    /// Forgets a file that is no longer at its vendor's. It need not be known.
    ForgetFile {
        /// Where it lay.
        provider: ProviderId,
        /// The vendor's name for it.
        id: String,
    },
    /// Answers given up to now are not given again. Threads, runs and usage stay.
    ForgetAnswers {
        /// Now.
        at: Timestamp,
    },
    /// Records that a consultation begins.
    StartRun(Run),
    /// Records how it ended, and its usage row.
    FinishRun {
        /// The run.
        id: RunId,
        /// `Done`, `Failed`, `Cancelled` or `Interrupted`.
        state: RunState,
        /// When.
        at: Timestamp,
        /// How.
        outcome: RunOutcome,
    },
}

/// A queued batch. Awaiting it tells when it is durable; dropping it does not take the batch back.
#[derive(Debug)]
pub struct Commit(oneshot::Receiver<Result<(), StoreError>>);

/// The writer's end of a [`Commit`].
pub type CommitSender = oneshot::Sender<Result<(), StoreError>>;

impl Commit {
    /// A commit and the end that resolves it.
    #[must_use]
    pub fn pending() -> (CommitSender, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }

    /// A batch that was refused at once.
    #[must_use]
    pub fn refused(error: StoreError) -> Self {
        let (sender, commit) = Self::pending();
        // The receiver is alive: it is returned below.
        drop(sender.send(Err(error)));
        commit
    }

    /// Waits at most `limit`. `Ok(false)` means that the batch is still queued and will be written later.
    ///
    /// # Errors
    /// The batch was refused or storage failed for good.
    pub async fn within(&mut self, limit: Duration) -> Result<bool, StoreError> {
        match tokio::time::timeout(limit, &mut self.0).await {
            Err(_elapsed) => Ok(false),
            Ok(Ok(result)) => result.map(|()| true),
            Ok(Err(_closed)) => Err(StoreError::Unavailable {
                reason: "the writer has stopped".to_owned(),
                hint: "Restart the server.".to_owned(),
                source: None,
            }),
        }
    }
}

/// Which runs are wanted. What is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// The tool.
    pub tool: Option<String>,
    /// The state as it reads now.
    pub state: Option<RunState>,
    /// The thread.
    pub thread: Option<ThreadId>,
    /// A part of `provider/model`, without regard to case.
    pub model: Option<String>,
    /// Begun at this moment or later.
    pub since: Option<Timestamp>,
}

/// What one finished run used.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageRecord {
    /// `YYYY-MM-DD`, UTC.
    pub day: String,
    /// Who was asked.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The tool that asked.
    pub tool: String,
    /// The thread, while its run is stored.
    pub thread: Option<ThreadId>,
    /// Whether the run ended without an answer; `None` when its run is no longer stored.
    pub failed: Option<bool>,
    /// Tokens.
    pub usage: Usage,
    /// US dollars at list price, when the price is known.
    pub cost_usd: Option<f64>,
    /// Wall time in milliseconds.
    pub duration_ms: u64,
}

/// Stored answers that may be given again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoredAnswers {
    /// How many.
    pub count: u64,
    /// What their records take.
    pub bytes: u64,
    /// When the oldest of them was given.
    pub oldest: Option<Timestamp>,
}

/// Durable threads and runs.
#[async_trait]
pub trait Store: Send + Sync {
    /// Queues a batch. Batches are written in the order of this call.
    fn write(&self, who: &Identity, batch: Vec<Write>) -> Commit;

    /// Loads a thread with all its turns, after every queued write to it. `None` when it never existed, belongs to someone else or has expired.
    ///
    /// # Errors
    /// The database cannot be read, or has queued turns of this thread that it cannot write.
    async fn thread(&self, who: &Identity, id: ThreadId) -> Result<Option<Thread>, StoreError>;

    /// The owner's threads, latest first, at most `limit`.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn threads(&self, who: &Identity, limit: u32) -> Result<Vec<ThreadSummary>, StoreError>;

    /// The runs of a thread, oldest first. A run that is still open after its deadline reads as `Interrupted`.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn runs(&self, who: &Identity, thread: ThreadId) -> Result<Vec<Run>, StoreError>;

    /// The owner's threads whose title or words contain `words` without regard to case, latest first, at most `limit`.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn search_threads(
        &self,
        who: &Identity,
        words: &str,
        limit: u32,
    ) -> Result<Vec<ThreadSummary>, StoreError>;

    /// The owner's runs that `filter` lets through, latest first, at most `limit`.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn recent_runs(
        &self,
        who: &Identity,
        filter: &RunFilter,
        limit: u32,
    ) -> Result<Vec<Run>, StoreError>;

    /// The latest run with an answer to this very request, whatever its age.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn answered_run(&self, who: &Identity, request: RequestHash) -> Result<Option<Run>, StoreError>;

    /// When the owner last wanted answers forgotten; see [`Write::ForgetAnswers`].
    ///
    /// # Errors
    /// The database cannot be read.
    async fn answers_forgotten(&self, who: &Identity) -> Result<Option<Timestamp>, StoreError>;

    /// The owner's answers since a moment.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn stored_answers(&self, who: &Identity, since: Timestamp) -> Result<StoredAnswers, StoreError>;

    /// What finished runs of a span used, latest first, at most `limit`.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn usage(
        &self,
        who: &Identity,
        since: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<UsageRecord>, StoreError>;

    /// A kept answer. `None` when it never existed, belongs to someone else or has expired.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn answer(&self, who: &Identity, id: AnswerId) -> Result<Option<KeptAnswer>, StoreError>;

    /// The kept answers of a thread, latest first, at most `limit`.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn answers(
        &self,
        who: &Identity,
        thread: ThreadId,
        limit: u32,
    ) -> Result<Vec<KeptAnswer>, StoreError>;

    /// The files that the owner has put at vendors', latest first.
    ///
    /// # Errors
    /// The database cannot be read.
    async fn uploaded_files(&self, who: &Identity, limit: u32) -> Result<Vec<UploadedFile>, StoreError>;

    /// Whether the database can be read now.
    ///
    /// # Errors
    /// It cannot; the error says why and what to do.
    async fn check(&self) -> Result<(), StoreError>;

    /// How many batches wait to be written.
    fn waiting(&self) -> usize;

    /// Waits at most `limit` for all queued writes. False when some are still waiting.
    async fn flush(&self, limit: Duration) -> bool;
}
