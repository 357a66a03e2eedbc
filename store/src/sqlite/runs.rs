//! Reading runs and their attempts.

use exai_core::{
    BoxError, KeyId, ModelId, ProviderId, RequestHash, RunId, ThreadId, Timestamp,
    chat::Usage,
    run::{Attempt, Run, RunOutcome, RunState, Source},
    store::{RunFilter, StoreError},
};
use sqlx::{Row, sqlite::SqliteRow};
use uuid::Uuid;

use super::{
    expiry::least_run_id,
    read::{Reads, corrupt},
    script::key,
};

/// The most runs that are looked at for a filter that no index serves.
const MAX_LOOKED_AT: u32 = 10_000;

/// A question about runs, with the columns in the order in which [`Reads::run`] takes them.
macro_rules! select_runs {
    ($rest:literal) => {
        concat!(
            "SELECT id, thread_id, tool, request_hash, provider, model, state, started_at, deadline_at, ended_at, outcome,
                door, client, key_id, source, first_token_ms, error_kind FROM runs ",
            $rest
        )
    };
}

// Named, because without statistics the planner prefers to walk all runs of the owner in the order that is asked for.
const OF_THREAD: &str = select_runs!(
    "INDEXED BY runs_of_thread WHERE tenant_id = $1 AND owner_id = $2 AND thread_id = $3 ORDER BY id"
);

const RECENT: &str =
    select_runs!("WHERE tenant_id = $1 AND owner_id = $2 AND id >= $3 ORDER BY id DESC LIMIT $4");

const RECENT_OF_THREAD: &str = select_runs!(
    "INDEXED BY runs_of_thread
    WHERE tenant_id = $1 AND owner_id = $2 AND thread_id = $5 AND id >= $3 ORDER BY id DESC LIMIT $4"
);

const ANSWERED: &str = select_runs!(
    "INDEXED BY runs_of_request
    WHERE tenant_id = $1 AND owner_id = $2 AND request_hash = $3 AND state = 'done' AND source = 'fresh'
    ORDER BY id DESC LIMIT 1"
);

const ATTEMPTS: &str = "
    SELECT number, provider, model, started_at, ended_at, first_token_ms, error_kind,
        input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, estimated
    FROM attempts WHERE tenant_id = $1 AND owner_id = $2 AND run_id = $3 ORDER BY number";

impl Reads<'_> {
    /// The runs of a thread, oldest first.
    pub(crate) async fn runs(&self, thread: ThreadId) -> Result<Vec<Run>, StoreError> {
        let rows = self.rows(self.query(OF_THREAD).bind(key(thread.as_uuid()))).await?;
        rows.iter().map(|row| self.readable(row)).collect()
    }

    /// Runs, latest first.
    pub(crate) async fn recent(&self, filter: &RunFilter, limit: u32) -> Result<Vec<Run>, StoreError> {
        let least = least_run_id(filter.since.unwrap_or(Timestamp(0)));
        let plain = filter.tool.is_none()
            && filter.state.is_none()
            && filter.model.is_none()
            && filter.source.is_none();
        let looked_at = if plain { limit } else { MAX_LOOKED_AT.max(limit) };
        let sql = if filter.thread.is_some() { RECENT_OF_THREAD } else { RECENT };
        let mut query = self.query(sql).bind(least.to_vec()).bind(looked_at);
        if let Some(thread) = filter.thread {
            query = query.bind(key(thread.as_uuid()));
        }
        let mut runs = Vec::new();
        for row in &self.rows(query).await? {
            if runs.len() == limit as usize {
                break;
            }
            let run = self.readable(row)?;
            if filter.lets_through(&run) {
                runs.push(run);
            }
        }
        Ok(runs)
    }

    /// The latest run whose provider answered this request.
    pub(crate) async fn answered(&self, request: RequestHash) -> Result<Option<Run>, StoreError> {
        let rows = self.rows(self.query(ANSWERED).bind(request.0.to_vec())).await?;
        rows.first().map(|row| self.readable(row)).transpose()
    }

    /// The attempts of a run.
    pub(crate) async fn attempts(&self, run: RunId) -> Result<Vec<Attempt>, StoreError> {
        let rows = self.rows(self.query(ATTEMPTS).bind(key(run.as_uuid()))).await?;
        rows.iter().map(|row| attempt(row).map_err(|error| corrupt("attempt", error))).collect()
    }

    fn readable(&self, row: &SqliteRow) -> Result<Run, StoreError> {
        self.run(row).map_err(|error| corrupt("run", error))
    }

    fn run(&self, row: &SqliteRow) -> Result<Run, BoxError> {
        let word: &str = row.try_get(6)?;
        let stored = RunState::parse(word).ok_or_else(|| format!("`{word}` is not the state of a run"))?;
        let word: &str = row.try_get(14)?;
        let source = Source::parse(word).ok_or_else(|| format!("`{word}` is not the source of a run"))?;
        let deadline_at = Timestamp(row.try_get(8)?);
        let open = matches!(stored, RunState::Queued | RunState::Running);
        let thread: Option<&[u8]> = row.try_get(1)?;
        Ok(Run {
            id: RunId::from_uuid(Uuid::from_slice(row.try_get(0)?)?),
            thread: thread.map(Uuid::from_slice).transpose()?.map(ThreadId::from_uuid),
            tool: row.try_get(2)?,
            door: row.try_get(11)?,
            client: row.try_get(12)?,
            key_id: row.try_get::<Option<&str>, _>(13)?.map(KeyId::from),
            source,
            request: RequestHash(row.try_get::<&[u8], _>(3)?.try_into()?),
            provider: ProviderId::from(row.try_get::<&str, _>(4)?),
            model: ModelId::from(row.try_get::<&str, _>(5)?),
            // Its process is gone: a living one would have ended the run by its deadline.
            state: if open && deadline_at < self.now { RunState::Interrupted } else { stored },
            started_at: Timestamp(row.try_get(7)?),
            deadline_at,
            ended_at: row.try_get::<Option<i64>, _>(9)?.map(Timestamp),
            outcome: outcome(row)?,
        })
    }
}

fn outcome(row: &SqliteRow) -> Result<Option<RunOutcome>, BoxError> {
    let Some(text) = row.try_get::<Option<&str>, _>(10)? else { return Ok(None) };
    let stored: RunOutcome = serde_json::from_str(text)?;
    Ok(Some(RunOutcome { first_token_ms: number(row, 15)?, error_kind: row.try_get(16)?, ..stored }))
}

fn attempt(row: &SqliteRow) -> Result<Attempt, BoxError> {
    let usage = match number(row, 7)? {
        None => None,
        Some(input_tokens) => Some(Usage {
            input_tokens,
            output_tokens: number(row, 8)?.unwrap_or_default(),
            cached_input_tokens: number(row, 9)?.unwrap_or_default(),
            reasoning_tokens: number(row, 10)?.unwrap_or_default(),
            estimated: row.try_get::<Option<bool>, _>(11)?.unwrap_or_default(),
        }),
    };
    Ok(Attempt {
        number: row.try_get(0)?,
        provider: ProviderId::from(row.try_get::<&str, _>(1)?),
        model: ModelId::from(row.try_get::<&str, _>(2)?),
        started_at: Timestamp(row.try_get(3)?),
        ended_at: Timestamp(row.try_get(4)?),
        first_token_ms: number(row, 5)?,
        error_kind: row.try_get(6)?,
        usage,
    })
}

fn number(row: &SqliteRow, column: usize) -> Result<Option<u64>, BoxError> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(u64::try_from).transpose()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{Settings, open, read::plan};

    #[tokio::test]
    async fn runs_are_found_through_their_indexes() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::at(folder.path().join("db"));
        let pool = open::readers(&settings).await.unwrap();
        let key = "(tenant_id=? AND owner_id=? AND";
        for (sql, index) in [
            (OF_THREAD, format!("runs_of_thread {key} thread_id=?)")),
            (RECENT_OF_THREAD, format!("runs_of_thread {key} thread_id=? AND id>?)")),
            (RECENT, format!("PRIMARY KEY {key} id>?)")),
            (ANSWERED, format!("runs_of_request {key} request_hash=?)")),
            (ATTEMPTS, format!("PRIMARY KEY {key} run_id=?)")),
        ] {
            let plan = plan(&pool, sql).await;
            assert!(plan.contains(&index), "{plan}");
            assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}
