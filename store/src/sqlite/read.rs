//! Rows to values. Every read is one statement, so it sees one moment of the database.

use exai_core::{
    Identity, ThreadId, Timestamp,
    store::StoreError,
    thread::{BODY_VERSION, Thread, ThreadSummary, Turn},
};
use sqlx::{
    Row, SqlitePool,
    sqlite::{SqliteArguments, SqliteRow},
};
use uuid::Uuid;

use super::{
    Settings,
    error::{Cause, Fault},
    script::key,
};

pub(crate) const THREAD: &str = "
    SELECT t.tool, t.created_at, t.updated_at, t.expires_at, u.seq, u.tool, u.created_at, u.body_version, u.body
    FROM threads t
    LEFT JOIN turns u ON u.tenant_id = t.tenant_id AND u.owner_id = t.owner_id AND u.thread_id = t.id
    WHERE t.tenant_id = $1 AND t.owner_id = $2 AND t.id = $3 AND t.expires_at > $4
    ORDER BY u.seq";

pub(crate) const THREADS: &str = "
    SELECT id, tool, title, turns, created_at, updated_at FROM threads
    WHERE tenant_id = $1 AND owner_id = $2 AND expires_at > $3
    ORDER BY updated_at DESC LIMIT $4";

/// Answers questions of one owner.
pub(crate) struct Reads<'a> {
    pub(crate) pool: &'a SqlitePool,
    pub(crate) settings: &'a Settings,
    pub(crate) now: Timestamp,
    pub(crate) who: &'a Identity,
}

/// Any failure to make sense of a row.
pub(super) fn corrupt(what: &'static str, source: impl Into<exai_core::BoxError>) -> StoreError {
    StoreError::Corrupt { what, source: source.into() }
}

impl Reads<'_> {
    pub(super) async fn rows(&self, query: Query<'_>) -> Result<Vec<SqliteRow>, StoreError> {
        query.fetch_all(self.pool).await.map_err(|error| match Cause::of(&error) {
            Cause::Statement => StoreError::Refused { reason: error.to_string() },
            _ => Fault::of(&self.settings.path, &error).to_error(),
        })
    }

    pub(super) fn query(&self, sql: &'static str) -> Query<'static> {
        sqlx::query(sql).bind(self.who.tenant.clone()).bind(self.who.owner.clone())
    }

    /// A thread with its turns.
    pub(crate) async fn thread(&self, id: ThreadId) -> Result<Option<Thread>, StoreError> {
        let rows = self.rows(self.query(THREAD).bind(key(id.as_uuid())).bind(self.now.0)).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let mut thread = head(id, first).map_err(|error| corrupt("thread", error))?;
        // A thread without turns is one row whose turn is all NULL.
        let has_turns = first.try_get::<Option<i64>, _>(4).map_err(|error| corrupt("turn", error))?.is_some();
        if has_turns {
            thread.turns = rows.iter().map(turn).collect::<Result<_, _>>()?;
        }
        Ok(Some(thread))
    }

    /// Threads, latest first.
    pub(crate) async fn threads(&self, limit: u32) -> Result<Vec<ThreadSummary>, StoreError> {
        let rows = self.rows(self.query(THREADS).bind(self.now.0).bind(limit)).await?;
        rows.iter().map(|row| summary(row).map_err(|error| corrupt("thread", error))).collect()
    }
}

pub(super) type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, SqliteArguments>;

fn head(id: ThreadId, row: &SqliteRow) -> Result<Thread, sqlx::Error> {
    Ok(Thread {
        id,
        tool: row.try_get(0)?,
        created_at: Timestamp(row.try_get(1)?),
        updated_at: Timestamp(row.try_get(2)?),
        expires_at: Timestamp(row.try_get(3)?),
        turns: Vec::new(),
    })
}

fn turn(row: &SqliteRow) -> Result<Turn, StoreError> {
    let read = |error: sqlx::Error| corrupt("turn", error);
    let version: u32 = row.try_get(7).map_err(read)?;
    if version > BODY_VERSION {
        return Err(corrupt(
            "turn",
            format!("it was written by a newer version of exai-mcp (format {version})"),
        ));
    }
    Ok(Turn {
        seq: row.try_get(4).map_err(read)?,
        tool: row.try_get(5).map_err(read)?,
        created_at: Timestamp(row.try_get(6).map_err(read)?),
        body: serde_json::from_str(row.try_get(8).map_err(read)?).map_err(|error| corrupt("turn", error))?,
    })
}

pub(super) fn summary(row: &SqliteRow) -> Result<ThreadSummary, exai_core::BoxError> {
    Ok(ThreadSummary {
        id: ThreadId::from_uuid(Uuid::from_slice(row.try_get(0)?)?),
        tool: row.try_get(1)?,
        title: row.try_get(2)?,
        turns: row.try_get(3)?,
        created_at: Timestamp(row.try_get(4)?),
        updated_at: Timestamp(row.try_get(5)?),
    })
}

/// How SQLite means to answer a question.
#[cfg(test)]
pub(super) async fn plan(pool: &SqlitePool, sql: &'static str) -> String {
    let explained = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = sqlx::query(explained).fetch_all(pool).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(3)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::open;

    /// A thread among 100,000 is found by its key.
    #[tokio::test]
    async fn a_thread_is_found_by_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::at(folder.path().join("db"));
        let mut conn = open::connect(&settings).await.unwrap();
        let fill = "
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
            INSERT INTO threads SELECT 'local', 'local', randomblob(16), 'chat', 'title', 1, i, i, i + 1000000 FROM n;
            INSERT INTO turns SELECT tenant_id, owner_id, id, 0, 'chat', 0, 1,
                '{\"kind\":\"message\",\"text\":\"' || updated_at || '\"}' FROM threads";
        sqlx::query(fill).execute(&mut conn).await.unwrap();
        let some = sqlx::query("SELECT id FROM threads WHERE updated_at = 77777")
            .fetch_one(&mut conn)
            .await
            .unwrap();
        let id = ThreadId::from_uuid(Uuid::from_slice(some.get(0)).unwrap());

        let (pool, who) = (open::readers(&settings).await.unwrap(), Identity::local());
        let reads = Reads { pool: &pool, settings: &settings, now: Timestamp(0), who: &who };
        let thread = reads.thread(id).await.unwrap().unwrap();
        assert_eq!((thread.updated_at, thread.turns.len()), (Timestamp(77_777), 1));
        let latest = reads.threads(1).await.unwrap();
        assert_eq!(latest.first().unwrap().updated_at, Timestamp(100_000));

        let found = plan(&pool, THREAD).await;
        assert!(
            found.contains("SEARCH t USING PRIMARY KEY (tenant_id=? AND owner_id=? AND id=?)"),
            "{found}"
        );
        assert!(
            found.contains(
                "SEARCH u USING INDEX sqlite_autoindex_turns_1 (tenant_id=? AND owner_id=? AND thread_id=?)"
            ),
            "{found}"
        );
        let listed = plan(&pool, THREADS).await;
        assert!(listed.contains("threads_by_update (tenant_id=? AND owner_id=?)"), "{listed}");
        for plan in [found, listed] {
            assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}
