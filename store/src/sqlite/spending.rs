//! What was spent, and what is held beside a hold.

use exai_core::{
    Identity, Timestamp,
    store::{Hold, Spent, StoreError},
};
use sqlx::Row;

use super::{
    expiry::least_run_id,
    read::{Reads, corrupt},
    script::key,
};

/// A hold as a row of its own, and the sums that its limits ask for. Run ids begin with their time, so a day is a range of the key; all
/// owners are gone through key by key, and only where a limit counts them.
macro_rules! sums {
    () => {
        "
    WITH RECURSIVE
    hold (tenant, owner, id, thread, usd, since, expires_at, day_limit, thread_limit, server_day_limit, beside_all) AS (
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ),
    owners (tenant, owner) AS (
        SELECT * FROM (SELECT u.tenant_id, u.owner_id FROM usage u ORDER BY u.tenant_id, u.owner_id LIMIT 1)
        WHERE (SELECT server_day_limit FROM hold) IS NOT NULL
        UNION ALL
        SELECT (SELECT tenant_id FROM usage WHERE (tenant_id, owner_id) > (tenant, owner) ORDER BY tenant_id, owner_id LIMIT 1),
               (SELECT owner_id FROM usage WHERE (tenant_id, owner_id) > (tenant, owner) ORDER BY tenant_id, owner_id LIMIT 1)
        FROM owners WHERE tenant IS NOT NULL
    ),
    held AS (
        SELECT b.tenant_id, b.owner_id, b.thread_id, b.usd FROM budget_holds b, hold h
        WHERE b.id <> h.id AND (h.beside_all OR b.id < h.id)
    ),
    spent (in_day, in_thread, in_server_day) AS (
        SELECT
            (SELECT total(u.cost_usd) FROM usage u
                WHERE u.tenant_id = h.tenant AND u.owner_id = h.owner AND u.run_id >= h.since)
            + (SELECT total(b.usd) FROM held b WHERE b.tenant_id = h.tenant AND b.owner_id = h.owner),
            (SELECT total(u.cost_usd) FROM runs r JOIN usage u
                ON u.tenant_id = r.tenant_id AND u.owner_id = r.owner_id AND u.run_id = r.id
                WHERE r.tenant_id = h.tenant AND r.owner_id = h.owner AND r.thread_id = h.thread)
            + (SELECT total(b.usd) FROM held b
                WHERE b.tenant_id = h.tenant AND b.owner_id = h.owner AND b.thread_id = h.thread),
            (SELECT total(u.cost_usd) FROM owners o JOIN usage u
                ON u.tenant_id = o.tenant AND u.owner_id = o.owner AND u.run_id >= h.since)
            + (SELECT total(b.usd) FROM held b WHERE h.server_day_limit IS NOT NULL)
        FROM hold h
    )"
    };
}

/// Holds the money where no limit is exceeded. Sums of fractions are never quite what they should be.
pub(super) const HOLD: &str = concat!(
    "INSERT INTO budget_holds (tenant_id, owner_id, id, thread_id, usd, expires_at)",
    sums!(),
    "
    SELECT tenant, owner, id, thread, usd, expires_at FROM hold, spent
    WHERE (day_limit IS NULL OR in_day + usd <= day_limit + 1e-9)
        AND (thread_limit IS NULL OR in_thread + usd <= thread_limit + 1e-9)
        AND (server_day_limit IS NULL OR in_server_day + usd <= server_day_limit + 1e-9);"
);

const SPENT: &str = concat!(sums!(), " SELECT in_day, in_thread, in_server_day FROM spent");

const SINCE: &str =
    "SELECT total(cost_usd) FROM usage WHERE tenant_id = $1 AND owner_id = $2 AND run_id >= $3";

/// What was spent and is held beside a hold: by all others, or by those that were made before it.
pub(super) fn spent(who: &Identity, hold: &Hold, beside_all: bool) -> super::read::Query<'static> {
    sqlx::query(SPENT)
        .bind(who.tenant.clone())
        .bind(who.owner.clone())
        .bind(key(hold.id.as_uuid()))
        .bind(hold.thread.map(|thread| key(thread.as_uuid())))
        .bind(hold.usd)
        .bind(least_run_id(hold.since).to_vec())
        .bind(hold.expires_at.0)
        .bind(hold.limits.day)
        .bind(hold.limits.thread)
        .bind(hold.limits.server_day)
        .bind(beside_all)
}

/// The sums of a row of [`spent`].
pub(super) fn sums(row: &sqlx::sqlite::SqliteRow) -> Result<Spent, sqlx::Error> {
    Ok(Spent { day: row.try_get(0)?, thread: row.try_get(1)?, server_day: row.try_get(2)? })
}

impl Reads<'_> {
    /// What was spent and is held by those that came before.
    pub(crate) async fn spent_before(&self, hold: &Hold) -> Result<Spent, StoreError> {
        let rows = self.rows(spent(self.who, hold, false)).await?;
        let sums = rows.first().map(sums).transpose().map_err(|error| corrupt("sum", error))?;
        Ok(sums.unwrap_or_default())
    }

    /// What finished runs have cost.
    pub(crate) async fn spent_since(&self, since: Timestamp) -> Result<f64, StoreError> {
        let rows = self.rows(self.query(SINCE).bind(least_run_id(since).to_vec())).await?;
        let sum = rows.first().map(|row| row.try_get(0)).transpose();
        sum.map(Option::unwrap_or_default).map_err(|error| corrupt("sum", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{Settings, open, read::plan};

    /// No sum reads every row of a table: only the first row of all is found without a key.
    #[tokio::test]
    async fn sums_go_by_keys() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::at(folder.path().join("db"));
        drop(open::connect(&settings).await.unwrap());
        let pool = open::readers(&settings).await.unwrap();
        for (sql, first) in [(SPENT, 1), (SINCE, 0)] {
            let plan = plan(&pool, sql).await;
            let of_table = |line: &&str| {
                ["u", "r", "usage", "runs"].iter().any(|table| *line == format!("SCAN {table}"))
            };
            assert_eq!(plan.lines().filter(of_table).count(), first, "{plan}");
        }
    }
}
