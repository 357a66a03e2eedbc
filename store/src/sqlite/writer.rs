//! The one task that writes. It commits whatever is queued as soon as it is free, and keeps trying while the database cannot be
//! written.

use std::sync::Arc;

use exai_core::{Clock, Timestamp, store::StoreError};
use parking_lot::Mutex;
use sqlx::{Connection, SqliteConnection};

use super::{
    Settings,
    apply::{Changes, Frame},
    error::{Cause, Fault},
    expiry::sweep,
    open,
    settings::millis,
};
use crate::queue::{Batch, Queue};

/// The most batches of one transaction, so that the first of them is answered soon.
const GROUP: usize = 256;

/// The writer's state between groups.
pub(crate) struct Writer {
    settings: Settings,
    clock: Arc<dyn Clock>,
    queue: Arc<Queue>,
    trouble: Arc<Mutex<Option<Fault>>>,
    conn: Option<SqliteConnection>,
    sweep_at: Option<Timestamp>,
}

impl Writer {
    /// A writer that has opened nothing yet. `trouble` shows why writing fails, while it does.
    pub(crate) fn new(
        settings: Settings,
        clock: Arc<dyn Clock>,
        queue: Arc<Queue>,
        trouble: Arc<Mutex<Option<Fault>>>,
    ) -> Self {
        Self { settings, clock, queue, trouble, conn: None, sweep_at: None }
    }

    /// Writes until the queue is closed and empty. After closing, one more attempt is made at what is left.
    pub(crate) async fn run(mut self) {
        let retry = self.settings.retry;
        let mut pause = retry.first;
        while let Some(group) = self.queue.oldest(GROUP).await {
            match self.commit(&group).await {
                Ok(results) => {
                    pause = retry.first;
                    self.note(None);
                    self.queue.settle(results);
                    self.sweep_if_due().await;
                }
                Err(fault) if fault.cause.passes() => {
                    self.note(Some(fault));
                    if self.queue.is_closed() {
                        break;
                    }
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = self.queue.closed() => {}
                    }
                    pause = pause.saturating_mul(2).min(retry.cap);
                }
                Err(fault) => {
                    self.queue.settle(group.iter().map(|_| Err(fault.to_error())).collect());
                    self.note(Some(fault));
                }
            }
        }
        if let Some(conn) = self.conn.take()
            && let Err(error) = conn.close().await
        {
            tracing::debug!(%error, "the writer's connection did not close cleanly");
        }
    }

    /// Remembers why writing fails, and says so once.
    fn note(&self, fault: Option<Fault>) {
        let mut trouble = self.trouble.lock();
        match (trouble.as_ref(), &fault) {
            (None, Some(fault)) => {
                tracing::warn!(reason = fault.reason, hint = fault.hint, "the database cannot be written");
            }
            (Some(_), None) => tracing::info!("the database can be written again"),
            (Some(_), Some(_)) | (None, None) => {}
        }
        *trouble = fault;
    }

    /// Writes a group in one transaction. A batch that cannot be made is taken back alone. On a fault nothing is written.
    pub(crate) async fn commit(
        &mut self,
        group: &[Arc<Batch>],
    ) -> Result<Vec<Result<(), StoreError>>, Fault> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => open::connect(&self.settings).await?,
        };
        match self.transact(&mut conn, group).await {
            Ok(results) => {
                self.conn = Some(conn);
                Ok(results)
            }
            Err(error) => {
                let fault = Fault::of(&self.settings.path, &error);
                if fault.cause == Cause::Locked && rolled_back(&mut conn).await {
                    self.conn = Some(conn);
                }
                // Otherwise the connection ends here, which takes the transaction back; the next attempt opens a fresh one.
                Err(fault)
            }
        }
    }

    async fn transact(
        &self,
        conn: &mut SqliteConnection,
        group: &[Arc<Batch>],
    ) -> Result<Vec<Result<(), StoreError>>, sqlx::Error> {
        let mut results = Vec::with_capacity(group.len());
        for batch in group {
            let changes = Changes { settings: &self.settings, now: self.clock.now(), who: &batch.who };
            let frame = match (group.len(), results.len()) {
                (1, _) => Frame::LONE,
                (_, 0) => Frame::FIRST,
                _ => Frame::NEXT,
            };
            results.push(changes.make(&mut *conn, frame, &batch.writes).await?);
        }
        sqlx::query("COMMIT").execute(conn).await?;
        Ok(results)
    }

    /// Removes what has expired: after the first group, then once an interval, at once again while there is more.
    async fn sweep_if_due(&mut self) {
        let now = self.clock.now();
        if self.sweep_at.is_some_and(|due| now < due) {
            return;
        }
        let Some(mut conn) = self.conn.take() else { return };
        let interval = millis(self.settings.sweep_interval);
        self.sweep_at = match sweep(&mut conn, &self.settings, now).await {
            Ok(more) => {
                self.conn = Some(conn);
                Some(now.plus_millis(if more { 0 } else { interval }))
            }
            Err(error) => {
                tracing::debug!(%error, "expired threads were not removed");
                Some(now.plus_millis(interval))
            }
        };
    }
}

/// Leaves no transaction open behind a failure. A failed `BEGIN` has opened none, and SQLite may have rolled back by itself.
async fn rolled_back(conn: &mut SqliteConnection) -> bool {
    match sqlx::query("ROLLBACK").execute(conn).await {
        Ok(_) => true,
        Err(error) => Cause::of(&error) == Cause::Statement,
    }
}

#[cfg(test)]
mod tests {
    use exai_core::{Identity, ManualClock, ThreadId, store::Write};

    use super::*;

    fn creation(title: &str) -> Arc<Batch> {
        let (id, title) = (ThreadId::new(), title.to_owned());
        let writes = vec![Write::CreateThread { id, tool: "chat".into(), title, at: Timestamp(0) }];
        Arc::new(Batch { who: Identity::local(), writes })
    }

    async fn limit_pages(conn: &mut SqliteConnection, sql: &'static str) {
        sqlx::query(sql).execute(conn).await.unwrap();
    }

    /// A full disk takes back the whole group and passes.
    #[tokio::test]
    async fn a_full_disk_takes_the_group_back() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::at(folder.path().join("db"));
        let clock = Arc::new(ManualClock::at(Timestamp(0)));
        let mut writer = Writer::new(settings, clock, Arc::new(Queue::new(9)), Arc::default());
        let small = creation("fits");
        writer.commit(&[small]).await.unwrap().remove(0).unwrap();

        // SQLite reports a database that may not grow as it reports a disk without space.
        limit_pages(writer.conn.as_mut().unwrap(), "PRAGMA max_page_count = 1").await;
        let group = [creation("also fits"), creation(&"x".repeat(1_000_000)), creation("fits too")];
        let fault = writer.commit(&group).await.unwrap_err();
        assert_eq!(fault.cause, Cause::Full, "{fault:?}");
        assert!(fault.cause.passes() && fault.hint.contains("Free space"), "{fault:?}");

        // The next attempt opens a fresh connection, which has no limit.
        let results = writer.commit(&group).await.unwrap();
        assert!(results.len() == 3 && results.iter().all(Result::is_ok), "{results:?}");
    }
}
