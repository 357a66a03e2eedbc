//! The migrations, and how far a file has come with them.

use std::path::Path;

use sqlx::{
    Connection, Row, SqlSafeStr, SqliteConnection,
    migrate::{AppliedMigration, Migrate, MigrateError, Migration, MigrationType},
};

use super::error::Fault;

/// "EXAI" in the file's header: <https://www.sqlite.org/pragma.html#pragma_application_id>.
const APPLICATION_ID: i64 = 0x4558_4149;

/// Where a file remembers the steps that were done.
const TABLE: &str = "_sqlx_migrations";

/// Every step from an empty file to the present schema: number, name, text. A released step is never edited.
const STEPS: [(i64, &str, &str); 6] = [
    (1, "threads runs usage", include_str!("../../migrations/sqlite/0001_threads_runs_usage.sql")),
    (2, "answers", include_str!("../../migrations/sqlite/0002_answers.sql")),
    (3, "files", include_str!("../../migrations/sqlite/0003_files.sql")),
    (4, "forgotten answers", include_str!("../../migrations/sqlite/0004_forgotten_answers.sql")),
    (5, "runs alone and attempts", include_str!("../../migrations/sqlite/0005_runs_alone_and_attempts.sql")),
    (6, "budget holds", include_str!("../../migrations/sqlite/0006_budget_holds.sql")),
];

fn migrations() -> Vec<Migration> {
    STEPS
        .into_iter()
        .map(|(version, name, sql)| {
            Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
        })
        .collect()
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Questions only.
    Read,
    /// Changes as well.
    Write,
}

/// The steps that the file lacks, changing nothing. A file of another program is refused, and one that a newer version has changed
/// beyond what this version may do with it.
pub(crate) async fn missing(
    conn: &mut SqliteConnection,
    path: &Path,
    access: Access,
) -> Result<Vec<Migration>, Fault> {
    let read = |error: sqlx::Error| Fault::of(path, &error);
    let known = migrations();
    if number(conn, "SELECT count(*) FROM sqlite_schema").await.map_err(read)? == 0 {
        return Ok(known);
    }
    if number(conn, "PRAGMA application_id").await.map_err(read)? != APPLICATION_ID {
        return Err(Fault::incompatible(
            path,
            "is a database of another program",
            "Choose another database file; this one was left as it is.",
        ));
    }
    let done = conn.list_applied_migrations(TABLE).await.map_err(|error| failure(path, error))?;
    let differs = |step: &&AppliedMigration| {
        known.iter().any(|one| one.version == step.version && one.checksum != step.checksum)
    };
    if let Some(step) = done.iter().find(differs) {
        return Err(Fault::incompatible(
            path,
            &format!("was written by another build of exai-mcp (schema {} differs)", step.version),
            "Use the build that wrote it, or choose another database file; this one was left as it is.",
        ));
    }
    let latest = known.iter().map(|step| step.version).max().unwrap_or_default();
    let reached = done.iter().map(|step| step.version).max().unwrap_or_default();
    let is_done = |step: &Migration| done.iter().any(|done| done.version == step.version);
    let is_known = |step: &AppliedMigration| known.iter().any(|one| one.version == step.version);
    let bounds = bounds(conn).await.map_err(read)?;
    let may = |access| bounds.map(|bounds| bounds.allow(latest, access));
    // What the file says counts, whichever steps it has. Beside steps that are not known here it has to say something.
    let is_ours = done.iter().all(is_known) && may(access) != Some(false);
    let is_whole = known.iter().all(is_done);
    if is_ours || (is_whole && may(access) == Some(true)) {
        return Ok(known.into_iter().filter(|step| !is_done(step)).collect());
    }
    Err(newer(path, reached, may(Access::Read) == Some(true)))
}

/// The least step that a program must know, as the file says.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    reader: i64,
    writer: i64,
}

impl Bounds {
    fn allow(self, latest: i64, access: Access) -> bool {
        latest
            >= match access {
                Access::Read => self.reader,
                // Who writes reads too.
                Access::Write => self.writer.max(self.reader),
            }
    }
}

/// `None` when the file does not say, as before step 5.
async fn bounds(conn: &mut SqliteConnection) -> Result<Option<Bounds>, sqlx::Error> {
    if number(conn, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '_schema'").await?
        == 0
    {
        return Ok(None);
    }
    let row = sqlx::query("SELECT min_reader, min_writer FROM _schema").fetch_optional(conn).await?;
    row.map(|row| Ok(Bounds { reader: row.try_get(0)?, writer: row.try_get(1)? })).transpose()
}

fn newer(path: &Path, reached: i64, is_readable: bool) -> Fault {
    let reason = format!("was written by a newer version of exai-mcp (schema {reached})");
    let limit = if is_readable { "; this version can only read it" } else { "" };
    Fault::incompatible(
        path,
        &format!("{reason}{limit}"),
        "Update exai-mcp, or choose another database file; this one was left as it is.",
    )
}

/// Brings the file to the present schema in one transaction. Several processes may do so at once: the lock makes all but the
/// first find the work done.
pub(crate) async fn migrate(conn: &mut SqliteConnection, path: &Path) -> Result<(), Fault> {
    let mut transaction =
        conn.begin_with("BEGIN IMMEDIATE").await.map_err(|error| Fault::of(path, &error))?;
    let steps = missing(&mut transaction, path, Access::Write).await?;
    if !steps.is_empty() {
        transaction.ensure_migrations_table(TABLE).await.map_err(|error| failure(path, error))?;
    }
    for step in &steps {
        transaction.apply(TABLE, step).await.map_err(|error| failure(path, error))?;
    }
    transaction.commit().await.map_err(|error| Fault::of(path, &error))
}

fn failure(path: &Path, error: MigrateError) -> Fault {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => Fault::of(path, &error),
        other => Fault::incompatible(path, &other.to_string(), "Choose another database file."),
    }
}

async fn number(conn: &mut SqliteConnection, sql: &'static str) -> Result<i64, sqlx::Error> {
    sqlx::query(sql).fetch_one(conn).await?.try_get(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-384 of every released step, as sqlx stores it in users' files.
    const RELEASED: [(i64, &str); 6] = [
        (
            1,
            "fa40de8f3bdc71ce5e8a81025b1a2b79b45109c4def8331c6e887473b2862b82ba9e0fe30fcbea724cec1112cd4e3e34",
        ),
        (
            2,
            "a2bdee521def454123b69c0bf51cc6f6ad8fc41e07feb169ce8f18d533af4b4c58a39fe23f32769ec8ff56fe989a7814",
        ),
        (
            3,
            "c59226ec36de4d2b5c2a4602940dbf519f879b6793829c0dcecfd497393b1dd9cf92bc06ab9803598e2a9a5c536a5e43",
        ),
        (
            4,
            "1067ac347eae3e106c14c8d4af8458a24b08b8a926ca61864fad3eca201edb997f78fe88c9a285d960152c04d2bc5bc8",
        ),
        (
            5,
            "1c083483392853085d0274a759a0b34401d846cc53550341df26dad10e3701b259a0521cfd564022066e4af6bb1f6f22",
        ),
        (
            6,
            "3fc05c2b2e3700d34e73673b3fb1ce59e4e6ae32c8c4c6c36449e9fcb4da878db3ea47dad9261277aabd0335b8595fd1",
        ),
    ];

    #[test]
    fn released_steps_are_never_edited() {
        let present: Vec<_> = migrations()
            .iter()
            .map(|step| {
                (step.version, step.checksum.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
            })
            .collect();
        let released: Vec<_> =
            RELEASED.into_iter().map(|(version, hash)| (version, hash.to_owned())).collect();
        assert_eq!(present, released, "add a new step instead of editing one");
    }

    #[test]
    fn every_schema_file_is_a_step() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let steps: Vec<_> = STEPS
            .iter()
            .map(|(version, name, _)| format!("{version:04}_{}.sql", name.replace(' ', "_")))
            .collect();
        assert_eq!(files, steps);
    }
}
