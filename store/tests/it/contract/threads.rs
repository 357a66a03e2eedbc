//! Threads: turns in order, limits, expiry, search, deletion.

use exai_core::{
    Clock, Identity, ModelId, Principal, ProviderId, RunId, Severity, ThreadId,
    answer::AnswerState,
    chat::Part,
    run::RunState,
    store::{StoreError, Write},
    thread::{Answer, FileRef, Issue, ModelRef, Step, Turn, TurnBody, UserMessage},
};

use super::{Bench, ann, strangers};
use crate::support::{DAY, LONG, NOON, append, creation, finish, kept, message, run};

fn bodies() -> Vec<TurnBody> {
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
        model: Some(ModelRef { provider: ProviderId::from("minimax"), model: ModelId::from("MiniMax-M3") }),
        opaque: vec![Part::Opaque {
            provider: ProviderId::from("minimax"),
            json: serde_json::json!({"reasoning_details": [{"signature": "x=="}]}),
        }],
        tool_calls: Vec::new(),
        run: Some(RunId::new()),
        files: vec![unread.clone()],
        request: Some("0f".repeat(32)),
    };
    vec![
        TurnBody::Message(UserMessage {
            text: "2 + 2?".into(),
            files: vec![named, unread],
            ..UserMessage::default()
        }),
        TurnBody::Message(UserMessage::default()),
        TurnBody::Step(step),
        TurnBody::Step(Step::default()),
        TurnBody::Answer(answer),
        TurnBody::Answer(Answer::default()),
    ]
}

pub(crate) async fn bodies_come_back_as_they_were(bench: &Bench) {
    let (who, id) = (ann(), ThreadId::new());
    let at = |seq: u32| NOON.plus_millis(seq.into());
    let turns: Vec<_> = (0..)
        .zip(bodies())
        .map(|(seq, body)| Turn { seq, tool: format!("tool{seq}"), created_at: at(seq), body })
        .collect();
    bench.accept(&who, vec![creation(id), Write::AppendTurns { thread: id, turns: turns.clone() }]).await;
    let thread = bench.store.thread(&who, id).await.unwrap().unwrap();
    assert_eq!(thread.turns, turns);
    assert_eq!((thread.tool.as_str(), thread.created_at), ("chat", NOON));
    assert_eq!(thread.updated_at, turns.last().unwrap().created_at);
    assert_eq!(thread.expires_at, thread.updated_at.plus_millis(90 * DAY));

    let empty = ThreadId::new();
    bench.accept(&who, vec![creation(empty)]).await;
    assert_eq!(bench.store.thread(&who, empty).await.unwrap().unwrap().turns, []);
    assert_eq!(bench.store.thread(&who, ThreadId::new()).await.unwrap(), None);
}

pub(crate) async fn a_batch_happens_whole_or_not(bench: &Bench) {
    let (who, id, other) = (ann(), ThreadId::new(), ThreadId::new());
    let batch = vec![creation(id), append(id, 0, "a"), Write::StartRun(run(id)), append(other, 0, "b")];
    let error = bench.commit(&who, batch).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownThread { thread } if thread == other), "{error}");
    assert_eq!(bench.store.thread(&who, id).await.unwrap(), None);
    assert_eq!(bench.store.runs(&who, id).await.unwrap(), []);

    bench.accept(&who, vec![creation(id)]).await;
    let error = bench.commit(&who, vec![append(id, 0, "a"), creation(id)]).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    assert_eq!(bench.texts(&who, id).await.unwrap(), Vec::<String>::new());
}

pub(crate) async fn turns_follow_without_a_gap(bench: &Bench) {
    let (who, id) = (ann(), ThreadId::new());
    bench.accept(&who, vec![creation(id), append(id, 0, "a")]).await;
    for (first, second) in [(0, 1), (2, 3), (1, 1), (1, 3), (1, 0)] {
        let turns = vec![message(first, "x"), message(second, "y")];
        let error = bench.commit(&who, vec![Write::AppendTurns { thread: id, turns }]).await.unwrap_err();
        assert!(
            matches!(error, StoreError::Conflict { thread } if thread == id),
            "{first} {second}: {error}"
        );
    }
    // Of two calls that continue from the same point the first wins.
    let mut calls = ["b", "c"].map(|text| bench.store.write(&who, vec![append(id, 1, text)]));
    assert!(calls[0].within(LONG).await.unwrap());
    assert!(matches!(calls[1].within(LONG).await, Err(StoreError::Conflict { .. })));
    assert_eq!(bench.texts(&who, id).await.unwrap(), ["a", "b"]);
}

pub(crate) async fn a_thread_takes_200_turns(bench: &Bench) {
    let (who, id) = (ann(), ThreadId::new());
    let turns: Vec<_> = (0..199).map(|seq| message(seq, "x")).collect();
    bench.accept(&who, vec![creation(id), Write::AppendTurns { thread: id, turns }]).await;
    let turns = vec![message(199, "last"), message(200, "too many")];
    let error = bench.commit(&who, vec![Write::AppendTurns { thread: id, turns }]).await.unwrap_err();
    assert!(matches!(error, StoreError::Full { limit: 200, .. }), "{error}");
    bench.accept(&who, vec![append(id, 199, "last")]).await;
    let error = bench.commit(&who, vec![append(id, 200, "x")]).await.unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert_eq!(bench.texts(&who, id).await.unwrap().len(), 200);
}

pub(crate) async fn an_unknown_thread_takes_no_turns(bench: &Bench) {
    let id = ThreadId::new();
    for write in [append(id, 0, "x"), Write::DeleteThread(id)] {
        let error = bench.commit(&ann(), vec![write]).await.unwrap_err();
        assert!(matches!(error, StoreError::UnknownThread { thread } if thread == id), "{error}");
    }
}

pub(crate) async fn threads_are_listed_latest_first(bench: &Bench) {
    let who = ann();
    let ids = [ThreadId::new(), ThreadId::new(), ThreadId::new()];
    for (minute, id) in (1..).zip(ids) {
        let at = NOON.plus_millis(minute * 60_000);
        let new = Write::CreateThread { id, tool: "debug".into(), title: format!("thread {minute}"), at };
        bench.accept(&who, vec![new]).await;
    }
    let later = NOON.plus_millis(3_600_000);
    let turns = vec![Turn { created_at: later, ..message(0, "again") }];
    bench.accept(&who, vec![Write::AppendTurns { thread: ids[0], turns }]).await;
    let listed = bench.store.threads(&who, 2).await.unwrap();
    assert_eq!(listed.iter().map(|thread| thread.id).collect::<Vec<_>>(), [ids[0], ids[2]]);
    let first = listed.first().unwrap();
    assert_eq!((first.tool.as_str(), first.title.as_str(), first.turns), ("debug", "thread 1", 1));
    assert_eq!((first.created_at, first.updated_at), (NOON.plus_millis(60_000), later));
}

pub(crate) async fn threads_are_found_by_their_words(bench: &Bench) {
    let (who, queue, table) = (ann(), ThreadId::new(), ThreadId::new());
    let batch = vec![creation(queue), append(queue, 0, "the \"queue\" is 50% full\nsince Monday")];
    bench.accept(&who, batch).await;
    bench.accept(&who, vec![creation(table), append(table, 0, "a table of 500 rows")]).await;
    let found = async |who: &Identity, words: &str| -> Vec<ThreadId> {
        bench.store.search_threads(who, words, 10).await.unwrap().iter().map(|thread| thread.id).collect()
    };
    assert_eq!(found(&who, "QUEUE\" is").await, [queue]);
    assert_eq!(found(&who, "full\nsince").await, [queue]);
    assert_eq!(found(&who, "50%").await, [queue], "a percent sign is no wildcard");
    assert_eq!(found(&who, "5_0").await, []);
    assert_eq!(found(&who, "hello").await.len(), 2, "titles are searched too");
    assert_eq!(bench.store.search_threads(&who, "hello", 1).await.unwrap().len(), 1);
    for stranger in strangers() {
        assert_eq!(found(&stranger, "queue").await, []);
    }
}

pub(crate) async fn threads_expire_unless_continued(bench: &Bench) {
    let (who, id, clock) = (ann(), ThreadId::new(), &bench.clock);
    bench.accept(&who, vec![creation(id)]).await;
    clock.advance_millis(89 * DAY);
    let renewed = Turn { created_at: clock.now(), ..message(0, "still here") };
    bench.accept(&who, vec![Write::AppendTurns { thread: id, turns: vec![renewed] }]).await;
    clock.advance_millis(90 * DAY - 1);
    assert_eq!(bench.texts(&who, id).await.unwrap(), ["still here"]);
    clock.advance_millis(1);
    assert_eq!(bench.store.thread(&who, id).await.unwrap(), None);
    assert_eq!(bench.store.threads(&who, 10).await.unwrap(), []);
    assert_eq!(bench.store.search_threads(&who, "still", 10).await.unwrap(), []);
    let error = bench.commit(&who, vec![append(id, 1, "too late")]).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownThread { .. }), "{error}");
}

pub(crate) async fn others_see_no_thread(bench: &Bench) {
    let (who, id) = (ann(), ThreadId::new());
    bench.accept(&who, vec![creation(id), append(id, 0, "mine")]).await;
    for stranger in strangers() {
        assert_eq!(bench.store.thread(&stranger, id).await.unwrap(), None);
        assert_eq!(bench.store.threads(&stranger, 10).await.unwrap(), []);
        for write in [append(id, 1, "theirs"), Write::DeleteThread(id)] {
            let error = bench.commit(&stranger, vec![write]).await.unwrap_err();
            assert!(matches!(error, StoreError::UnknownThread { .. }), "{error}");
        }
    }
    assert_eq!(bench.texts(&who, id).await.unwrap(), ["mine"]);
}

/// Roles were once part of what rows were compared by: an owner who was made an administrator saw none of theirs.
pub(crate) async fn a_role_change_orphans_nothing(bench: &Bench) {
    let (before, id) = (Principal::new("team", "ann"), ThreadId::new());
    bench.accept(&before.identity, vec![creation(id), append(id, 0, "mine")]).await;
    let after = Principal { roles: vec!["admin".into()], key_id: Some("new".into()), ..before };
    assert_eq!(bench.texts(&after.identity, id).await.unwrap(), ["mine"]);
}

pub(crate) async fn a_deleted_thread_takes_its_own(bench: &Bench) {
    let (who, gone, stays) = (ann(), ThreadId::new(), ThreadId::new());
    let mut runs = Vec::new();
    for thread in [gone, stays] {
        let started = run(thread);
        let answer = kept(Some(thread), AnswerState::Done);
        let end = finish(&started, RunState::Done);
        runs.push(started.id);
        let start = Write::StartRun(started);
        bench
            .accept(
                &who,
                vec![creation(thread), append(thread, 0, "x"), start, end, Write::KeepAnswer(answer)],
            )
            .await;
    }
    bench.accept(&who, vec![Write::DeleteThread(gone)]).await;
    for (thread, run, left) in [(gone, runs[0], 0), (stays, runs[1], 1)] {
        assert_eq!(bench.texts(&who, thread).await.map_or(0, |texts| texts.len()), left);
        assert_eq!(bench.store.runs(&who, thread).await.unwrap().len(), left);
        assert_eq!(bench.store.attempts(&who, run).await.unwrap().len(), left);
        assert_eq!(bench.store.answers(&who, thread, 9).await.unwrap().len(), left);
    }
    let error = bench.commit(&who, vec![Write::DeleteThread(gone)]).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownThread { .. }), "{error}");
}
