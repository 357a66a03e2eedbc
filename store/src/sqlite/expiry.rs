//! Removal of what has expired, a little at a time.

use exai_core::Timestamp;
use sqlx::{Row, SqliteConnection};

use super::{Settings, settings::millis};

/// The most threads, runs and owners' rows that one sweep removes of each owner: it holds the write lock meanwhile.
const BATCH: u32 = 50;

// Steps from owner to owner through the keys instead of reading every row.
const OWNERS: &str = "
    WITH RECURSIVE
    of_threads (tenant, owner) AS (
        SELECT * FROM (SELECT tenant_id, owner_id FROM threads ORDER BY tenant_id, owner_id LIMIT 1)
        UNION ALL
        SELECT (SELECT tenant_id FROM threads WHERE (tenant_id, owner_id) > (tenant, owner) ORDER BY tenant_id, owner_id LIMIT 1),
               (SELECT owner_id FROM threads WHERE (tenant_id, owner_id) > (tenant, owner) ORDER BY tenant_id, owner_id LIMIT 1)
        FROM of_threads WHERE tenant IS NOT NULL
    ),
    of_runs (tenant, owner) AS (
        SELECT * FROM (SELECT tenant_id, owner_id FROM runs ORDER BY tenant_id, owner_id LIMIT 1)
        UNION ALL
        SELECT (SELECT tenant_id FROM runs WHERE (tenant_id, owner_id) > (tenant, owner) ORDER BY tenant_id, owner_id LIMIT 1),
               (SELECT owner_id FROM runs WHERE (tenant_id, owner_id) > (tenant, owner) ORDER BY tenant_id, owner_id LIMIT 1)
        FROM of_runs WHERE tenant IS NOT NULL
    ),
    of_usage (tenant, owner) AS (
        SELECT * FROM (SELECT tenant_id, owner_id FROM usage ORDER BY tenant_id, owner_id LIMIT 1)
        UNION ALL
        SELECT (SELECT tenant_id FROM usage WHERE (tenant_id, owner_id) > (tenant, owner) ORDER BY tenant_id, owner_id LIMIT 1),
               (SELECT owner_id FROM usage WHERE (tenant_id, owner_id) > (tenant, owner) ORDER BY tenant_id, owner_id LIMIT 1)
        FROM of_usage WHERE tenant IS NOT NULL
    ),
    of_answers (tenant, owner) AS (
        SELECT * FROM (SELECT tenant_id, owner_id FROM answers ORDER BY tenant_id, owner_id LIMIT 1)
        UNION ALL
        SELECT (SELECT tenant_id FROM answers WHERE (tenant_id, owner_id) > (tenant, owner) ORDER BY tenant_id, owner_id LIMIT 1),
               (SELECT owner_id FROM answers WHERE (tenant_id, owner_id) > (tenant, owner) ORDER BY tenant_id, owner_id LIMIT 1)
        FROM of_answers WHERE tenant IS NOT NULL
    )
    SELECT tenant, owner FROM of_threads WHERE tenant IS NOT NULL
    UNION SELECT tenant, owner FROM of_runs WHERE tenant IS NOT NULL
    UNION SELECT tenant, owner FROM of_usage WHERE tenant IS NOT NULL
    UNION SELECT tenant, owner FROM of_answers WHERE tenant IS NOT NULL";

// The least lately continued threads expire first, so only those are looked at.
const EXPIRED: &str = "
    SELECT id FROM (
        SELECT id, expires_at FROM threads WHERE tenant_id = $1 AND owner_id = $2 ORDER BY updated_at LIMIT $3
    ) WHERE expires_at <= $4";

// Turns and files go with their thread, attempts with their run.
const REMOVE_THREAD: &str = "
    DELETE FROM runs INDEXED BY runs_of_thread WHERE tenant_id = $1 AND owner_id = $2 AND thread_id = $3;
    DELETE FROM answers INDEXED BY answers_of_thread WHERE tenant_id = $1 AND owner_id = $2 AND thread_id = $3;
    DELETE FROM threads WHERE tenant_id = $1 AND owner_id = $2 AND id = $3";

// Ids of answers begin with their time, so the oldest come first and expire first.
const REMOVE_ANSWERS: &str = "
    DELETE FROM answers WHERE tenant_id = $1 AND owner_id = $2 AND expires_at <= $3 AND id IN (
        SELECT id FROM answers WHERE tenant_id = $1 AND owner_id = $2 ORDER BY id LIMIT $4
    )";

// Run ids begin with their time. $3 and $5 are the least ids of a run that stays without a thread and of one whose usage stays. A run
// that never had a thread lives as long as a thread that was begun with it and never continued.
const REMOVE_STRAYS: &str = "
    DELETE FROM runs WHERE tenant_id = $1 AND owner_id = $2 AND id IN (
        SELECT r.id FROM runs r
        WHERE r.tenant_id = $1 AND r.owner_id = $2 AND r.id < $3 AND NOT EXISTS (
            SELECT 1 FROM threads t WHERE t.tenant_id = $1 AND t.owner_id = $2 AND t.id = r.thread_id
        )
        ORDER BY r.id LIMIT $4
    );
    DELETE FROM usage WHERE tenant_id = $1 AND owner_id = $2 AND run_id IN (
        SELECT run_id FROM usage WHERE tenant_id = $1 AND owner_id = $2 AND run_id < $5 ORDER BY run_id LIMIT $4
    )";

/// Removes what has expired at `now`, in one transaction. True when there may be more.
///
/// # Errors
/// The database failed; the caller drops the connection, which takes back what was done.
pub(crate) async fn sweep(
    conn: &mut SqliteConnection,
    settings: &Settings,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let oldest_run = least_run_id(now.plus_millis(-millis(settings.thread_lifetime)));
    let oldest_usage = least_run_id(now.plus_millis(-millis(settings.usage_lifetime)));
    let mut more = false;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *conn).await?;
    for row in sqlx::query(OWNERS).fetch_all(&mut *conn).await? {
        let (tenant, owner): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
        let expired = sqlx::query(EXPIRED)
            .bind(tenant)
            .bind(owner)
            .bind(BATCH)
            .bind(now.0)
            .fetch_all(&mut *conn)
            .await?;
        for thread in &expired {
            sqlx::query(REMOVE_THREAD)
                .bind(tenant)
                .bind(owner)
                .bind(thread.try_get::<&[u8], _>(0)?)
                .execute(&mut *conn)
                .await?;
        }
        let strays = sqlx::query(REMOVE_STRAYS)
            .bind(tenant)
            .bind(owner)
            .bind(oldest_run.as_slice())
            .bind(BATCH)
            .bind(oldest_usage.as_slice())
            .execute(&mut *conn)
            .await?
            .rows_affected();
        let answers = sqlx::query(REMOVE_ANSWERS)
            .bind(tenant)
            .bind(owner)
            .bind(now.0)
            .bind(BATCH)
            .execute(&mut *conn)
            .await?
            .rows_affected();
        more |= answers >= u64::from(BATCH);
        more |= expired.len() == BATCH as usize || strays >= u64::from(BATCH);
    }
    sqlx::query("COMMIT").execute(&mut *conn).await?;
    Ok(more)
}

/// The least version 7 id of a run that began at `moment`: 48 bits of milliseconds, then zeros (RFC 9562, 5.7).
pub(super) fn least_run_id(moment: Timestamp) -> [u8; 16] {
    let millis = u128::try_from(moment.0.max(0)).unwrap_or(0);
    (millis << 80).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::open;

    #[tokio::test]
    async fn owners_are_found_without_reading_their_rows() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::at(folder.path().join("db"));
        let mut conn = open::connect(&settings).await.unwrap();
        let fill = "
            WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
            INSERT INTO threads SELECT 't' || (i % 2), 'o' || (i % 5), randomblob(16), 'chat', '', 1, i, i, i FROM n";
        sqlx::query(fill).execute(&mut conn).await.unwrap();
        let rows = sqlx::query(OWNERS).fetch_all(&mut conn).await.unwrap();
        let owners: Vec<_> =
            rows.iter().map(|row| format!("{}/{}", row.get::<&str, _>(0), row.get::<&str, _>(1))).collect();
        let all = ["t0/o0", "t0/o1", "t0/o2", "t0/o3", "t0/o4", "t1/o0", "t1/o1", "t1/o2", "t1/o3", "t1/o4"];
        assert_eq!(owners, all);

        let explained = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {OWNERS}"));
        let plan = sqlx::query(explained).fetch_all(&mut conn).await.unwrap();
        for line in plan.iter().map(|row| row.get::<String, _>(3)) {
            let table = ["threads", "runs", "usage", "answers"]
                .iter()
                .any(|table| line.contains(&format!("SCAN {table} ")));
            assert!(!table || line.contains("USING"), "{line}");
        }
    }

    #[test]
    fn run_ids_begin_with_their_time() {
        let id = exai_core::RunId::new().as_uuid();
        let (seconds, nanos) = id.get_timestamp().unwrap().to_unix();
        let moment = Timestamp(i64::try_from(seconds).unwrap() * 1_000 + i64::from(nanos / 1_000_000));
        assert!(least_run_id(moment) <= *id.as_bytes());
        assert!(least_run_id(moment.plus_millis(1)) > *id.as_bytes());
    }
}
