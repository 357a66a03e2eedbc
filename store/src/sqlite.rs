//! The store in one SQLite file: a queue, one writer, a few readers.

mod answers;
mod change;
mod fault;
mod lookup;
mod open;
mod read;
mod schema;
mod settings;
mod statements;
mod sweep;
mod writer;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use exai_core::{
    AnswerId, Clock, Identity, RequestHash, ThreadId, Timestamp,
    answer::KeptAnswer,
    files::UploadedFile,
    run::Run,
    store::{Commit, RunFilter, Store, StoreError, StoredAnswers, UsageRecord, Write},
    thread::{Thread, ThreadSummary},
};
use sqlx::SqlitePool;
use tokio::{runtime::Handle, sync::OnceCell, task::JoinHandle, time::Instant};

pub use self::settings::{Retry, Settings, Sync};
use self::{fault::Fault, read::Reads, writer::Writer};
use crate::queue::{Batch, Queue};

/// Threads, runs and usage in an SQLite file, shared safely with other processes on the same machine.
///
/// Nothing is opened before the first use. Dropping the store ends its writer after one more attempt at what is queued;
/// [`SqliteStore::close`] does the same and tells the result.
pub struct SqliteStore {
    settings: Settings,
    clock: Arc<dyn Clock>,
    queue: Arc<Queue>,
    trouble: Arc<Mutex<Option<Fault>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    readers: OnceCell<SqlitePool>,
}

impl SqliteStore {
    /// A store that opens its file at the first use, on the runtime of that use. Touches neither files nor threads.
    #[must_use]
    pub fn open_lazily(settings: Settings, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            queue: Arc::new(Queue::new(settings.backlog)),
            settings,
            clock,
            trouble: Arc::default(),
            writer: Mutex::default(),
            readers: OnceCell::new(),
        })
    }

    /// Why the last attempt to write failed, and what to do; `None` when it succeeded or none was made.
    #[must_use]
    pub fn trouble(&self) -> Option<StoreError> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(Fault::to_error)
    }

    /// Waits at most `limit` for queued writes, then refuses new ones and closes the file. False when some could not be written.
    pub async fn close(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        self.queue.drained(deadline).await;
        self.queue.close();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer
            && tokio::time::timeout_at(deadline, writer).await.is_err()
        {
            tracing::warn!(waiting = self.queue.waiting(), "the store did not finish in time");
        }
        if let Some(readers) = self.readers.get() {
            readers.close().await;
        }
        self.queue.waiting() == 0
    }

    /// Starts the writer when there is none.
    fn start_writer(&self) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if self.queue.is_closed() || writer.as_ref().is_some_and(|task| !task.is_finished()) {
            return Ok(());
        }
        let runtime = Handle::try_current().map_err(|error| StoreError::Unavailable {
            reason: "the store was used outside an asynchronous runtime".to_owned(),
            hint: "Use it from a tokio runtime.".to_owned(),
            source: Some(error.into()),
        })?;
        let task = Writer::new(
            self.settings.clone(),
            Arc::clone(&self.clock),
            Arc::clone(&self.queue),
            Arc::clone(&self.trouble),
        );
        *writer = Some(runtime.spawn(task.run()));
        Ok(())
    }

    /// The read side for `who`; opens the file when that has not succeeded yet.
    async fn reads<'a>(&'a self, who: &'a Identity) -> Result<Reads<'a>, StoreError> {
        let pool = self
            .readers
            .get_or_try_init(|| open::readers(&self.settings))
            .await
            .map_err(|fault| fault.to_error())?;
        Ok(Reads { pool, settings: &self.settings, now: self.clock.now(), who })
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.queue.close();
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn write(&self, who: &Identity, batch: Vec<Write>) -> Commit {
        if let Err(error) = self.start_writer() {
            return Commit::refused(error);
        }
        let (sender, commit) = Commit::pending();
        match self.queue.push(Batch { who: who.clone(), writes: batch }, sender) {
            Ok(()) => commit,
            Err(refusal) => Commit::refused(refusal),
        }
    }

    async fn thread(&self, who: &Identity, id: ThreadId) -> Result<Option<Thread>, StoreError> {
        let deadline = Instant::now() + self.settings.read_wait;
        if !self.queue.thread_drained(who, id, deadline).await {
            return Err(StoreError::Unavailable {
                reason: "earlier turns of this thread are not stored yet".to_owned(),
                hint: match self.trouble() {
                    Some(trouble) => format!("They are waiting because {trouble}"),
                    None => "Try again in a moment.".to_owned(),
                },
                source: None,
            });
        }
        self.reads(who).await?.thread(id).await
    }

    async fn threads(&self, who: &Identity, limit: u32) -> Result<Vec<ThreadSummary>, StoreError> {
        self.reads(who).await?.threads(limit).await
    }

    async fn runs(&self, who: &Identity, thread: ThreadId) -> Result<Vec<Run>, StoreError> {
        self.reads(who).await?.runs(thread).await
    }

    async fn search_threads(
        &self,
        who: &Identity,
        words: &str,
        limit: u32,
    ) -> Result<Vec<ThreadSummary>, StoreError> {
        self.reads(who).await?.search(words, limit).await
    }

    async fn recent_runs(
        &self,
        who: &Identity,
        filter: &RunFilter,
        limit: u32,
    ) -> Result<Vec<Run>, StoreError> {
        self.reads(who).await?.recent(filter, limit).await
    }

    async fn answered_run(&self, who: &Identity, request: RequestHash) -> Result<Option<Run>, StoreError> {
        self.reads(who).await?.answered(request).await
    }

    async fn answers_forgotten(&self, who: &Identity) -> Result<Option<Timestamp>, StoreError> {
        self.reads(who).await?.answers_forgotten().await
    }

    async fn stored_answers(&self, who: &Identity, since: Timestamp) -> Result<StoredAnswers, StoreError> {
        self.reads(who).await?.stored_answers(since).await
    }

    async fn usage(
        &self,
        who: &Identity,
        since: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<UsageRecord>, StoreError> {
        self.reads(who).await?.usage(since, until, limit).await
    }

    async fn answer(&self, who: &Identity, id: AnswerId) -> Result<Option<KeptAnswer>, StoreError> {
        self.reads(who).await?.answer(id).await
    }

    async fn answers(
        &self,
        who: &Identity,
        thread: ThreadId,
        limit: u32,
    ) -> Result<Vec<KeptAnswer>, StoreError> {
        self.reads(who).await?.answers(thread, limit).await
    }

    async fn uploaded_files(&self, who: &Identity, limit: u32) -> Result<Vec<UploadedFile>, StoreError> {
        self.reads(who).await?.files(limit).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.reads(&Identity::local()).await?.check().await
    }

    fn waiting(&self) -> usize {
        self.queue.waiting()
    }

    async fn flush(&self, limit: Duration) -> bool {
        self.queue.drained(Instant::now() + limit).await
    }
}
