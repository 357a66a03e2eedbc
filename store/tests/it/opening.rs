//! The first use of a file: new, old, foreign, damaged, out of reach.

use std::{fs, path::Path, sync::Arc};

use exai_core::{
    Identity, Kind, ManualClock, ThreadId,
    store::{Store, StoreError, Threads},
};
use exai_store::{Settings, SqliteStore, Sync};

use crate::support::{
    LONG, NOON, append, commit, creation, execute, impatient, number, open, raw, settings, texts,
};

async fn refused(path: &Path, expected: &str) {
    let (store, who) = (open(settings(path)), Identity::local());
    let before = fs::read(path).unwrap();
    for error in [
        store.thread(&who, ThreadId::new()).await.unwrap_err(),
        commit(&*store, &who, vec![creation(ThreadId::new())]).await.unwrap_err(),
        store.trouble().unwrap(),
    ] {
        assert_eq!(error.kind(), Kind::StoreUnavailable);
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
    assert!(store.close(LONG).await);
    assert_eq!(fs::read(path).unwrap(), before, "the file was changed");
    let files = fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(files, 1, "something was left beside the file");
}

#[test]
fn making_a_store_touches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(settings(&folder.path().join("a/b/db")));
    assert_eq!((store.waiting(), store.trouble().is_none()), (0, true));
    assert!(!folder.path().join("a").exists());
}

/// A write outside a runtime is an error and the store stays usable.
#[test]
fn a_write_outside_a_runtime_fails() {
    let folder = tempfile::tempdir().unwrap();
    let (store, who, id) = (open(settings(&folder.path().join("db"))), Identity::local(), ThreadId::new());
    let mut commit = store.write(&who, vec![creation(id)]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        assert!(matches!(commit.within(LONG).await, Err(StoreError::Unavailable { .. })));
        assert_eq!(store.thread(&who, id).await.unwrap(), None);
        assert!(store.write(&who, vec![creation(id)]).within(LONG).await.unwrap());
    });
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_for_this_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/deeper/db");
    let (store, who) = (open(settings(&path)), Identity::local());
    commit(&*store, &who, vec![creation(ThreadId::new())]).await.unwrap();
    for (name, mode) in [("", 0o700), ("..", 0o700), ("db", 0o600), ("db-wal", 0o600), ("db-shm", 0o600)] {
        let file = path.parent().unwrap().join(name);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, mode, "{}", file.display());
    }
}

#[tokio::test]
async fn opening_again_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (path, who) = (folder.path().join("db"), Identity::local());
    let mut schemas = Vec::new();
    for sync in [Sync::Normal, Sync::Full] {
        let store = open(Settings { sync, ..settings(&path) });
        assert_eq!(store.threads(&who, 1).await.unwrap(), []);
        commit(&*store, &who, vec![]).await.unwrap();
        let mut conn = raw(&path).await;
        schemas.push(number(&mut conn, "PRAGMA schema_version").await);
        assert_eq!(number(&mut conn, "SELECT count(*) FROM _sqlx_migrations").await, 6);
        assert_eq!(
            number(&mut conn, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'").await,
            1
        );
        assert!(store.close(LONG).await);
    }
    assert_eq!(schemas[0], schemas[1]);
}

#[tokio::test]
async fn every_key_begins_with_the_identity() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    open(settings(&path)).threads(&Identity::local(), 1).await.unwrap();
    let mut conn = raw(&path).await;
    let tables =
        "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND strict = 1 AND name <> '_schema'";
    assert_eq!(number(&mut conn, tables).await, 10);
    let all = "SELECT count(*) FROM pragma_table_list t, pragma_index_list(t.name) i
        WHERE t.schema = 'main' AND t.strict = 1 AND t.name <> '_schema'";
    let led = "SELECT count(*) FROM pragma_table_list t, pragma_index_list(t.name) i
        WHERE t.schema = 'main' AND t.strict = 1 AND t.name <> '_schema'
        AND (SELECT group_concat(name) FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno LIMIT 2))
            = 'tenant_id,owner_id'";
    let indexes = number(&mut conn, all).await;
    assert!(indexes >= 7, "{indexes}");
    assert_eq!(number(&mut conn, led).await, indexes);
    let nullable = "SELECT count(*) FROM pragma_table_list t, pragma_table_info(t.name) c
        WHERE t.schema = 'main' AND t.strict = 1 AND t.name <> '_schema' AND c.name IN ('tenant_id', 'owner_id') AND c.\"notnull\" = 0";
    assert_eq!(number(&mut conn, nullable).await, 0);
}

/// A file of a newer version is refused and left alone.
#[tokio::test]
async fn a_newer_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = open(settings(&path));
    commit(&*store, &Identity::local(), vec![creation(ThreadId::new())]).await.unwrap();
    assert!(store.close(LONG).await);
    let mut conn = raw(&path).await;
    execute(
        &mut conn,
        "INSERT INTO _sqlx_migrations SELECT 99, 'later', installed_on, 1, x'00', 0 FROM _sqlx_migrations WHERE version = 1",
    )
    .await;
    execute(&mut conn, "UPDATE _schema SET min_reader = 99, min_writer = 99").await;
    sqlx::Connection::close(conn).await.unwrap();
    refused(&path, "newer version").await;

    // Without the row the file does not say that this version may use it.
    let mut conn = raw(&path).await;
    execute(&mut conn, "DELETE FROM _schema").await;
    sqlx::Connection::close(conn).await.unwrap();
    refused(&path, "newer version").await;

    let mut conn = raw(&path).await;
    execute(&mut conn, "DELETE FROM _sqlx_migrations WHERE version = 99").await;
    execute(&mut conn, "INSERT INTO _schema (min_reader, min_writer) VALUES (99, 99)").await;
    sqlx::Connection::close(conn).await.unwrap();
    refused(&path, "newer version").await;

    // A step that is not known is refused wherever it stands.
    let mut conn = raw(&path).await;
    execute(&mut conn, "DELETE FROM _schema").await;
    execute(
        &mut conn,
        "INSERT INTO _sqlx_migrations SELECT 0, 'odd', installed_on, 1, x'00', 0 FROM _sqlx_migrations WHERE version = 1",
    )
    .await;
    sqlx::Connection::close(conn).await.unwrap();
    refused(&path, "newer version").await;

    let mut conn = raw(&path).await;
    execute(&mut conn, "DELETE FROM _sqlx_migrations WHERE version = 0").await;
    execute(&mut conn, "UPDATE _sqlx_migrations SET checksum = x'00'").await;
    sqlx::Connection::close(conn).await.unwrap();
    refused(&path, "another build").await;
}

/// A database of another program is refused and left alone.
#[tokio::test]
async fn a_foreign_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("places.sqlite");
    let mut conn = raw(&path).await;
    execute(&mut conn, "CREATE TABLE threads (url TEXT)").await;
    sqlx::Connection::close(conn).await.unwrap();
    refused(&path, "another program").await;
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    fs::write(&path, "This was a letter once. ".repeat(500)).unwrap();
    refused(&path, "backup").await;
}

#[tokio::test]
async fn an_empty_file_becomes_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let (path, who, id) = (folder.path().join("db"), Identity::local(), ThreadId::new());
    fs::write(&path, "").unwrap();
    let store = open(settings(&path));
    commit(&*store, &who, vec![creation(id), append(id, 0, "a")]).await.unwrap();
    assert_eq!(texts(&*store, &who, id).await.unwrap(), ["a"]);
}

#[tokio::test]
async fn a_missing_folder_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let (obstacle, who, id) = (folder.path().join("data"), Identity::local(), ThreadId::new());
    fs::write(&obstacle, "a file where the folder should be").unwrap();
    let store = open(impatient(&obstacle.join("db")));
    let error = store.thread(&who, id).await.unwrap_err();
    assert_eq!(error.kind(), Kind::StoreUnavailable);
    assert!(error.to_string().contains(&obstacle.display().to_string()), "{error}");

    // The write waits for better times instead of failing.
    let mut commit = store.write(&who, vec![creation(id), append(id, 0, "kept")]);
    assert!(!commit.within(std::time::Duration::from_millis(50)).await.unwrap());
    assert!(store.trouble().unwrap().to_string().contains("writable"));
    fs::remove_file(&obstacle).unwrap();
    assert!(commit.within(LONG).await.unwrap());
    assert_eq!(texts(&*store, &who, id).await.unwrap(), ["kept"]);
    assert!(store.trouble().is_none());
}

#[tokio::test]
async fn a_closed_store_refuses_writes() {
    let folder = tempfile::tempdir().unwrap();
    let (path, who) = (folder.path().join("db"), Identity::local());
    let store = SqliteStore::open_lazily(settings(&path), Arc::new(ManualClock::at(NOON)));
    commit(&*store, &who, vec![creation(ThreadId::new())]).await.unwrap();
    assert!(store.close(LONG).await);
    let error = commit(&*store, &who, vec![creation(ThreadId::new())]).await.unwrap_err();
    assert!(error.to_string().contains("closed"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the log is folded into the file");
}
