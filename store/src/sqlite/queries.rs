//! Questions over many rows of one owner: words in threads, usage, uploaded files.

use exai_core::{
    ThreadId, Timestamp,
    chat::Usage,
    files::UploadedFile,
    run::RunState,
    store::{StoreError, UsageRecord},
    thread::ThreadSummary,
};
use sqlx::{Row, sqlite::SqliteRow};
use uuid::Uuid;

use super::{
    expiry::least_run_id,
    read::{Reads, corrupt, summary},
};

const SEARCH: &str = r"
    SELECT id, tool, title, turns, created_at, updated_at FROM threads t
    WHERE tenant_id = $1 AND owner_id = $2 AND expires_at > $3 AND (
        title LIKE $5 ESCAPE '\' OR EXISTS (
            SELECT 1 FROM turns u
            WHERE u.tenant_id = t.tenant_id AND u.owner_id = t.owner_id AND u.thread_id = t.id AND u.body LIKE $6 ESCAPE '\'
        )
    )
    ORDER BY updated_at DESC LIMIT $4";

const USAGE: &str = "
    SELECT u.day, u.provider, u.model, u.tool, r.thread_id, r.state, u.input_tokens, u.output_tokens, u.cached_input_tokens,
        u.reasoning_tokens, u.estimated, u.cost_usd, u.duration_ms
    FROM usage u LEFT JOIN runs r ON r.tenant_id = u.tenant_id AND r.owner_id = u.owner_id AND r.id = u.run_id
    WHERE u.tenant_id = $1 AND u.owner_id = $2 AND u.run_id >= $3 AND u.run_id < $4
    ORDER BY u.run_id DESC LIMIT $5";

const FILES: &str = "
    SELECT provider, file_id, hash, name, bytes, uploaded_at FROM files
    WHERE tenant_id = $1 AND owner_id = $2 ORDER BY uploaded_at DESC, file_id LIMIT $3";

impl Reads<'_> {
    /// Files at vendors', latest first.
    pub(crate) async fn files(&self, limit: u32) -> Result<Vec<UploadedFile>, StoreError> {
        let rows = self.rows(self.query(FILES).bind(limit)).await?;
        rows.iter().map(|row| file(row).map_err(|error| corrupt("file", error))).collect()
    }

    /// Threads in whose title or turns the words stand.
    pub(crate) async fn search(&self, words: &str, limit: u32) -> Result<Vec<ThreadSummary>, StoreError> {
        // Turns are stored as JSON, so the words are looked for as JSON writes them.
        let written = serde_json::to_string(words).unwrap_or_default();
        let written = written.trim_matches('"');
        let query =
            self.query(SEARCH).bind(self.now.0).bind(limit).bind(pattern(words)).bind(pattern(written));
        let rows = self.rows(query).await?;
        rows.iter().map(|row| summary(row).map_err(|error| corrupt("thread", error))).collect()
    }

    /// What finished runs used, latest first.
    pub(crate) async fn usage(
        &self,
        since: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<UsageRecord>, StoreError> {
        let query = self
            .query(USAGE)
            .bind(least_run_id(since).to_vec())
            .bind(least_run_id(until).to_vec())
            .bind(limit);
        let rows = self.rows(query).await?;
        rows.iter().map(|row| used(row).map_err(|error| corrupt("usage", error))).collect()
    }

    /// Whether the database answers at all.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        self.rows(sqlx::query("SELECT count(*) FROM sqlite_schema")).await.map(drop)
    }
}

fn used(row: &SqliteRow) -> Result<UsageRecord, exai_core::BoxError> {
    let number = |column: usize| -> Result<u64, exai_core::BoxError> {
        Ok(u64::try_from(row.try_get::<i64, _>(column)?)?)
    };
    let thread: Option<&[u8]> = row.try_get(4)?;
    let state: Option<&str> = row.try_get(5)?;
    Ok(UsageRecord {
        day: row.try_get(0)?,
        provider: row.try_get(1)?,
        model: row.try_get(2)?,
        tool: row.try_get(3)?,
        thread: thread.map(Uuid::from_slice).transpose()?.map(ThreadId::from_uuid),
        failed: state.map(|word| RunState::parse(word) != Some(RunState::Done)),
        usage: Usage {
            input_tokens: number(6)?,
            output_tokens: number(7)?,
            cached_input_tokens: number(8)?,
            reasoning_tokens: number(9)?,
            estimated: row.try_get(10)?,
        },
        cost_usd: row.try_get(11)?,
        duration_ms: number(12)?,
    })
}

/// The words anywhere, with nothing in them that means more than itself.
fn pattern(words: &str) -> String {
    let mut pattern = String::with_capacity(words.len() + 2);
    pattern.push('%');
    for letter in words.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

fn file(row: &SqliteRow) -> Result<UploadedFile, exai_core::BoxError> {
    let text = |index: usize| row.try_get::<String, _>(index);
    Ok(UploadedFile {
        provider: text(0)?.as_str().into(),
        id: text(1)?,
        hash: text(2)?,
        name: text(3)?,
        bytes: u64::try_from(row.try_get::<i64, _>(4)?)?,
        uploaded_at: Timestamp(row.try_get(5)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_only_themselves() {
        assert_eq!(pattern(r"50%_a\b"), r"%50\%\_a\\b%");
    }
}
