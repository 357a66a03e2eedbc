//! A file that an earlier version wrote, and the versions that a file lets in.

use std::{fs, path::Path};

use exai_core::{
    Identity, Kind, ThreadId, Timestamp,
    run::{RunState, Source},
    store::{Answers, RunFilter, Runs, Threads, UsageRecords, VendorFiles, Write},
};

use crate::support::{
    LONG, NOON, append, attempt, commit, creation, ended, execute, number, open, outcome, raw, run, settings,
    texts,
};

/// Written by the version that knew schema 4: two owners, a thread of two turns, a run that answered, one that failed and one that was
/// lost, a kept answer, an uploaded file and a moment of forgetting.
const SCHEMA_4: &[u8] = include_bytes!("../data/schema_4.db");

const THREAD: &str = "11111111-1111-4111-8111-111111111111";

#[tokio::test]
async fn schema_4_is_brought_up_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    fs::write(&path, SCHEMA_4).unwrap();
    let (store, who, id) = (open(settings(&path)), Identity::local(), THREAD.parse::<ThreadId>().unwrap());

    let thread = store.thread(&who, id).await.unwrap().unwrap();
    assert_eq!((thread.turns.len(), thread.tool.as_str()), (2, "chat"));
    let runs = store.runs(&who, id).await.unwrap();
    let states: Vec<_> = runs.iter().map(|run| run.state).collect();
    assert_eq!(states, [RunState::Done, RunState::Failed, RunState::Interrupted]);
    for run in &runs {
        assert_eq!((run.thread, run.source), (Some(id), Source::Fresh));
        assert_eq!((&run.door, &run.client, &run.key_id), (&None, &None, &None));
        assert_eq!(store.attempts(&who, run.id).await.unwrap(), []);
    }
    let stored = runs[0].outcome.clone().unwrap();
    assert_eq!((stored.text.as_str(), stored.usage), ("four", outcome().usage));
    assert_eq!(store.answered_run(&who, runs[0].request).await.unwrap().unwrap().id, runs[0].id);
    let used = store.usage(&who, Timestamp(0), NOON, 9).await.unwrap();
    assert_eq!(used.iter().map(|one| one.failed).collect::<Vec<_>>(), [Some(true), Some(false)]);
    assert_eq!(store.answers(&who, id, 9).await.unwrap()[0].text, "{\"status\":\"complete\"}");
    assert_eq!(store.uploaded_files(&who, 9).await.unwrap()[0].id, "file-1");
    assert!(store.answers_forgotten(&who).await.unwrap().is_some());
    assert_eq!(
        store.recent_runs(&Identity::new("team", "ann"), &RunFilter::default(), 9).await.unwrap().len(),
        1
    );

    // What the new schema adds works in the old file.
    let lone = exai_core::run::Run { thread: None, ..ended(run(id), RunState::Done) };
    let record = Write::RecordRun { run: lone.clone(), attempts: vec![attempt(1)] };
    commit(&*store, &who, vec![record, append(id, 2, "goes on")]).await.unwrap();
    assert_eq!(store.recent_runs(&who, &RunFilter::default(), 1).await.unwrap(), [lone]);
    assert!(store.close(LONG).await);
    let mut conn = raw(&path).await;
    assert_eq!(number(&mut conn, "SELECT count(*) FROM pragma_foreign_key_check").await, 0);
    let sound = "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'";
    assert_eq!(number(&mut conn, sound).await, 1);
}

/// The file as a version would leave it that knows a later step.
async fn later(path: &Path, bounds: &'static str) {
    let mut conn = raw(path).await;
    let step = "INSERT INTO _sqlx_migrations SELECT 99, 'later', installed_on, 1, x'00', 0 FROM _sqlx_migrations WHERE version = 1";
    execute(&mut conn, step).await;
    execute(&mut conn, bounds).await;
    sqlx::Connection::close(conn).await.unwrap();
}

async fn written(path: &Path) -> ThreadId {
    let (store, id) = (open(settings(path)), ThreadId::new());
    commit(&*store, &Identity::local(), vec![creation(id), append(id, 0, "a")]).await.unwrap();
    assert!(store.close(LONG).await);
    id
}

#[tokio::test]
async fn a_later_step_may_let_us_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let id = written(&path).await;
    later(&path, "CREATE TABLE more (id INTEGER)").await;
    let (store, who) = (open(settings(&path)), Identity::local());
    commit(&*store, &who, vec![append(id, 1, "b")]).await.unwrap();
    assert_eq!(texts(&*store, &who, id).await.unwrap(), ["a", "b"]);
}

#[tokio::test]
async fn a_later_step_may_let_us_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let id = written(&path).await;
    later(&path, "UPDATE _schema SET min_writer = 99").await;
    let (store, who) = (open(settings(&path)), Identity::local());
    assert_eq!(texts(&*store, &who, id).await.unwrap(), ["a"]);
    let error = commit(&*store, &who, vec![append(id, 1, "b")]).await.unwrap_err();
    assert_eq!(error.kind(), Kind::StoreUnavailable);
    assert!(error.to_string().contains("can only read"), "{error}");
    assert_eq!(texts(&*store, &who, id).await.unwrap(), ["a"]);
}

#[tokio::test]
async fn files_say_who_may_use_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    written(&path).await;
    let mut conn = raw(&path).await;
    let steps = number(&mut conn, "SELECT max(version) FROM _sqlx_migrations").await;
    let bounds = "SELECT count(*) FROM _schema WHERE min_reader <= min_writer AND min_writer <=
        (SELECT max(version) FROM _sqlx_migrations)";
    assert_eq!((steps, number(&mut conn, bounds).await), (6, 1));
}
