//! A database that cannot be written for a while: nothing is lost, nothing changes places.

use std::{
    fs::OpenOptions,
    io::{Seek, SeekFrom, Write as _},
    path::Path,
    time::Duration,
};

use exai_core::{
    Identity, Kind, ThreadId,
    store::{Commit, Runs, Store, StoreError, Threads, Write},
};
use exai_store::Settings;

use crate::support::{LONG, append, commit, creation, execute, impatient, open, raw, settings, texts};

/// Writes wait for a lock and are made in order.
#[tokio::test]
async fn writes_wait_for_a_lock() {
    let folder = tempfile::tempdir().unwrap();
    let (path, who, id) = (folder.path().join("db"), Identity::local(), ThreadId::new());
    let store = open(impatient(&path));
    commit(&*store, &who, vec![creation(id), append(id, 0, "0")]).await.unwrap();
    let mut other = raw(&path).await;
    execute(&mut other, "BEGIN EXCLUSIVE").await;

    let mut waiting: Vec<Commit> =
        (1..=20).map(|seq| store.write(&who, vec![append(id, seq, &seq.to_string())])).collect();
    assert!(!waiting[0].within(Duration::from_millis(250)).await.unwrap());
    assert_eq!(store.waiting(), 20);
    let error = store.thread(&who, id).await.unwrap_err();
    assert_eq!(error.kind(), Kind::StoreUnavailable);
    assert!(error.to_string().contains("not stored yet"), "{error}");
    assert!(error.to_string().contains("locked"), "the reason is told: {error}");
    assert_eq!(store.thread(&who, ThreadId::new()).await.unwrap(), None, "other threads can be read");
    assert_eq!(store.thread(&Identity::new("local", "eve"), id).await.unwrap(), None);
    assert!(!store.flush(Duration::from_millis(5)).await);

    execute(&mut other, "ROLLBACK").await;
    for commit in &mut waiting {
        assert!(commit.within(LONG).await.unwrap());
    }
    assert_eq!(
        texts(&*store, &who, id).await.unwrap(),
        (0..=20).map(|seq| seq.to_string()).collect::<Vec<_>>()
    );
    assert!(store.flush(LONG).await);
}

/// In a group a bad batch is taken back alone.
#[tokio::test]
async fn a_bad_batch_is_taken_back_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (path, who) = (folder.path().join("db"), Identity::local());
    let (id, new) = (ThreadId::new(), ThreadId::new());
    let store = open(impatient(&path));
    commit(&*store, &who, vec![creation(id)]).await.unwrap();
    let mut other = raw(&path).await;
    execute(&mut other, "BEGIN EXCLUSIVE").await;
    // All of these are queued behind the lock, so that they share one transaction.
    let mut first = store.write(&who, vec![append(id, 0, "a")]);
    let mut bad = store.write(&who, vec![creation(new), append(id, 1, "lost"), append(id, 1, "again")]);
    let mut foreign = store.write(&Identity::new("local", "eve"), vec![append(id, 1, "evil")]);
    let mut last = store.write(&who, vec![append(id, 1, "b")]);
    assert!(!first.within(Duration::from_millis(20)).await.unwrap());
    execute(&mut other, "COMMIT").await;
    assert!(first.within(LONG).await.unwrap());
    assert!(matches!(bad.within(LONG).await, Err(StoreError::Conflict { thread }) if thread == id));
    assert!(matches!(foreign.within(LONG).await, Err(StoreError::UnknownThread { .. })));
    assert!(last.within(LONG).await.unwrap());
    assert_eq!(texts(&*store, &who, id).await.unwrap(), ["a", "b"]);
    assert_eq!(store.thread(&who, new).await.unwrap(), None);
}

#[tokio::test]
async fn the_queue_keeps_what_it_took() {
    let folder = tempfile::tempdir().unwrap();
    let (path, who, id) = (folder.path().join("db"), Identity::local(), ThreadId::new());
    let store = open(Settings { backlog: 3, ..impatient(&path) });
    commit(&*store, &who, vec![creation(id)]).await.unwrap();
    let mut other = raw(&path).await;
    execute(&mut other, "BEGIN EXCLUSIVE").await;
    let mut taken: Vec<_> = (0..3).map(|seq| store.write(&who, vec![append(id, seq, "x")])).collect();
    let mut refused = store.write(&who, vec![append(id, 3, "x")]);
    assert!(matches!(refused.within(LONG).await, Err(StoreError::Backlog)));
    execute(&mut other, "COMMIT").await;
    for commit in &mut taken {
        assert!(commit.within(LONG).await.unwrap());
    }
    commit(&*store, &who, vec![append(id, 3, "x")]).await.unwrap();
}

/// A lock at the first opening is waited for too.
#[tokio::test]
async fn a_lock_at_opening_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let (path, who, id) = (folder.path().join("db"), Identity::local(), ThreadId::new());
    let mut other = raw(&path).await;
    execute(&mut other, "PRAGMA journal_mode = WAL").await;
    execute(&mut other, "BEGIN EXCLUSIVE").await;
    let store = open(impatient(&path));
    let mut waiting = store.write(&who, vec![creation(id), append(id, 0, "a")]);
    assert!(!waiting.within(Duration::from_millis(50)).await.unwrap());
    assert!(store.threads(&who, 1).await.is_err());
    execute(&mut other, "ROLLBACK").await;
    assert!(waiting.within(LONG).await.unwrap());
    assert_eq!(texts(&*store, &who, id).await.unwrap(), ["a"]);
}

/// Sets the format in which SQLite may write a file; above 2 the file is read-only, for a superuser too.
/// <https://www.sqlite.org/fileformat.html#file_format_version_numbers>
fn set_write_version(path: &Path, version: u8) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(18)).unwrap();
    file.write_all(&[version]).unwrap();
}

#[tokio::test]
async fn a_read_only_file_is_written_later() {
    let folder = tempfile::tempdir().unwrap();
    let (path, who, id) = (folder.path().join("db"), Identity::local(), ThreadId::new());
    let store = open(settings(&path));
    commit(&*store, &who, vec![creation(id), append(id, 0, "before")]).await.unwrap();
    assert!(store.close(LONG).await);
    set_write_version(&path, 3);

    let store = open(impatient(&path));
    assert_eq!(texts(&*store, &who, id).await.unwrap(), ["before"]);
    let mut waiting = store.write(&who, vec![append(id, 1, "after")]);
    assert!(!waiting.within(Duration::from_millis(50)).await.unwrap());
    let trouble = store.trouble().unwrap().to_string();
    assert!(trouble.contains("readonly") && trouble.contains(&path.display().to_string()), "{trouble}");
    set_write_version(&path, 2);
    assert!(waiting.within(LONG).await.unwrap());
    assert_eq!(texts(&*store, &who, id).await.unwrap(), ["before", "after"]);
}

/// Closing while the file is locked says that writes are lost.
#[tokio::test]
async fn closing_a_locked_file_reports_losses() {
    let folder = tempfile::tempdir().unwrap();
    let (path, who, id) = (folder.path().join("db"), Identity::local(), ThreadId::new());
    let store = open(impatient(&path));
    commit(&*store, &who, vec![creation(id)]).await.unwrap();
    let mut other = raw(&path).await;
    execute(&mut other, "BEGIN EXCLUSIVE").await;
    let mut waiting = store.write(&who, vec![append(id, 0, "x")]);
    assert!(!store.close(Duration::from_millis(100)).await);
    assert!(!waiting.within(Duration::ZERO).await.unwrap());
}

#[tokio::test]
async fn unreadable_rows_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let (path, who) = (folder.path().join("db"), Identity::local());
    let store = open(settings(&path));
    for damage in ["UPDATE turns SET body = '{'", "UPDATE turns SET body_version = 99"] {
        let id = ThreadId::new();
        commit(&*store, &who, vec![creation(id), append(id, 0, "a")]).await.unwrap();
        let mut other = raw(&path).await;
        execute(&mut other, damage).await;
        let error = store.thread(&who, id).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { what: "turn", .. }), "{error}");
    }
    let id = ThreadId::new();
    let started = crate::support::run(id);
    commit(&*store, &who, vec![Write::StartRun(started)]).await.unwrap();
    execute(&mut raw(&path).await, "UPDATE runs SET outcome = 'none'").await;
    let error = store.runs(&who, id).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { what: "run", .. }), "{error}");
}
