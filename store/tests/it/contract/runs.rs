//! Runs and their attempts.

use exai_core::{
    Identity, RequestHash, RunId, ThreadId, Timestamp,
    run::{Run, RunOutcome, RunState, Source},
    store::{RunFilter, StoreError, Write},
};

use super::{Bench, ann, strangers};
use crate::support::{DAY, NOON, attempt, creation, ended, finish, outcome, run, run_at};

async fn runs(bench: &Bench, filter: RunFilter) -> Vec<Run> {
    bench.store.recent_runs(&ann(), &filter, 10).await.unwrap()
}

pub(crate) async fn a_run_comes_back_as_it_was(bench: &Bench) {
    let thread = begun(bench).await;
    let plain = run(thread);
    let full = Run {
        door: Some("http".into()),
        client: Some("claude-code 2.1".into()),
        key_id: Some("ci".into()),
        ..run(thread)
    };
    let started = [&plain, &full].map(|run| Write::StartRun(run.clone()));
    bench.accept(&ann(), started.to_vec()).await;
    assert_eq!(bench.store.runs(&ann(), thread).await.unwrap(), [plain.clone(), full.clone()]);
    bench.accept(&ann(), vec![finish(&plain, RunState::Done), finish(&full, RunState::Failed)]).await;
    let expected = [ended(plain, RunState::Done), ended(full, RunState::Failed)];
    assert_eq!(bench.store.runs(&ann(), thread).await.unwrap(), expected);
}

pub(crate) async fn an_open_run_reads_as_interrupted(bench: &Bench) {
    let thread = begun(bench).await;
    let (running, queued) = (run(thread), Run { state: RunState::Queued, ..run(thread) });
    let started = [&running, &queued].map(|run| Write::StartRun(run.clone()));
    bench.accept(&ann(), started.to_vec()).await;
    bench.clock.advance_millis(900_000);
    assert_eq!(bench.store.runs(&ann(), thread).await.unwrap(), [running.clone(), queued.clone()]);
    bench.clock.advance_millis(1);
    let lost = |run: &Run| Run { state: RunState::Interrupted, ..run.clone() };
    assert_eq!(bench.store.runs(&ann(), thread).await.unwrap(), [lost(&running), lost(&queued)]);
    let filter = RunFilter { state: Some(RunState::Interrupted), ..RunFilter::default() };
    assert_eq!(runs(bench, filter).await.len(), 2);
}

/// The answer to a run that was taken for lost may still come.
pub(crate) async fn the_latest_end_counts(bench: &Bench) {
    let late = run(begun(bench).await);
    let first = vec![Write::StartRun(late.clone()), finish(&late, RunState::Interrupted)];
    bench.accept(&ann(), first).await;
    bench.accept(&ann(), vec![finish(&late, RunState::Done)]).await;
    assert_eq!(runs(bench, RunFilter::default()).await, [ended(late, RunState::Done)]);
}

async fn begun(bench: &Bench) -> ThreadId {
    let thread = ThreadId::new();
    bench.accept(&ann(), vec![creation(thread)]).await;
    thread
}

/// A thread that was deleted while its run went on takes the answer with it. What the run has cost stays.
pub(crate) async fn records_outlive_their_threads(bench: &Bench) {
    let whole = ended(run(ThreadId::new()), RunState::Done);
    bench.accept(&ann(), vec![Write::RecordRun { run: whole.clone(), attempts: Vec::new() }]).await;
    let outcome = RunOutcome { text: String::new(), ..outcome() };
    assert_eq!(
        runs(bench, RunFilter::default()).await,
        [Run { thread: None, outcome: Some(outcome), ..whole }]
    );
    assert_eq!(bench.store.usage(&ann(), Timestamp(0), Timestamp(i64::MAX), 9).await.unwrap().len(), 1);
}

pub(crate) async fn a_whole_run_is_recorded_at_once(bench: &Bench) {
    let thread = begun(bench).await;
    let whole = ended(run(thread), RunState::Done);
    let record = Write::RecordRun { run: whole.clone(), attempts: vec![attempt(1)] };
    bench.accept(&ann(), vec![record.clone()]).await;
    bench.accept(&ann(), vec![record]).await;
    assert_eq!(runs(bench, RunFilter::default()).await, std::slice::from_ref(&whole));
    assert_eq!(bench.store.attempts(&ann(), whole.id).await.unwrap(), [attempt(1)]);
    assert_eq!(bench.store.usage(&ann(), Timestamp(0), Timestamp(i64::MAX), 9).await.unwrap().len(), 1);
}

/// The record that a run is running may be queued behind the record of its end.
pub(crate) async fn a_start_after_the_end_changes_nothing(bench: &Bench) {
    let thread = begun(bench).await;
    let started = run(thread);
    let whole = ended(started.clone(), RunState::Done);
    bench.accept(&ann(), vec![Write::RecordRun { run: whole.clone(), attempts: Vec::new() }]).await;
    bench.accept(&ann(), vec![Write::StartRun(started)]).await;
    assert_eq!(runs(bench, RunFilter::default()).await, [whole]);
}

pub(crate) async fn a_recorded_end_finishes_a_start(bench: &Bench) {
    let thread = begun(bench).await;
    let started = run(thread);
    let whole = ended(started.clone(), RunState::Failed);
    bench.accept(&ann(), vec![Write::StartRun(started)]).await;
    let record = Write::RecordRun { run: whole.clone(), attempts: vec![attempt(1)] };
    bench.accept(&ann(), vec![record]).await;
    assert_eq!(runs(bench, RunFilter::default()).await, std::slice::from_ref(&whole));
    assert_eq!(bench.store.attempts(&ann(), whole.id).await.unwrap(), [attempt(1)]);
    assert_eq!(bench.store.usage(&ann(), Timestamp(0), Timestamp(i64::MAX), 9).await.unwrap().len(), 1);
}

pub(crate) async fn an_open_run_is_not_recorded(bench: &Bench) {
    let open = run(begun(bench).await);
    let halves = [
        open.clone(),
        Run { state: RunState::Done, ..open.clone() },
        Run { state: RunState::Running, ..ended(open, RunState::Done) },
    ];
    for run in halves {
        let record = Write::RecordRun { run, attempts: Vec::new() };
        let error = bench.commit(&ann(), vec![record]).await.unwrap_err();
        assert!(matches!(error, StoreError::Refused { .. }), "{error}");
    }
    assert_eq!(runs(bench, RunFilter::default()).await, []);
}

pub(crate) async fn attempts_are_kept_in_order(bench: &Bench) {
    let whole = ended(run(begun(bench).await), RunState::Done);
    let attempts = [2, 1, 3].map(attempt).to_vec();
    bench.accept(&ann(), vec![Write::RecordRun { run: whole.clone(), attempts }]).await;
    let kept = bench.store.attempts(&ann(), whole.id).await.unwrap();
    assert_eq!(kept, [attempt(1), attempt(2), attempt(3)]);
    assert_eq!(bench.store.attempts(&ann(), RunId::new()).await.unwrap(), []);
}

pub(crate) async fn lone_runs_are_listed(bench: &Bench) {
    let lone = Run { thread: None, ..run(begun(bench).await) };
    bench.accept(&ann(), vec![Write::StartRun(lone.clone()), finish(&lone, RunState::Done)]).await;
    let lone = ended(lone, RunState::Done);
    assert_eq!(runs(bench, RunFilter::default()).await, std::slice::from_ref(&lone));
    assert_eq!(bench.store.answered_run(&ann(), lone.request).await.unwrap(), Some(lone));
    let used = bench.store.usage(&ann(), Timestamp(0), Timestamp(i64::MAX), 9).await.unwrap();
    assert_eq!(used.iter().map(|one| (one.thread, one.failed)).collect::<Vec<_>>(), [(None, Some(false))]);
}

pub(crate) async fn runs_are_filtered_latest_first(bench: &Bench) {
    let (one, two) = (begun(bench).await, begun(bench).await);
    let first = run_at(NOON.plus_millis(-2 * DAY), one);
    let second = Run { tool: "debug".into(), ..run_at(NOON.plus_millis(-DAY), two) };
    let third = Run { model: "GLM-4".into(), source: Source::Cached, ..run_at(NOON, two) };
    for run in [&first, &second, &third] {
        bench.accept(&ann(), vec![Write::StartRun(run.clone())]).await;
    }
    bench.accept(&ann(), vec![finish(&first, RunState::Done), finish(&second, RunState::Failed)]).await;
    let all = RunFilter::default;
    let expected: [(RunFilter, &[RunId]); 8] = [
        (all(), &[third.id, second.id, first.id]),
        (RunFilter { thread: Some(two), ..all() }, &[third.id, second.id]),
        (RunFilter { tool: Some("debug".into()), ..all() }, &[second.id]),
        (RunFilter { state: Some(RunState::Done), ..all() }, &[first.id]),
        (RunFilter { model: Some("glm/glm-5".into()), ..all() }, &[second.id, first.id]),
        (RunFilter { since: Some(NOON.plus_millis(-DAY)), ..all() }, &[third.id, second.id]),
        (RunFilter { source: Some(Source::Cached), ..all() }, &[third.id]),
        (RunFilter { thread: Some(one), tool: Some("debug".into()), ..all() }, &[]),
    ];
    for (filter, ids) in expected {
        let found: Vec<_> = runs(bench, filter.clone()).await.iter().map(|run| run.id).collect();
        assert_eq!(found, ids, "{filter:?}");
    }
    let latest = bench.store.recent_runs(&ann(), &all(), 1).await.unwrap();
    assert_eq!(latest.iter().map(|run| run.id).collect::<Vec<_>>(), [third.id]);
}

pub(crate) async fn the_latest_answer_to_a_request(bench: &Bench) {
    let thread = begun(bench).await;
    let other = Run { request: RequestHash([9; 32]), ..run_at(NOON.plus_millis(3), thread) };
    let given_again = Run { source: Source::Stale, ..run_at(NOON.plus_millis(4), thread) };
    let (early, late) = (run_at(NOON, thread), run_at(NOON.plus_millis(1), thread));
    let failed = run_at(NOON.plus_millis(2), thread);
    for (run, state) in [
        (&early, RunState::Done),
        (&late, RunState::Done),
        (&failed, RunState::Failed),
        (&other, RunState::Done),
        (&given_again, RunState::Done),
    ] {
        bench.accept(&ann(), vec![Write::StartRun(run.clone()), finish(run, state)]).await;
    }
    let answered = async |who: &Identity, request| {
        bench.store.answered_run(who, request).await.unwrap().map(|run| run.id)
    };
    assert_eq!(answered(&ann(), early.request).await, Some(late.id));
    assert_eq!(answered(&ann(), other.request).await, Some(other.id));
    assert_eq!(answered(&ann(), RequestHash([1; 32])).await, None);
    for stranger in strangers() {
        assert_eq!(answered(&stranger, early.request).await, None);
    }
}

pub(crate) async fn others_see_no_run(bench: &Bench) {
    let thread = begun(bench).await;
    let whole = ended(run(thread), RunState::Done);
    bench.accept(&ann(), vec![Write::RecordRun { run: whole.clone(), attempts: vec![attempt(1)] }]).await;
    for stranger in strangers() {
        assert_eq!(bench.store.runs(&stranger, thread).await.unwrap(), []);
        assert_eq!(bench.store.recent_runs(&stranger, &RunFilter::default(), 9).await.unwrap(), []);
        assert_eq!(bench.store.attempts(&stranger, whole.id).await.unwrap(), []);
        // A run of the same id is the stranger's own.
        bench.accept(&stranger, vec![finish(&whole, RunState::Failed)]).await;
    }
    assert_eq!(bench.store.runs(&ann(), thread).await.unwrap(), [whole]);
}
