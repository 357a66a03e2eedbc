//! Questions over many rows: of one owner only, within their limits, and gone when they are deleted.

use exai_core::{
    AnswerId, Identity, RunId, ThreadId, Timestamp,
    answer::{AnswerState, KeptAnswer},
    files::UploadedFile,
    run::{Run, RunState},
    store::{Answers, RunFilter, Runs, Store, StoreError, Threads, UsageRecords, VendorFiles, Write},
};

use crate::support::{DAY, LONG, NOON, append, commit, creation, open, outcome, run, settings};

/// A run id of a moment: version 7 begins with its milliseconds.
fn run_at(moment: Timestamp, thread: ThreadId) -> Run {
    let millis = u64::try_from(moment.0).unwrap();
    let seconds = uuid::Timestamp::from_unix(uuid::NoContext, millis / 1_000, 0);
    Run { id: RunId::from_uuid(uuid::Uuid::new_v7(seconds)), started_at: moment, ..run(thread) }
}

fn finished(run: &Run, state: RunState) -> Write {
    Write::FinishRun { id: run.id, state, at: run.started_at, outcome: outcome() }
}

fn kept(thread: Option<ThreadId>, state: AnswerState) -> KeptAnswer {
    KeptAnswer {
        id: AnswerId::new(),
        thread,
        tool: "codereview".into(),
        state,
        created_at: NOON,
        updated_at: NOON,
        deadline_at: NOON.plus_millis(1_000),
        expires_at: NOON.plus_millis(30 * DAY),
        text: "{\"status\":\"x\"}".into(),
        is_error: false,
    }
}

#[tokio::test]
async fn threads_are_found_by_their_words_and_by_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(settings(&folder.path().join("db")));
    let (me, other) = (Identity::local(), Identity::new("local", "other"));
    let (queue, table) = (ThreadId::new(), ThreadId::new());
    commit(&*store, &me, vec![creation(queue), append(queue, 0, "the \"queue\" is 50% full\nsince Monday")])
        .await
        .unwrap();
    commit(&*store, &me, vec![creation(table), append(table, 0, "a table of 500 rows")]).await.unwrap();
    let found = async |who: &Identity, words: &str| -> Vec<ThreadId> {
        store.search_threads(who, words, 10).await.unwrap().iter().map(|thread| thread.id).collect()
    };
    assert_eq!(found(&me, "QUEUE\" is").await, [queue]);
    assert_eq!(found(&me, "full\nsince").await, [queue]);
    assert_eq!(found(&me, "50%").await, [queue], "a percent sign is no wildcard");
    assert_eq!(found(&me, "5_0").await, []);
    assert_eq!(found(&me, "hello").await.len(), 2, "titles are searched too");
    assert_eq!(found(&other, "queue").await, []);
}

#[tokio::test]
async fn runs_are_filtered_and_the_latest_come_first() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(settings(&folder.path().join("db")));
    let me = Identity::local();
    let (one, two) = (ThreadId::new(), ThreadId::new());
    let first = run_at(NOON.plus_millis(-2 * DAY), one);
    let second = Run { tool: "debug".into(), ..run_at(NOON.plus_millis(-DAY), two) };
    let third = run_at(NOON, two);
    for run in [&first, &second, &third] {
        commit(&*store, &me, vec![Write::StartRun(run.clone())]).await.unwrap();
    }
    commit(&*store, &me, vec![finished(&first, RunState::Done), finished(&second, RunState::Failed)])
        .await
        .unwrap();
    let ids = async |filter: RunFilter| -> Vec<RunId> {
        store.recent_runs(&me, &filter, 10).await.unwrap().iter().map(|run| run.id).collect()
    };
    assert_eq!(ids(RunFilter::default()).await, [third.id, second.id, first.id]);
    assert_eq!(ids(RunFilter { thread: Some(two), ..RunFilter::default() }).await, [third.id, second.id]);
    assert_eq!(ids(RunFilter { tool: Some("debug".into()), ..RunFilter::default() }).await, [second.id]);
    assert_eq!(ids(RunFilter { state: Some(RunState::Done), ..RunFilter::default() }).await, [first.id]);
    assert_eq!(ids(RunFilter { model: Some("LM-5".into()), ..RunFilter::default() }).await.len(), 3);
    assert_eq!(ids(RunFilter { model: Some("kimi".into()), ..RunFilter::default() }).await, []);
    let since = RunFilter { since: Some(NOON.plus_millis(-DAY)), ..RunFilter::default() };
    assert_eq!(ids(since).await, [third.id, second.id]);
    assert_eq!(store.recent_runs(&me, &RunFilter::default(), 1).await.unwrap().len(), 1);
    let other = Identity::new("other", "local");
    assert_eq!(store.recent_runs(&other, &RunFilter::default(), 10).await.unwrap(), []);
}

#[tokio::test]
async fn usage_is_a_row_for_each_finished_run_and_outlives_its_thread() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(settings(&folder.path().join("db")));
    let me = Identity::local();
    let thread = ThreadId::new();
    commit(&*store, &me, vec![creation(thread)]).await.unwrap();
    let (early, late) = (run_at(NOON.plus_millis(-3 * DAY), thread), run_at(NOON.plus_millis(-DAY), thread));
    for (run, state) in [(&early, RunState::Done), (&late, RunState::Failed)] {
        commit(&*store, &me, vec![Write::StartRun(run.clone()), finished(run, state)]).await.unwrap();
    }
    let all = store.usage(&me, Timestamp(0), NOON, 10).await.unwrap();
    assert_eq!(
        all.iter().map(|one| (one.failed, one.thread)).collect::<Vec<_>>(),
        [(Some(true), Some(thread)), (Some(false), Some(thread))]
    );
    assert_eq!((all[1].usage, all[1].cost_usd, all[1].duration_ms), (outcome().usage, Some(0.0125), 1_500));
    assert_eq!(store.usage(&me, NOON.plus_millis(-2 * DAY), NOON, 10).await.unwrap().len(), 1);

    commit(&*store, &me, vec![Write::DeleteThread(thread)]).await.unwrap();
    let left = store.usage(&me, Timestamp(0), NOON, 10).await.unwrap();
    assert_eq!(
        left.iter().map(|one| (one.failed, one.thread)).collect::<Vec<_>>(),
        [(None, None), (None, None)]
    );
}

#[tokio::test]
async fn a_deleted_thread_takes_everything_of_its_own_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(settings(&folder.path().join("db")));
    let (me, other) = (Identity::local(), Identity::new("local", "other"));
    let (mine, stays) = (ThreadId::new(), ThreadId::new());
    for thread in [mine, stays] {
        let answer = kept(Some(thread), AnswerState::Done);
        let batch = vec![
            creation(thread),
            append(thread, 0, "x"),
            Write::StartRun(run(thread)),
            Write::KeepAnswer(answer),
        ];
        commit(&*store, &me, batch).await.unwrap();
    }
    let refused = store.write(&other, vec![Write::DeleteThread(mine)]).within(LONG).await.unwrap_err();
    assert!(matches!(refused, StoreError::UnknownThread { thread } if thread == mine), "{refused}");
    commit(&*store, &me, vec![Write::DeleteThread(mine)]).await.unwrap();
    assert_eq!(store.thread(&me, mine).await.unwrap(), None);
    assert_eq!(
        (store.runs(&me, mine).await.unwrap().len(), store.answers(&me, mine, 9).await.unwrap().len()),
        (0, 0)
    );
    assert!(store.thread(&me, stays).await.unwrap().is_some());
    assert_eq!(
        (store.runs(&me, stays).await.unwrap().len(), store.answers(&me, stays, 9).await.unwrap().len()),
        (1, 1)
    );
    let again = store.write(&me, vec![Write::DeleteThread(mine)]).within(LONG).await.unwrap_err();
    assert!(matches!(again, StoreError::UnknownThread { .. }));
}

#[tokio::test]
async fn a_kept_answer_is_replaced_found_by_its_owner_and_read_as_interrupted_when_its_time_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(settings(&folder.path().join("db")));
    let (me, other) = (Identity::local(), Identity::new("local", "other"));
    let working = KeptAnswer { text: String::new(), ..kept(None, AnswerState::Working) };
    commit(&*store, &me, vec![Write::KeepAnswer(working.clone())]).await.unwrap();
    assert_eq!(store.answer(&me, working.id).await.unwrap(), Some(working.clone()));
    assert_eq!(store.answer(&other, working.id).await.unwrap(), None);

    let late = KeptAnswer { deadline_at: NOON.plus_millis(-1), ..working.clone() };
    commit(&*store, &me, vec![Write::KeepAnswer(late)]).await.unwrap();
    assert_eq!(store.answer(&me, working.id).await.unwrap().unwrap().state, AnswerState::Interrupted);

    let thread = ThreadId::new();
    let done = KeptAnswer { id: working.id, thread: Some(thread), ..kept(None, AnswerState::Done) };
    commit(&*store, &me, vec![Write::KeepAnswer(done.clone())]).await.unwrap();
    assert_eq!(store.answers(&me, thread, 9).await.unwrap(), vec![done.clone()]);
    let gone = KeptAnswer { expires_at: NOON, ..done };
    commit(&*store, &me, vec![Write::KeepAnswer(gone.clone())]).await.unwrap();
    assert_eq!(store.answer(&me, gone.id).await.unwrap(), None);
    store.check().await.unwrap();
    assert_eq!(store.waiting(), 0);
}

#[tokio::test]
async fn files_at_vendors_are_remembered_for_their_owner_and_forgotten_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(settings(&folder.path().join("db")));
    let (me, other) = (Identity::local(), Identity::new("local", "other"));
    let file = |id: &str, at: i64| UploadedFile {
        provider: "kimi".into(),
        id: id.to_owned(),
        hash: "0".repeat(64),
        name: "a.pdf".to_owned(),
        bytes: 5_000_000_000,
        uploaded_at: NOON.plus_millis(at),
    };
    commit(&*store, &me, vec![Write::RememberFile(file("one", 0)), Write::RememberFile(file("two", 1))])
        .await
        .unwrap();
    commit(&*store, &other, vec![Write::RememberFile(file("one", 2))]).await.unwrap();
    assert_eq!(store.uploaded_files(&me, 9).await.unwrap(), [file("two", 1), file("one", 0)]);
    assert_eq!(store.uploaded_files(&me, 1).await.unwrap(), [file("two", 1)]);
    let forget = |id: &str| Write::ForgetFile { provider: "kimi".into(), id: id.to_owned() };
    commit(&*store, &me, vec![forget("one"), forget("never there")]).await.unwrap();
    assert_eq!(store.uploaded_files(&me, 9).await.unwrap(), [file("two", 1)]);
    assert_eq!(store.uploaded_files(&other, 9).await.unwrap(), [file("one", 2)], "another owner's stays");
    let again = UploadedFile { name: "b.pdf".to_owned(), ..file("two", 7) };
    commit(&*store, &me, vec![Write::RememberFile(again.clone())]).await.unwrap();
    assert_eq!(store.uploaded_files(&me, 9).await.unwrap(), [again]);
}
