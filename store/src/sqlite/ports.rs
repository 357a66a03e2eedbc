//! The store behind the ports: each method asks the queue or the readers.

use std::time::Duration;

use async_trait::async_trait;
use exai_core::{
    AnswerId, Identity, RequestHash, RunId, ThreadId, Timestamp,
    answer::KeptAnswer,
    files::UploadedFile,
    run::{Attempt, Run},
    store::{
        Answers, Commit, Hold, RunFilter, Runs, Spending, Spent, Store, StoreError, StoredAnswers, Threads,
        UsageRecord, UsageRecords, VendorFiles, Write,
    },
    thread::{Thread, ThreadSummary},
};
use tokio::time::Instant;

use super::SqliteStore;
use crate::queue::Batch;

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

    async fn check(&self) -> Result<(), StoreError> {
        self.reads(&Identity::local()).await?.check().await?;
        self.trouble().map_or(Ok(()), Err)
    }

    fn waiting(&self) -> usize {
        self.queue.waiting()
    }

    async fn flush(&self, limit: Duration) -> bool {
        self.queue.drained(Instant::now() + limit).await
    }
}

#[async_trait]
impl Threads for SqliteStore {
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

    async fn search_threads(
        &self,
        who: &Identity,
        words: &str,
        limit: u32,
    ) -> Result<Vec<ThreadSummary>, StoreError> {
        self.reads(who).await?.search(words, limit).await
    }
}

#[async_trait]
impl Runs for SqliteStore {
    async fn runs(&self, who: &Identity, thread: ThreadId) -> Result<Vec<Run>, StoreError> {
        self.reads(who).await?.runs(thread).await
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

    async fn attempts(&self, who: &Identity, run: RunId) -> Result<Vec<Attempt>, StoreError> {
        self.reads(who).await?.attempts(run).await
    }
}

#[async_trait]
impl UsageRecords for SqliteStore {
    async fn usage(
        &self,
        who: &Identity,
        since: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<UsageRecord>, StoreError> {
        self.reads(who).await?.usage(since, until, limit).await
    }
}

#[async_trait]
impl Spending for SqliteStore {
    async fn spent_before(&self, who: &Identity, hold: &Hold) -> Result<Spent, StoreError> {
        self.reads(who).await?.spent_before(hold).await
    }

    async fn spent_since(&self, who: &Identity, since: Timestamp) -> Result<f64, StoreError> {
        self.reads(who).await?.spent_since(since).await
    }
}

#[async_trait]
impl Answers for SqliteStore {
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

    async fn answers_forgotten(&self, who: &Identity) -> Result<Option<Timestamp>, StoreError> {
        self.reads(who).await?.answers_forgotten().await
    }

    async fn stored_answers(&self, who: &Identity, since: Timestamp) -> Result<StoredAnswers, StoreError> {
        self.reads(who).await?.stored_answers(since).await
    }
}

#[async_trait]
impl VendorFiles for SqliteStore {
    async fn uploaded_files(&self, who: &Identity, limit: u32) -> Result<Vec<UploadedFile>, StoreError> {
        self.reads(who).await?.files(limit).await
    }
}
