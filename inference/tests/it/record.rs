//! What is stored of a run, and when.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use exai_core::{
    Identity,
    chat::{Delta, Usage},
    run::RunState,
    store::{Runs as _, Store as _, UsageRecords as _, Write},
};

use exai_inference::delivery::Source;

use crate::support::{World, scope};

#[tokio::test]
async fn short_runs_are_stored_once() {
    let world = World::new();
    world.answer("whole");
    let answered = world.inference.complete(world.question("hello"), &scope()).await.unwrap();
    assert_eq!(world.stored().await, [], "nothing before the caller stores it");
    let writes = answered.unwritten.take();
    let [Write::CreateThread { .. }, Write::RecordRun { run, attempts }] = writes.as_slice() else {
        panic!("the thread and the whole run: {writes:?}")
    };
    assert_eq!((run.state, attempts.len()), (RunState::Done, 1));
    assert!(run.outcome.as_ref().unwrap().first_token_ms.is_some());
    let (id, run) = (run.id, run.clone());
    assert!(world.store.write(&Identity::local(), writes).within(Duration::from_secs(30)).await.unwrap());
    assert_eq!(world.stored().await, [run]);
    assert_eq!(world.store.attempts(&Identity::local(), id).await.unwrap().len(), 1);
}

/// A caller that goes away has still been answered at the provider's, and that is on the bill.
#[tokio::test]
async fn abandoned_runs_are_stored_too() {
    let world = World::new();
    let (inference, call, question) = (Arc::clone(&world.inference), scope(), world.question("hello"));
    let cancel = call.cancel.clone();
    let asking = tokio::spawn(async move { inference.complete(question, &call).await });
    let counted = Usage { input_tokens: 3, output_tokens: 1, ..Usage::default() };
    world.feed.send(Delta::Usage(counted)).unwrap();
    world.feed.send(Delta::Text("half".into())).unwrap();
    while world.provider.taken.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    cancel.cancel();
    assert!(asking.await.unwrap().is_err());
    assert!(world.inference.ended(Duration::from_secs(30)).await);
    let [run] = world.stored().await.try_into().unwrap();
    let outcome = run.outcome.unwrap();
    assert_eq!((run.state, outcome.attempts, outcome.usage), (RunState::Cancelled, 1, counted));
}

#[tokio::test(start_paused = true)]
async fn long_runs_are_stored_while_they_run() {
    let world = World::new();
    let (inference, question) = (Arc::clone(&world.inference), world.question("hello"));
    let asking = tokio::spawn(async move { inference.complete(question, &scope()).await });
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert_eq!(world.store.waiting(), 0);
    assert_eq!(world.inference.running(&Identity::local()).len(), 1, "memory knows it from the start");
    tokio::time::sleep(Duration::from_millis(200)).await;
    tokio::time::resume();
    let [running] = world.stored().await.try_into().unwrap();
    assert_eq!(running.state, RunState::Running);
    world.answer("whole");
    let answered = asking.await.unwrap().unwrap();
    let writes = answered.unwritten.take();
    assert!(matches!(writes.as_slice(), [Write::RecordRun { .. }]), "{writes:?}");
    world.store.write(&Identity::local(), writes).within(Duration::from_secs(30)).await.unwrap();
    let [done] = world.stored().await.try_into().unwrap();
    assert_eq!((done.id, done.state), (running.id, RunState::Done));
}

/// Two callers ask the same in threads of their own. The record begins with the thread of the first, and only the first may store it: its
/// answer's turn comes after it.
#[tokio::test]
async fn joined_callers_leave_the_record() {
    let world = World::new();
    let (inference, question) = (Arc::clone(&world.inference), world.question("hello"));
    let first = tokio::spawn(async move { inference.complete(question, &scope()).await });
    while world.inference.running(&Identity::local()).is_empty() {
        tokio::task::yield_now().await;
    }
    let (inference, question) = (Arc::clone(&world.inference), world.question("hello"));
    let joined = tokio::spawn(async move { inference.complete(question, &scope()).await });
    tokio::task::yield_now().await;
    world.answer("whole");
    let joined = joined.await.unwrap().unwrap();
    assert_eq!(joined.delivery.source, Source::Shared);
    assert!(joined.written.is_some() && joined.unwritten.take().is_empty());
    let writes = first.await.unwrap().unwrap().unwritten.take();
    assert!(matches!(writes.as_slice(), [Write::CreateThread { .. }, Write::RecordRun { .. }]), "{writes:?}");
}

/// No way out of a call loses what was paid for: the records are stored when their holder is dropped.
#[tokio::test]
async fn dropped_records_are_stored() {
    let world = World::new();
    world.answer("whole");
    drop(world.inference.complete(world.question("hello"), &scope()).await.unwrap());
    let states: Vec<_> = world.stored().await.into_iter().map(|run| run.state).collect();
    assert_eq!(states, [RunState::Done]);
}

/// The owner deletes the thread while the model answers: the answer goes with it, the bill stays.
#[tokio::test]
async fn deleted_threads_take_answers_along() {
    let world = World::new();
    let question = world.question("hello");
    let thread = question.thread.unwrap();
    world.answer("a secret");
    let writes = world.inference.complete(question, &scope()).await.unwrap().unwritten.take();
    let late = writes.into_iter().filter(|write| matches!(write, Write::RecordRun { .. })).collect();
    assert!(world.store.write(&Identity::local(), late).within(Duration::from_secs(30)).await.unwrap());
    let [run] = world.stored().await.try_into().unwrap();
    assert_eq!((run.thread, run.outcome.unwrap().text), (None, String::new()));
    let since = exai_core::Timestamp(0);
    let until = exai_core::Timestamp(i64::MAX);
    let billed = world.store.usage(&Identity::local(), since, until, 10).await.unwrap();
    assert_eq!(billed.len(), 1, "{thread}");
}

/// The caller that began the run leaves; the one that joined it is answered, and the run is on its way to the database by then.
#[tokio::test]
async fn joined_callers_store_for_absent_starters() {
    let world = World::new();
    let (inference, call, question) = (Arc::clone(&world.inference), scope(), world.question("hello"));
    let leave = call.cancel.clone();
    let first = tokio::spawn(async move { inference.complete(question, &call).await });
    while world.inference.running(&Identity::local()).is_empty() {
        tokio::task::yield_now().await;
    }
    let (inference, question) = (Arc::clone(&world.inference), world.question("hello"));
    let joined = tokio::spawn(async move { inference.complete(question, &scope()).await });
    tokio::task::yield_now().await;
    leave.cancel();
    assert!(first.await.unwrap().is_err());
    world.answer("whole");
    joined.await.unwrap().unwrap();
    let states: Vec<_> = world.stored().await.into_iter().map(|run| run.state).collect();
    assert_eq!(states, [RunState::Done]);
}
