//! What every store must do, whatever database is behind it.

use std::sync::Arc;

use exai_core::{
    Clock, Identity, ManualClock, ModelId, Principal, ProviderId, RunId, Severity, ThreadId,
    chat::Part,
    run::{Run, RunState},
    store::{Store, StoreError, Threads, Write},
    thread::{Answer, AnsweredBy, Body, FileRef, Issue, Step, Turn, UserMessage},
};
use exai_store::{Settings, SqliteStore};

use crate::support::{
    DAY, LONG, NOON, append, commit, creation, message, number, outcome, raw, run, settings, texts,
};

/// The whole contract, against a store with default limits whose clock shows [`NOON`]. Another database's tests call this too.
pub(crate) async fn story(store: &dyn Store, clock: &ManualClock) {
    every_body_comes_back_as_it_was(store).await;
    a_batch_happens_together_or_not_at_all(store).await;
    turns_follow_without_a_gap(store).await;
    an_owner_sees_only_what_is_theirs(store).await;
    a_role_change_orphans_nothing(store).await;
    runs_are_kept(store, clock).await;
    a_thread_takes_200_turns(store).await;
    threads_are_listed_latest_first(store, clock).await;
    threads_expire(store, clock).await;
}

fn bodies() -> Vec<Body> {
    let named = FileRef { path: "src/main.rs:1-20".into(), hash: Some("ab".repeat(32)) };
    let unread = FileRef { path: "gone \"quoted\".rs".into(), hash: None };
    let step = Step {
        step: "look".into(),
        step_number: 1,
        total_steps: 3,
        next_step_required: true,
        findings: "none yet".into(),
        files_checked: vec!["a".into()],
        relevant_files: vec!["b".into()],
        relevant_context: vec!["C::d".into()],
        issues_found: vec![Issue { severity: Severity::High, description: "off by one".into(), kind: None }],
        confidence: Some("low".into()),
        hypothesis: Some("the loop".into()),
        images: vec!["shot.png".into()],
        extra: serde_json::from_str(r#"{"z": [1, null, 0.5], "a": {"deep": "ü 😀"}}"#).unwrap(),
    };
    let answer = Answer {
        text: "line\nfeed \u{0} and 'quotes' and ?1 $2".into(),
        model: Some(AnsweredBy { provider: ProviderId::from("minimax"), model: ModelId::from("MiniMax-M3") }),
        opaque: vec![Part::Opaque {
            provider: ProviderId::from("minimax"),
            json: serde_json::json!({"reasoning_details": [{"signature": "x=="}]}),
        }],
        tool_calls: Vec::new(),
        run: Some(RunId::new()),
        files: vec![unread.clone()],
    };
    vec![
        Body::Message(UserMessage {
            text: "2 + 2?".into(),
            files: vec![named, unread],
            ..UserMessage::default()
        }),
        Body::Message(UserMessage::default()),
        Body::Step(step),
        Body::Step(Step::default()),
        Body::Answer(answer),
        Body::Answer(Answer::default()),
    ]
}

async fn every_body_comes_back_as_it_was(store: &dyn Store) {
    let (who, id) = (Identity::new("team", "bodies"), ThreadId::new());
    let turns: Vec<_> = (0..)
        .zip(bodies())
        .map(|(seq, body)| Turn {
            seq,
            tool: format!("tool{seq}"),
            created_at: NOON.plus_millis(seq.into()),
            body,
        })
        .collect();
    commit(store, &who, vec![creation(id), Write::AppendTurns { thread: id, turns: turns.clone() }])
        .await
        .unwrap();
    let thread = store.thread(&who, id).await.unwrap().unwrap();
    assert_eq!(thread.turns, turns);
    assert_eq!((thread.tool.as_str(), thread.created_at), ("chat", NOON));
    assert_eq!(thread.updated_at, turns.last().unwrap().created_at);
    assert_eq!(thread.expires_at, thread.updated_at.plus_millis(90 * DAY));

    let empty = ThreadId::new();
    commit(store, &who, vec![creation(empty)]).await.unwrap();
    assert_eq!(store.thread(&who, empty).await.unwrap().unwrap().turns, []);
    assert_eq!(store.thread(&who, ThreadId::new()).await.unwrap(), None);
}

async fn a_batch_happens_together_or_not_at_all(store: &dyn Store) {
    let (who, id, other) = (Identity::new("team", "atoms"), ThreadId::new(), ThreadId::new());
    let started = run(id);
    let batch = vec![creation(id), append(id, 0, "a"), Write::StartRun(started), append(other, 0, "b")];
    let error = commit(store, &who, batch).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownThread { thread } if thread == other), "{error}");
    assert_eq!(store.thread(&who, id).await.unwrap(), None);
    assert_eq!(store.runs(&who, id).await.unwrap(), []);

    commit(store, &who, vec![creation(id)]).await.unwrap();
    let error = commit(store, &who, vec![append(id, 0, "a"), creation(id)]).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    assert_eq!(texts(store, &who, id).await.unwrap(), Vec::<String>::new());
}

async fn turns_follow_without_a_gap(store: &dyn Store) {
    let (who, id) = (Identity::new("team", "gaps"), ThreadId::new());
    commit(store, &who, vec![creation(id), append(id, 0, "a")]).await.unwrap();
    for (first, second) in [(0, 1), (2, 3), (1, 1), (1, 3), (1, 0)] {
        let turns = vec![message(first, "x"), message(second, "y")];
        let error = commit(store, &who, vec![Write::AppendTurns { thread: id, turns }]).await.unwrap_err();
        assert!(
            matches!(error, StoreError::Conflict { thread } if thread == id),
            "{first} {second}: {error}"
        );
    }
    // Of two calls that continue from the same point the first wins.
    let mut calls =
        [store.write(&who, vec![append(id, 1, "b")]), store.write(&who, vec![append(id, 1, "c")])];
    assert!(calls[0].within(LONG).await.unwrap());
    assert!(matches!(calls[1].within(LONG).await, Err(StoreError::Conflict { .. })));
    assert_eq!(texts(store, &who, id).await.unwrap(), ["a", "b"]);
}

async fn an_owner_sees_only_what_is_theirs(store: &dyn Store) {
    let (who, id) = (Identity::new("team", "ann"), ThreadId::new());
    let started = run(id);
    let batch = vec![creation(id), append(id, 0, "mine"), Write::StartRun(started.clone())];
    commit(store, &who, batch).await.unwrap();
    for stranger in [Identity::new("team", "bob"), Identity::new("rivals", "ann")] {
        assert_eq!(store.thread(&stranger, id).await.unwrap(), None);
        assert_eq!(store.threads(&stranger, 10).await.unwrap(), []);
        assert_eq!(store.runs(&stranger, id).await.unwrap(), []);
        let error = commit(store, &stranger, vec![append(id, 1, "theirs")]).await.unwrap_err();
        assert!(matches!(error, StoreError::UnknownThread { .. }), "{error}");
        let end = Write::FinishRun { id: started.id, state: RunState::Done, at: NOON, outcome: outcome() };
        assert!(commit(store, &stranger, vec![end]).await.is_err());
    }
    assert_eq!(texts(store, &who, id).await.unwrap(), ["mine"]);
    assert_eq!(store.runs(&who, id).await.unwrap(), [started]);
}

/// Roles were once part of what rows were compared by: an owner who was made an administrator saw none of theirs.
async fn a_role_change_orphans_nothing(store: &dyn Store) {
    let (before, id) = (Principal::new("team", "promoted"), ThreadId::new());
    commit(store, &before.identity, vec![creation(id), append(id, 0, "mine")]).await.unwrap();
    let after = Principal { roles: vec!["admin".into()], key_id: Some("new".into()), ..before };
    assert_eq!(texts(store, &after.identity, id).await.unwrap(), ["mine"]);
}

async fn runs_are_kept(store: &dyn Store, clock: &ManualClock) {
    let (who, thread) = (Identity::new("team", "runs"), ThreadId::new());
    let (done, open, late) = (run(thread), run(thread), Run { state: RunState::Queued, ..run(thread) });
    for started in [&done, &open, &late] {
        commit(store, &who, vec![Write::StartRun(started.clone())]).await.unwrap();
    }
    let at = NOON.plus_millis(1_500);
    let end = |id, state| vec![Write::FinishRun { id, state, at, outcome: outcome() }];
    commit(store, &who, end(done.id, RunState::Done)).await.unwrap();
    let finished = |run: Run, state| Run { state, ended_at: Some(at), outcome: Some(outcome()), ..run };
    let done = finished(done, RunState::Done);
    assert_eq!(store.runs(&who, thread).await.unwrap(), [done.clone(), open.clone(), late.clone()]);

    clock.advance_millis(900_001);
    let lost = |run: &Run| Run { state: RunState::Interrupted, ..run.clone() };
    assert_eq!(store.runs(&who, thread).await.unwrap(), [done.clone(), lost(&open), lost(&late)]);
    commit(store, &who, end(late.id, RunState::Failed)).await.unwrap();
    let late = finished(late, RunState::Failed);
    assert_eq!(store.runs(&who, thread).await.unwrap(), [done, lost(&open), late]);

    assert!(commit(store, &who, end(RunId::new(), RunState::Done)).await.is_err(), "a run that never began");
    assert!(commit(store, &who, vec![Write::StartRun(open)]).await.is_err(), "a run begins once");
}

async fn a_thread_takes_200_turns(store: &dyn Store) {
    let (who, id) = (Identity::new("team", "talker"), ThreadId::new());
    let turns: Vec<_> = (0..199).map(|seq| message(seq, "x")).collect();
    commit(store, &who, vec![creation(id), Write::AppendTurns { thread: id, turns }]).await.unwrap();
    let turns = vec![message(199, "last"), message(200, "too many")];
    let error = commit(store, &who, vec![Write::AppendTurns { thread: id, turns }]).await.unwrap_err();
    assert!(matches!(error, StoreError::Full { limit: 200, .. }), "{error}");
    commit(store, &who, vec![append(id, 199, "last")]).await.unwrap();
    assert!(matches!(commit(store, &who, vec![append(id, 200, "x")]).await, Err(StoreError::Full { .. })));
    assert_eq!(texts(store, &who, id).await.unwrap().len(), 200);
}

async fn threads_are_listed_latest_first(store: &dyn Store, clock: &ManualClock) {
    let who = Identity::new("team", "lister");
    let ids = [ThreadId::new(), ThreadId::new(), ThreadId::new()];
    for (minute, id) in (1..).zip(ids) {
        let at = NOON.plus_millis(minute * 60_000);
        let new = Write::CreateThread { id, tool: "debug".into(), title: format!("thread {minute}"), at };
        commit(store, &who, vec![new]).await.unwrap();
    }
    let turns = vec![Turn { created_at: clock.now(), ..message(0, "again") }];
    commit(store, &who, vec![Write::AppendTurns { thread: ids[0], turns }]).await.unwrap();
    let listed = store.threads(&who, 2).await.unwrap();
    assert_eq!(listed.iter().map(|thread| thread.id).collect::<Vec<_>>(), [ids[0], ids[2]]);
    let first = listed.first().unwrap();
    assert_eq!((first.tool.as_str(), first.title.as_str(), first.turns), ("debug", "thread 1", 1));
    assert_eq!((first.created_at, first.updated_at), (NOON.plus_millis(60_000), clock.now()));
}

async fn threads_expire(store: &dyn Store, clock: &ManualClock) {
    let (who, id) = (Identity::new("team", "sleeper"), ThreadId::new());
    let now = clock.now();
    let new = Write::CreateThread { id, tool: "chat".into(), title: String::new(), at: now };
    commit(store, &who, vec![new]).await.unwrap();
    clock.advance_millis(89 * DAY);
    let renewed = Turn { created_at: clock.now(), ..message(0, "still here") };
    commit(store, &who, vec![Write::AppendTurns { thread: id, turns: vec![renewed] }]).await.unwrap();
    clock.advance_millis(90 * DAY - 1);
    assert_eq!(texts(store, &who, id).await.unwrap(), ["still here"]);
    clock.advance_millis(1);
    assert_eq!(store.thread(&who, id).await.unwrap(), None);
    assert_eq!(store.threads(&who, 10).await.unwrap(), []);
    let error = commit(store, &who, vec![append(id, 1, "too late")]).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownThread { .. }), "{error}");
}

#[tokio::test]
async fn the_sqlite_store_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(NOON);
    let store = SqliteStore::open_lazily(settings(&folder.path().join("db")), Arc::new(clock.clone()));
    story(&*store, &clock).await;
    assert!(store.close(LONG).await);
}

#[tokio::test]
async fn a_run_leaves_one_usage_row_however_often_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (path, who) = (folder.path().join("db"), Identity::local());
    let store = crate::support::open(settings(&path));
    let started = run(ThreadId::new());
    let end = |state| Write::FinishRun { id: started.id, state, at: NOON, outcome: outcome() };
    commit(&*store, &who, vec![Write::StartRun(started.clone()), end(RunState::Interrupted)]).await.unwrap();
    commit(&*store, &who, vec![end(RunState::Done)]).await.unwrap();
    let mut conn = raw(&path).await;
    assert_eq!(number(&mut conn, "SELECT count(*) FROM usage").await, 1);
    let matching = "SELECT count(*) FROM usage WHERE tenant_id = 'local' AND owner_id = 'local' AND day = '2026-01-01'
        AND provider = 'glm' AND model = 'GLM-5.3' AND tool = 'chat' AND input_tokens = 11 AND output_tokens = 22
        AND cached_input_tokens = 3 AND reasoning_tokens = 4 AND estimated = 1 AND cost_usd = 0.0125
        AND duration_ms = 1500 AND attempts = 2";
    assert_eq!(number(&mut conn, matching).await, 1);
}

#[tokio::test]
async fn what_has_expired_is_removed_a_little_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let clock = ManualClock::at(NOON);
    let store = SqliteStore::open_lazily(Settings { ..settings(&path) }, Arc::new(clock.clone()));
    for (owner, threads) in [("a", 60), ("b", 1), ("c", 0)] {
        let who = Identity::new("team", owner);
        for _ in 0..threads {
            let id = ThreadId::new();
            let file = FileRef { path: "x".into(), hash: None };
            let body =
                Body::Message(UserMessage { text: "x".into(), files: vec![file], ..UserMessage::default() });
            let turns = vec![Turn { body, ..message(0, "") }];
            let batch =
                vec![creation(id), Write::AppendTurns { thread: id, turns }, Write::StartRun(run(id))];
            drop(store.write(&who, batch));
        }
        let stray = run(ThreadId::new());
        let end = Write::FinishRun { id: stray.id, state: RunState::Done, at: NOON, outcome: outcome() };
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
