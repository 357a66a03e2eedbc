//! Answers: those that were kept for clients that come back, and those that may be given again to the same question.

use exai_core::{
    AnswerId, ThreadId, Timestamp,
    answer::{AnswerState, KeptAnswer},
    store::{StoreError, StoredAnswers},
};
use sqlx::{Row, sqlite::SqliteRow};
use uuid::Uuid;

use super::{
    expiry::least_run_id,
    read::{Reads, corrupt},
    script::key,
};

const ANSWER: &str = "
    SELECT id, thread_id, tool, state, created_at, updated_at, deadline_at, expires_at, is_error, text
    FROM answers WHERE tenant_id = $1 AND owner_id = $2 AND id = $3 AND expires_at > $4";

const ANSWERS: &str = "
    SELECT id, thread_id, tool, state, created_at, updated_at, deadline_at, expires_at, is_error, text
    FROM answers INDEXED BY answers_of_thread
    WHERE tenant_id = $1 AND owner_id = $2 AND thread_id = $3 AND expires_at > $4 ORDER BY id DESC LIMIT $5";

const FORGOTTEN: &str = "SELECT at FROM forgotten_answers WHERE tenant_id = $1 AND owner_id = $2";

const STORED: &str = "
    SELECT count(*), coalesce(sum(length(CAST(outcome AS BLOB))), 0), min(ended_at) FROM runs
    WHERE tenant_id = $1 AND owner_id = $2 AND id >= $3 AND state = 'done' AND source = 'fresh' AND ended_at >= $4";

/// A run of this length may have begun before the moment and ended after it.
const LONGEST_RUN_MS: i64 = 24 * 60 * 60 * 1000;

impl Reads<'_> {
    /// When earlier answers were last forgotten.
    pub(crate) async fn answers_forgotten(&self) -> Result<Option<Timestamp>, StoreError> {
        let rows = self.rows(self.query(FORGOTTEN)).await?;
        let at = rows.first().map(|row| row.try_get(0)).transpose();
        Ok(at.map_err(|error| corrupt("moment", error))?.map(Timestamp))
    }

    /// How many answers there are since a moment.
    pub(crate) async fn stored_answers(&self, since: Timestamp) -> Result<StoredAnswers, StoreError> {
        let least = least_run_id(since.plus_millis(-LONGEST_RUN_MS));
        let rows = self.rows(self.query(STORED).bind(least.to_vec()).bind(since.0)).await?;
        let read = |row: &SqliteRow| -> Result<StoredAnswers, exai_core::BoxError> {
            Ok(StoredAnswers {
                count: u64::try_from(row.try_get::<i64, _>(0)?)?,
                bytes: u64::try_from(row.try_get::<i64, _>(1)?)?,
                oldest: row.try_get::<Option<i64>, _>(2)?.map(Timestamp),
            })
        };
        rows.first().map_or_else(
            || Ok(StoredAnswers::default()),
            |row| read(row).map_err(|error| corrupt("number of answers", error)),
        )
    }

    /// A kept answer.
    pub(crate) async fn answer(&self, id: AnswerId) -> Result<Option<KeptAnswer>, StoreError> {
        let rows = self.rows(self.query(ANSWER).bind(key(id.as_uuid())).bind(self.now.0)).await?;
        rows.first().map(|row| self.kept(row).map_err(|error| corrupt("answer", error))).transpose()
    }

    /// The kept answers of a thread.
    pub(crate) async fn answers(&self, thread: ThreadId, limit: u32) -> Result<Vec<KeptAnswer>, StoreError> {
        let query = self.query(ANSWERS).bind(key(thread.as_uuid())).bind(self.now.0).bind(limit);
        let rows = self.rows(query).await?;
        rows.iter().map(|row| self.kept(row).map_err(|error| corrupt("answer", error))).collect()
    }

    fn kept(&self, row: &SqliteRow) -> Result<KeptAnswer, exai_core::BoxError> {
        let word: &str = row.try_get(3)?;
        let stored =
            AnswerState::parse(word).ok_or_else(|| format!("`{word}` is not the state of an answer"))?;
        let deadline_at = Timestamp(row.try_get(6)?);
        let thread: Option<&[u8]> = row.try_get(1)?;
        Ok(KeptAnswer {
            id: AnswerId::from_uuid(Uuid::from_slice(row.try_get(0)?)?),
            thread: thread.map(Uuid::from_slice).transpose()?.map(ThreadId::from_uuid),
            tool: row.try_get(2)?,
            // Its process is gone: a living one would have kept the answer by its deadline.
            state: if stored == AnswerState::Working && deadline_at < self.now {
                AnswerState::Interrupted
            } else {
                stored
            },
            created_at: Timestamp(row.try_get(4)?),
            updated_at: Timestamp(row.try_get(5)?),
            deadline_at,
            expires_at: Timestamp(row.try_get(7)?),
            is_error: row.try_get(8)?,
            text: row.try_get(9)?,
        })
    }
}
