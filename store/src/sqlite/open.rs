//! From a path to a checked connection: folder, file, permissions, schema, and the pragmas of every connection.

use std::{fs, io, path::Path, time::Duration};

use sqlx::{
    ConnectOptions, Connection, Row, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::Instant;

use super::{
    Settings, Sync,
    error::{Cause, Fault},
    schema::{self, Access},
};

/// Pages that collect in the log before they are folded into the file (16 MiB; SQLite's own choice is a quarter of it). Many
/// commits change the same pages, and each page is folded in once.
const LOG_PAGES: &str = "4096";

/// The write-ahead log is cut back to this many bytes after a large burst.
const LOG_BYTES: &str = "67108864";

fn options(settings: &Settings) -> Result<SqliteConnectOptions, Fault> {
    // Absolute, because SQLite would take a relative name that begins with `file:` for a URI.
    let path =
        std::path::absolute(&settings.path).map_err(|error| Fault::file_system(&settings.path, &error))?;
    // The driver cannot count beyond 2³¹ milliseconds.
    let busy_timeout = settings.busy_timeout.min(Duration::from_millis(i32::MAX.unsigned_abs().into()));
    Ok(SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(busy_timeout)
        .synchronous(match settings.sync {
            Sync::Normal => SqliteSynchronous::Normal,
            Sync::Full => SqliteSynchronous::Full,
        })
        .pragma("wal_autocheckpoint", LOG_PAGES)
        .pragma("journal_size_limit", LOG_BYTES)
        .thread_name(|number| format!("exai-store-{number}"))
        .disable_statement_logging())
}

/// Opens the database for writing: creates what is missing and migrates. Nothing of a file that is not ours is changed.
pub(crate) async fn connect(settings: &Settings) -> Result<SqliteConnection, Fault> {
    connect_for(settings, Access::Write).await
}

async fn connect_for(settings: &Settings, access: Access) -> Result<SqliteConnection, Fault> {
    // SQLite does not wait for the lock that a change to the write-ahead log needs, so several processes that open a new file
    // at once wait for each other here.
    let deadline = Instant::now() + settings.busy_timeout;
    loop {
        match attempt(settings, access).await {
            Err(fault) if fault.cause == Cause::Locked && Instant::now() < deadline => {
                tokio::time::sleep(settings.retry.first).await;
            }
            other => return other,
        }
    }
}

async fn attempt(settings: &Settings, access: Access) -> Result<SqliteConnection, Fault> {
    let path = settings.path.as_path();
    let owned = settings.path.clone();
    match tokio::task::spawn_blocking(move || create(&owned)).await {
        Ok(created) => created.map_err(|error| Fault::file_system(path, &error))?,
        Err(stopped) => return Err(Fault::file_system(path, &io::Error::other(stopped))),
    }
    let mut conn = options(settings)?.connect().await.map_err(|error| Fault::of(path, &error))?;
    match bring_up_to_date(&mut conn, path, access).await {
        Ok(()) => Ok(conn),
        Err(fault) => {
            // Closed before the fault is reported, so that no log file of ours stays next to a file that is refused.
            if let Err(error) = conn.close().await {
                tracing::debug!(%error, "the connection did not close cleanly");
            }
            Err(fault)
        }
    }
}

async fn bring_up_to_date(conn: &mut SqliteConnection, path: &Path, access: Access) -> Result<(), Fault> {
    if schema::missing(conn, path, access).await?.is_empty() {
        return Ok(());
    }
    let mode: String = sqlx::query("PRAGMA journal_mode = WAL")
        .fetch_one(&mut *conn)
        .await
        .and_then(|row| row.try_get(0))
        .map_err(|error| Fault::of(path, &error))?;
    if mode != "wal" {
        tracing::warn!(path = %path.display(), mode, "no write-ahead log here: readers and the writer wait for each other");
    }
    schema::migrate(conn, path).await
}

/// Read connections, opened when they are needed. They may not write, so no mistake in a query can.
pub(crate) async fn readers(settings: &Settings) -> Result<SqlitePool, Fault> {
    let checked = connect_for(settings, Access::Read).await?;
    let pool = SqlitePoolOptions::new()
        .max_connections(settings.readers.max(1))
        .acquire_timeout(settings.reader_wait)
        // A ping is a round trip to the connection's thread; a broken connection shows at the query itself.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(options(settings)?.pragma("query_only", "ON"));
    // The last connection that closes folds the log into the file; the pool has none open yet.
    checked.close().await.map_err(|error| Fault::of(&settings.path, &error))?;
    Ok(pool)
}

/// Creates the folder for this user alone, and an empty file that only this user can read: it will hold conversations.
/// SQLite gives the log files the permissions of the database.
fn create(path: &Path) -> io::Result<()> {
    if path.try_exists()? {
        return Ok(());
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        exai_core::private::create_dir(folder)?;
    }
    let mut file = fs::OpenOptions::new();
    file.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    match file.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
