//! The store in one SQLite file: a queue, one writer, a few readers.

mod answers;
mod apply;
mod error;
mod expiry;
mod open;
mod ports;
mod queries;
mod read;
mod runs;
mod schema;
mod script;
mod settings;
mod spending;
mod statements;
mod writer;

use std::{sync::Arc, time::Duration};

use exai_core::{Clock, Identity, store::StoreError};
use parking_lot::Mutex;
use sqlx::SqlitePool;
use tokio::{runtime::Handle, sync::OnceCell, task::JoinHandle, time::Instant};

pub use self::settings::{Retry, Settings, Sync};
use self::{error::Fault, read::Reads, writer::Writer};
use crate::queue::Queue;

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
        self.trouble.lock().as_ref().map(Fault::to_error)
    }

    /// Waits at most `limit` for queued writes, then refuses new ones and closes the file. False when some could not be written.
    pub async fn close(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        self.queue.drained(deadline).await;
        self.queue.close();
        let writer = self.writer.lock().take();
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
        let mut writer = self.writer.lock();
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
