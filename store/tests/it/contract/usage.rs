//! Usage: one row for each run that asked a provider, for as long as a bill is looked at.

use exai_core::{
    ThreadId, Timestamp,
    run::{Run, RunState, Source},
    store::{UsageRecord, Write},
};

use super::{Bench, ann, strangers};
use crate::support::{DAY, NOON, creation, finish, outcome, run, run_at};

const ALWAYS: (Timestamp, Timestamp) = (Timestamp(0), Timestamp(i64::MAX));

async fn used(bench: &Bench, (since, until): (Timestamp, Timestamp)) -> Vec<UsageRecord> {
    bench.store.usage(&ann(), since, until, 10).await.unwrap()
}

pub(crate) async fn each_finished_run_leaves_one_row(bench: &Bench) {
    let (thread, started) = (ThreadId::new(), run(ThreadId::new()));
    let started = Run { thread: Some(thread), ..started };
    let ends = [RunState::Interrupted, RunState::Done].map(|state| finish(&started, state));
    bench.accept(&ann(), vec![creation(thread), Write::StartRun(started.clone())]).await;
    assert_eq!(used(bench, ALWAYS).await, [], "a run that has not ended used nothing yet");
    for end in ends {
        bench.accept(&ann(), vec![end]).await;
    }
    let expected = UsageRecord {
        day: "2026-01-01".into(),
        provider: "glm".into(),
        model: "GLM-5.3".into(),
        tool: "chat".into(),
        thread: Some(thread),
        failed: Some(false),
        usage: outcome().usage,
        cost_usd: Some(0.0125),
        duration_ms: 1_500,
    };
    assert_eq!(used(bench, ALWAYS).await, [expected]);
}

pub(crate) async fn usage_is_read_by_span(bench: &Bench) {
    let thread = ThreadId::new();
    let (early, late) = (run_at(NOON.plus_millis(-3 * DAY), thread), run_at(NOON.plus_millis(-DAY), thread));
    for (run, state) in [(&early, RunState::Done), (&late, RunState::Failed)] {
        bench.accept(&ann(), vec![Write::StartRun(run.clone()), finish(run, state)]).await;
    }
    let failed = async |since, until| -> Vec<bool> {
        used(bench, (since, until)).await.iter().filter_map(|one| one.failed).collect()
    };
    let middle = NOON.plus_millis(-2 * DAY);
    assert_eq!(failed(Timestamp(0), NOON).await, [true, false], "the latest comes first");
    assert_eq!(failed(middle, NOON).await, [true]);
    assert_eq!(failed(Timestamp(0), middle).await, [false]);
    assert_eq!(bench.store.usage(&ann(), Timestamp(0), NOON, 1).await.unwrap().len(), 1);
}

pub(crate) async fn usage_outlives_its_thread(bench: &Bench) {
    let thread = ThreadId::new();
    let started = run(thread);
    let batch = vec![creation(thread), Write::StartRun(started.clone()), finish(&started, RunState::Done)];
    bench.accept(&ann(), batch).await;
    bench.accept(&ann(), vec![Write::DeleteThread(thread)]).await;
    let left: Vec<_> =
        used(bench, ALWAYS).await.iter().map(|one| (one.failed, one.thread, one.cost_usd)).collect();
    assert_eq!(left, [(None, None, Some(0.0125))]);
}

pub(crate) async fn answers_given_again_are_not_billed(bench: &Bench) {
    for source in [Source::Cached, Source::Stale, Source::Shared] {
        let started = Run { source, ..run(ThreadId::new()) };
        bench.accept(&ann(), vec![Write::StartRun(started.clone()), finish(&started, RunState::Done)]).await;
    }
    assert_eq!(used(bench, ALWAYS).await, []);
}

pub(crate) async fn others_see_no_usage(bench: &Bench) {
    let started = run(ThreadId::new());
    bench.accept(&ann(), vec![Write::StartRun(started.clone()), finish(&started, RunState::Done)]).await;
    for stranger in strangers() {
        assert_eq!(bench.store.usage(&stranger, ALWAYS.0, ALWAYS.1, 9).await.unwrap(), []);
    }
}
