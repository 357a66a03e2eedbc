//! How each change becomes SQL. Static texts with binds; each is one round trip to the connection's thread where it can be.
//!
//! The texts number their binds with `$1`: SQLite numbers such names without gaps, so that a text may hold several statements.

use exai_core::{
    Principal, RunId, ThreadId, Timestamp,
    run::{Run, RunOutcome, RunState},
    store::{StoreError, Write},
    thread::{BODY_VERSION, Body, Turn},
};
use sqlx::{Row, SqliteConnection};

use super::{Settings, fault::Cause, settings::millis};

const CREATE_THREAD: &str = "
    INSERT INTO threads (tenant_id, owner_id, id, tool, title, created_at, updated_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $6, $7)
    ON CONFLICT DO NOTHING";

// The turn goes in only when the thread took it: `changes()` counts the rows of the statement before.
const APPEND_TURN: &str = "
    UPDATE threads SET turns = turns + 1, updated_at = $5, expires_at = $6
    WHERE tenant_id = $1 AND owner_id = $2 AND id = $3 AND turns = $4 AND turns < $7 AND expires_at > $8;
    INSERT INTO turns (tenant_id, owner_id, thread_id, seq, tool, created_at, body_version, body)
    SELECT $1, $2, $3, $4, $9, $5, $10, $11 WHERE changes() = 1";

const APPEND_FILES: &str = "
    INSERT INTO turn_files (tenant_id, owner_id, thread_id, seq, position, path, hash)
    SELECT $1, $2, $3, $4, key, value ->> 'path', value ->> 'hash' FROM json_each($5)";

const TURNS_OF_THREAD: &str = "
    SELECT turns FROM threads WHERE tenant_id = $1 AND owner_id = $2 AND id = $3 AND expires_at > $4";

const START_RUN: &str = "
    INSERT INTO runs (tenant_id, owner_id, id, thread_id, tool, request_hash, provider, model, state, started_at, deadline_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

// A late answer to a run that was taken for interrupted replaces its row.
const FINISH_RUN: &str = "
    UPDATE runs SET state = $4, ended_at = $5, outcome = $6 WHERE tenant_id = $1 AND owner_id = $2 AND id = $3;
    INSERT OR REPLACE INTO usage (tenant_id, owner_id, run_id, day, provider, model, tool, input_tokens, output_tokens,
        cached_input_tokens, reasoning_tokens, estimated, cost_usd, duration_ms, attempts)
    SELECT tenant_id, owner_id, id, $7, provider, model, tool, $8, $9, $10, $11, $12, $13, $14, $15
    FROM runs WHERE tenant_id = $1 AND owner_id = $2 AND id = $3";

/// Why a change was not made.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The change cannot be made; the rest of the group can.
    Batch(StoreError),
    /// The database failed; nothing of the group is written.
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        match Cause::of(&error) {
            Cause::Statement => Self::Batch(StoreError::Refused { reason: error.to_string() }),
            _ => Self::Database(error),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Batch(error)
    }
}

/// An identity as a key.
pub(crate) fn key(uuid: uuid::Uuid) -> Vec<u8> {
    uuid.as_bytes().to_vec()
}

/// A count as SQLite's only integer.
fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Refused { reason: error.to_string() })
}

/// Makes changes of one owner within the open transaction.
pub(crate) struct Changes<'a> {
    pub(crate) conn: &'a mut SqliteConnection,
    pub(crate) settings: &'a Settings,
    pub(crate) now: Timestamp,
    pub(crate) who: &'a Principal,
}

impl Changes<'_> {
    /// Makes one change.
    pub(crate) async fn make(&mut self, write: &Write) -> Result<(), Failure> {
        match write {
            Write::CreateThread { id, tool, title, at } => self.create_thread(*id, tool, title, *at).await,
            Write::AppendTurns { thread, turns } => {
                for turn in turns {
                    self.append(*thread, turn).await?;
                }
                Ok(())
            }
            Write::StartRun(run) => self.start_run(run).await,
            Write::FinishRun { id, state, at, outcome } => self.finish_run(*id, *state, *at, outcome).await,
        }
    }

    fn expiry(&self, at: Timestamp) -> i64 {
        at.plus_millis(millis(self.settings.thread_lifetime)).0
    }

    async fn create_thread(
        &mut self,
        id: ThreadId,
        tool: &str,
        title: &str,
        at: Timestamp,
    ) -> Result<(), Failure> {
        let created = sqlx::query(CREATE_THREAD)
            .bind(&*self.who.tenant)
            .bind(&*self.who.owner)
            .bind(key(id.as_uuid()))
            .bind(tool)
            .bind(title)
            .bind(at.0)
            .bind(self.expiry(at))
            .execute(&mut *self.conn)
            .await?;
        if created.rows_affected() == 0 {
            return Err(StoreError::Conflict { thread: id }.into());
        }
        Ok(())
    }

    async fn append(&mut self, thread: ThreadId, turn: &Turn) -> Result<(), Failure> {
        let appended = sqlx::query(APPEND_TURN)
            .bind(&*self.who.tenant)
            .bind(&*self.who.owner)
            .bind(key(thread.as_uuid()))
            .bind(turn.seq)
            .bind(turn.created_at.0)
            .bind(self.expiry(turn.created_at))
            .bind(self.settings.max_turns)
            .bind(self.now.0)
            .bind(turn.tool.as_str())
            .bind(BODY_VERSION)
            .bind(json(&turn.body)?)
            .execute(&mut *self.conn)
            .await?;
        if appended.rows_affected() == 0 {
            return Err(self.why_not(thread, turn.seq).await?.into());
        }
        match &turn.body {
            Body::Message(message) if !message.files.is_empty() => {
                sqlx::query(APPEND_FILES)
                    .bind(&*self.who.tenant)
                    .bind(&*self.who.owner)
                    .bind(key(thread.as_uuid()))
                    .bind(turn.seq)
                    .bind(json(&message.files)?)
                    .execute(&mut *self.conn)
                    .await?;
            }
            Body::Message(_) | Body::Step(_) | Body::Answer(_) => {}
        }
        Ok(())
    }

    /// Why the thread did not take turn `seq`.
    async fn why_not(&mut self, thread: ThreadId, seq: u32) -> Result<StoreError, Failure> {
        let row = sqlx::query(TURNS_OF_THREAD)
            .bind(&*self.who.tenant)
            .bind(&*self.who.owner)
            .bind(key(thread.as_uuid()))
            .bind(self.now.0)
            .fetch_optional(&mut *self.conn)
            .await?;
        let Some(row) = row else { return Ok(StoreError::UnknownThread { thread }) };
        let turns: i64 = row.try_get(0)?;
        Ok(if turns == i64::from(seq) {
            StoreError::Full { thread, limit: self.settings.max_turns }
        } else {
            StoreError::Conflict { thread }
        })
    }

    async fn start_run(&mut self, run: &Run) -> Result<(), Failure> {
        sqlx::query(START_RUN)
            .bind(&*self.who.tenant)
            .bind(&*self.who.owner)
            .bind(key(run.id.as_uuid()))
            .bind(key(run.thread.as_uuid()))
            .bind(run.tool.as_str())
            .bind(run.request.0.as_slice())
            .bind(run.provider.as_str())
            .bind(run.model.as_str())
            .bind(run.state.as_str())
            .bind(run.started_at.0)
            .bind(run.deadline_at.0)
            .execute(&mut *self.conn)
            .await?;
        Ok(())
    }

    async fn finish_run(
        &mut self,
        id: RunId,
        state: RunState,
        at: Timestamp,
        outcome: &RunOutcome,
    ) -> Result<(), Failure> {
        let finished = sqlx::query(FINISH_RUN)
            .bind(&*self.who.tenant)
            .bind(&*self.who.owner)
            .bind(key(id.as_uuid()))
            .bind(state.as_str())
            .bind(at.0)
            .bind(json(outcome)?)
            .bind(at.day())
            .bind(count(outcome.usage.input_tokens))
            .bind(count(outcome.usage.output_tokens))
            .bind(count(outcome.usage.cached_input_tokens))
            .bind(count(outcome.usage.reasoning_tokens))
            .bind(outcome.usage.estimated)
            .bind(outcome.cost_usd)
            .bind(count(outcome.duration_ms))
            .bind(outcome.attempts)
            .execute(&mut *self.conn)
            .await?;
        if finished.rows_affected() == 0 {
            return Err(StoreError::Refused { reason: format!("run {id} was never started") }.into());
        }
        Ok(())
    }
}
