//! Kept answers, and those that may be given again.

use exai_core::{
    ThreadId, Timestamp,
    answer::{AnswerState, KeptAnswer},
    run::{Run, RunState, Source},
    store::{StoredAnswers, Write},
};

use super::{Bench, ann, strangers};
use crate::support::{DAY, NOON, finish, kept, run, run_at};

pub(crate) async fn kept_answers_are_replaced(bench: &Bench) {
    let working = KeptAnswer { text: String::new(), ..kept(None, AnswerState::Working) };
    bench.accept(&ann(), vec![Write::KeepAnswer(working.clone())]).await;
    assert_eq!(bench.store.answer(&ann(), working.id).await.unwrap(), Some(working.clone()));
    let thread = Some(ThreadId::new());
    let done = KeptAnswer { id: working.id, is_error: true, ..kept(thread, AnswerState::Done) };
    bench.accept(&ann(), vec![Write::KeepAnswer(done.clone())]).await;
    assert_eq!(bench.store.answer(&ann(), working.id).await.unwrap(), Some(done));
}

pub(crate) async fn a_late_answer_reads_as_interrupted(bench: &Bench) {
    let states = [AnswerState::Working, AnswerState::Done, AnswerState::Cancelled];
    let answers = states.map(|state| kept(None, state));
    bench.accept(&ann(), answers.iter().cloned().map(Write::KeepAnswer).collect()).await;
    let read = async || {
        let mut read = Vec::new();
        for answer in &answers {
            read.push(bench.store.answer(&ann(), answer.id).await.unwrap().unwrap().state);
        }
        read
    };
    bench.clock.advance_millis(1_000);
    assert_eq!(read().await, states);
    bench.clock.advance_millis(1);
    assert_eq!(read().await, [AnswerState::Interrupted, AnswerState::Done, AnswerState::Cancelled]);
}

pub(crate) async fn kept_answers_expire(bench: &Bench) {
    let thread = ThreadId::new();
    let answer = kept(Some(thread), AnswerState::Done);
    bench.accept(&ann(), vec![Write::KeepAnswer(answer.clone())]).await;
    bench.clock.advance_millis(30 * DAY - 1);
    assert_eq!(bench.store.answer(&ann(), answer.id).await.unwrap(), Some(answer.clone()));
    bench.clock.advance_millis(1);
    assert_eq!(bench.store.answer(&ann(), answer.id).await.unwrap(), None);
    assert_eq!(bench.store.answers(&ann(), thread, 9).await.unwrap(), []);
}

pub(crate) async fn answers_of_a_thread_latest_first(bench: &Bench) {
    let thread = ThreadId::new();
    let [early, late] = [AnswerState::Done, AnswerState::Working].map(|state| kept(Some(thread), state));
    let elsewhere = kept(Some(ThreadId::new()), AnswerState::Done);
    let all = [&early, &late, &elsewhere, &kept(None, AnswerState::Done)];
    bench.accept(&ann(), all.map(|answer| Write::KeepAnswer(answer.clone())).to_vec()).await;
    let of_thread = async |limit| bench.store.answers(&ann(), thread, limit).await.unwrap();
    assert_eq!(of_thread(9).await, [late.clone(), early]);
    assert_eq!(of_thread(1).await, [late]);
}

pub(crate) async fn others_see_no_answer(bench: &Bench) {
    let thread = ThreadId::new();
    let answer = kept(Some(thread), AnswerState::Done);
    bench.accept(&ann(), vec![Write::KeepAnswer(answer.clone())]).await;
    for stranger in strangers() {
        assert_eq!(bench.store.answer(&stranger, answer.id).await.unwrap(), None);
        assert_eq!(bench.store.answers(&stranger, thread, 9).await.unwrap(), []);
        // The same id of another owner is another answer.
        let theirs = KeptAnswer { text: "theirs".into(), ..answer.clone() };
        bench.accept(&stranger, vec![Write::KeepAnswer(theirs)]).await;
    }
    assert_eq!(bench.store.answer(&ann(), answer.id).await.unwrap(), Some(answer));
}

pub(crate) async fn forgetting_answers_keeps_the_latest_moment(bench: &Bench) {
    assert_eq!(bench.store.answers_forgotten(&ann()).await.unwrap(), None);
    for at in [NOON, NOON.plus_millis(-1), NOON.plus_millis(1)] {
        bench.accept(&ann(), vec![Write::ForgetAnswers { at }]).await;
        assert!(bench.store.answers_forgotten(&ann()).await.unwrap() >= Some(NOON));
    }
    assert_eq!(bench.store.answers_forgotten(&ann()).await.unwrap(), Some(NOON.plus_millis(1)));
    for stranger in strangers() {
        assert_eq!(bench.store.answers_forgotten(&stranger).await.unwrap(), None);
    }
}

pub(crate) async fn stored_answers_are_counted(bench: &Bench) {
    let thread = ThreadId::new();
    let (early, late) = (run_at(NOON.plus_millis(-2 * DAY), thread), run_at(NOON, thread));
    let failed = run_at(NOON, thread);
    let given_again = Run { source: Source::Cached, ..run_at(NOON, thread) };
    for (run, state) in [
        (&early, RunState::Done),
        (&late, RunState::Done),
        (&failed, RunState::Failed),
        (&given_again, RunState::Done),
    ] {
        bench.accept(&ann(), vec![Write::StartRun(run.clone()), finish(run, state)]).await;
    }
    bench.accept(&ann(), vec![Write::StartRun(run(thread))]).await;
    let all = bench.store.stored_answers(&ann(), Timestamp(0)).await.unwrap();
    let young = bench.store.stored_answers(&ann(), NOON.plus_millis(-DAY)).await.unwrap();
    assert_eq!((all.count, all.bytes), (2, 2 * young.bytes));
    assert!(young.bytes > 0, "{young:?}");
    let ended = |run: &Run| Some(run.started_at.plus_millis(1_500));
    assert_eq!((all.oldest, young.count, young.oldest), (ended(&early), 1, ended(&late)));
    for stranger in strangers() {
        let none = bench.store.stored_answers(&stranger, Timestamp(0)).await.unwrap();
        assert_eq!(none, StoredAnswers::default());
    }
}
