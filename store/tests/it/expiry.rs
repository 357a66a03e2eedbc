//! What SQLite removes when it has expired, and when.

use std::sync::Arc;

use exai_core::{
    Clock, Identity, ManualClock, ThreadId,
    answer::AnswerState,
    run::{Run, RunState},
    store::{RunFilter, Runs, Store, Threads, Write},
    thread::{FileRef, Turn, TurnBody, UserMessage},
};
use exai_store::{Settings, SqliteStore};

use crate::support::{
    DAY, NOON, attempt, commit, creation, ended, finish, kept, message, number, raw, run, run_at, settings,
};

#[tokio::test]
async fn expired_rows_go_a_few_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let clock = ManualClock::at(NOON);
    let store = SqliteStore::open_lazily(Settings { ..settings(&path) }, Arc::new(clock.clone()));
    for (owner, threads) in [("a", 60), ("b", 1), ("c", 0)] {
        let who = Identity::new("team", owner);
        for _ in 0..threads {
            let id = ThreadId::new();
            let file = FileRef { path: "x".into(), hash: None };
            let body = TurnBody::Message(UserMessage {
                text: "x".into(),
                files: vec![file],
                ..UserMessage::default()
            });
            let turns = vec![Turn { body, ..message(0, "") }];
            let batch =
                vec![creation(id), Write::AppendTurns { thread: id, turns }, Write::StartRun(run(id))];
            drop(store.write(&who, batch));
        }
        let stray = run(ThreadId::new());
        let end = finish(&stray, RunState::Done);
        commit(&*store, &who, vec![Write::StartRun(stray), end]).await.unwrap();
    }
    let mut conn = raw(&path).await;
    assert_eq!(number(&mut conn, "SELECT count(*) FROM threads").await, 61);

    // A sweep follows a group, and the next group follows the sweep. A thread begun later stays.
    clock.advance_millis(90 * DAY);
    let (who, young) = (Identity::new("team", "a"), ThreadId::new());
    let new = Write::CreateThread { id: young, tool: "chat".into(), title: String::new(), at: clock.now() };
    commit(&*store, &who, vec![new]).await.unwrap();
    commit(&*store, &who, vec![]).await.unwrap();
    assert_eq!(number(&mut conn, "SELECT count(*) FROM threads WHERE owner_id = 'a'").await, 11);
    assert_eq!(number(&mut conn, "SELECT count(*) FROM threads WHERE owner_id = 'b'").await, 0);
    commit(&*store, &who, vec![]).await.unwrap();
    for sql in
        ["SELECT count(*) - 1 FROM threads", "SELECT count(*) FROM turns", "SELECT count(*) FROM turn_files"]
    {
        assert_eq!(number(&mut conn, sql).await, 0, "{sql}");
    }
    assert_eq!(number(&mut conn, "SELECT count(*) FROM usage").await, 3, "usage outlives its thread");
    assert!(store.thread(&who, young).await.unwrap().is_some());

    // The ids of runs carry the machine's time, so the clock goes far beyond it.
    clock.advance_millis(100_000 * DAY);
    commit(&*store, &who, vec![]).await.unwrap();
    commit(&*store, &who, vec![]).await.unwrap();
    for sql in ["SELECT count(*) FROM usage", "SELECT count(*) FROM threads", "SELECT count(*) FROM runs"] {
        assert_eq!(number(&mut conn, sql).await, 0, "{sql}");
    }
}

/// A run without a thread has no thread to go with: it goes when a thread begun with it would, 90 days after its start, and its attempts
/// with it.
#[tokio::test]
async fn lone_runs_expire_like_threads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let clock = ManualClock::at(NOON);
    let store = SqliteStore::open_lazily(settings(&path), Arc::new(clock.clone()));
    let who = Identity::local();
    let lone = Run { thread: None, ..ended(run_at(NOON, ThreadId::new()), RunState::Done) };
    let record = Write::RecordRun { run: lone, attempts: vec![attempt(1)] };
    commit(&*store, &who, vec![record]).await.unwrap();
    let swept = async |millis: i64| {
        clock.advance_millis(millis);
        commit(&*store, &who, vec![]).await.unwrap();
        commit(&*store, &who, vec![]).await.unwrap();
        store.recent_runs(&who, &RunFilter::default(), 9).await.unwrap().len()
    };
    assert_eq!(swept(90 * DAY).await, 1);
    assert_eq!(swept(DAY).await, 0);
    let mut conn = raw(&path).await;
    assert_eq!(number(&mut conn, "SELECT count(*) FROM attempts").await, 0);
    assert_eq!(number(&mut conn, "SELECT count(*) FROM usage").await, 1);
}

/// Only owners of threads, runs or usage were once looked at, so answers of other owners stayed for ever.
#[tokio::test]
async fn answers_expire_without_anything_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let clock = ManualClock::at(NOON);
    let store = SqliteStore::open_lazily(settings(&path), Arc::new(clock.clone()));
    let who = Identity::local();
    commit(&*store, &who, vec![Write::KeepAnswer(kept(None, AnswerState::Done))]).await.unwrap();
    let mut conn = raw(&path).await;
    assert_eq!(number(&mut conn, "SELECT count(*) FROM answers").await, 1);
    clock.advance_millis(31 * DAY);
    commit(&*store, &who, vec![]).await.unwrap();
    commit(&*store, &who, vec![]).await.unwrap();
    assert_eq!(number(&mut conn, "SELECT count(*) FROM answers").await, 0);
}
