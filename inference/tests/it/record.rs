//! What is stored of a run, and when.

use std::{sync::Arc, time::Duration};

use exai_core::{
    Identity,
    chat::Delta,
    run::RunState,
    store::{Runs as _, Store as _, Write},
};

use exai_inference::delivery::Source;

use crate::support::{World, scope};

#[tokio::test]
async fn short_runs_are_stored_once() {
    let world = World::new();
    world.answer("whole");
    let answered = world.inference.complete(world.question("hello"), &scope()).await.unwrap();
    assert_eq!(world.stored().await, [], "nothing before the caller stores it");
    let writes = answered.unwritten.writes;
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
    world.feed.send(Delta::Text("half".into())).unwrap();
    while world.inference.running(&Identity::local()).is_empty() {
        tokio::task::yield_now().await;
    }
    cancel.cancel();
    assert!(asking.await.unwrap().is_err());
    assert!(world.inference.ended(Duration::from_secs(30)).await);
    let states: Vec<_> = world.stored().await.into_iter().map(|run| run.state).collect();
    assert_eq!(states, [RunState::Cancelled]);
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
    let writes = answered.unwritten.writes;
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
    assert!(joined.unwritten.writes.is_empty() && joined.written.is_some());
    let writes = first.await.unwrap().unwrap().unwritten.writes;
    assert!(matches!(writes.as_slice(), [Write::CreateThread { .. }, Write::RecordRun { .. }]), "{writes:?}");
}
