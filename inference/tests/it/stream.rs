//! Every event for the caller that wants it, and what a reader that stands still does to the others.

use std::sync::{Arc, atomic::Ordering};

use exai_core::{
    chat::{Delta, Finish},
    event::Event,
};
use exai_inference::{
    delivery::Source,
    events::{CAPACITY, CompletionEvent},
    scope::CallScope,
};
use tokio::sync::mpsc;

use crate::support::{World, scope};

/// Lets everything run that can.
async fn until_nothing_moves() {
    // The clock is paused: it advances only when every task waits.
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
}

fn reading(capacity: usize) -> (CallScope, mpsc::Receiver<CompletionEvent>) {
    let (events, reader) = mpsc::channel(capacity);
    (CallScope { events: Some(events), ..scope() }, reader)
}

#[tokio::test]
async fn events_come_in_order_and_end() {
    let world = World::new();
    let (call, mut reader) = reading(CAPACITY);
    let (inference, question) = (Arc::clone(&world.inference), world.question("hello"));
    let asking = tokio::spawn(async move { inference.complete(question, &call).await });
    world.feed.send(Delta::Text("one ".into())).unwrap();
    let mut words = Vec::new();
    while let Some(event) = reader.recv().await {
        match event {
            CompletionEvent::Queued => words.push("queued".to_owned()),
            CompletionEvent::Attempt { number, .. } => words.push(format!("attempt {number}")),
            CompletionEvent::Delta(Delta::Text(text)) => {
                words.push(text);
                // The rest is sent only when the first words have been read.
                if world.provider.taken.load(Ordering::SeqCst) == 1 {
                    world.answer("two");
                }
            }
            CompletionEvent::Usage(usage) => words.push(format!("{} out", usage.output_tokens)),
            CompletionEvent::Done(delivery) => words.push(delivery.completion.reply.text.clone()),
            CompletionEvent::Delta(_) | CompletionEvent::Retrying => {}
        }
    }
    assert_eq!(words, ["queued", "attempt 1", "one ", "two", "1 out", "one two"]);
    assert_eq!(asking.await.unwrap().unwrap().delivery.source, Source::Fresh);
}

/// The provider's stream is read no faster than the caller reads, so that an answer nobody takes does not grow in memory.
#[tokio::test(start_paused = true)]
async fn slow_readers_hold_the_provider_back() {
    let world = World::new();
    let (call, mut reader) = reading(CAPACITY);
    for _ in 0..CAPACITY * 10 {
        world.feed.send(Delta::Text("x".into())).unwrap();
    }
    world.feed.send(Delta::Finished(Finish::Stop)).unwrap();
    let (inference, question) = (Arc::clone(&world.inference), world.question("hello"));
    let asking = tokio::spawn(async move { inference.complete(question, &call).await });
    until_nothing_moves().await;
    let taken = world.provider.taken.load(Ordering::SeqCst);
    assert!((CAPACITY / 2..=CAPACITY + 1).contains(&taken), "{taken}");
    let mut text = String::new();
    while let Some(event) = reader.recv().await {
        if let CompletionEvent::Delta(Delta::Text(piece)) = event {
            text.push_str(&piece);
        }
    }
    assert_eq!(text.len(), CAPACITY * 10);
    assert_eq!(asking.await.unwrap().unwrap().delivery.completion.reply.text, text);
}

/// One caller that does not read must not keep another one waiting for the same answer.
#[tokio::test(start_paused = true)]
async fn joined_callers_wait_for_no_reader() {
    let world = World::new();
    let (call, mut reader) = reading(2);
    for _ in 0..100 {
        world.feed.send(Delta::Text("x".into())).unwrap();
    }
    world.feed.send(Delta::Finished(Finish::Stop)).unwrap();
    let (inference, question) = (Arc::clone(&world.inference), world.question("hello"));
    let first = tokio::spawn(async move { inference.complete(question, &call).await });
    until_nothing_moves().await;
    let joined = world.inference.complete(world.question("hello"), &scope()).await.unwrap();
    assert_eq!(joined.delivery.source, Source::Shared);
    assert_eq!(joined.delivery.completion.reply.text.len(), 100);
    assert_eq!(world.provider.asked.load(Ordering::SeqCst), 1);
    let mut last = None;
    while let Some(event) = reader.recv().await {
        last = Some(event);
    }
    let Some(CompletionEvent::Done(delivery)) = last else { panic!("{last:?}") };
    assert_eq!(delivery.completion.reply.text.len(), 100, "the reader that was left behind gets it whole");
    first.await.unwrap().unwrap();
}

#[tokio::test]
async fn readers_that_leave_end_nothing() {
    let world = World::new();
    let (call, reader) = reading(1);
    drop(reader);
    world.answer("whole");
    let answered = world.inference.complete(world.question("hello"), &call).await.unwrap();
    assert_eq!(answered.delivery.completion.reply.text, "whole");
}

/// Operators see ids and figures of every attempt, and no word of the question or the answer.
#[tokio::test]
async fn attempts_are_told_on_the_bus() {
    let world = World::new();
    let mut events = world.inference.events().subscribe();
    world.answer("a secret");
    let answered = world.inference.complete(world.question("hello"), &scope()).await.unwrap();
    let run = answered.delivery.completion.run;
    let [begun, ended] = [events.recv().await.unwrap(), events.recv().await.unwrap()];
    let told = format!("{begun:?} {ended:?}");
    assert!(matches!(*begun, Event::AttemptBegan { run: of, number: 1, .. } if of == run), "{told}");
    assert!(matches!(&*ended, Event::AttemptEnded { run: of, error: None, .. } if *of == run), "{told}");
    assert!(!told.contains("secret") && !told.contains("hello"), "{told}");
}

/// Not even the last event may keep an answer that is there from its caller.
#[tokio::test(start_paused = true)]
async fn unread_ends_last_until_the_deadline() {
    let world = World::new();
    let (call, _reader) = reading(1);
    let deadline = call.deadline;
    world.feed.send(Delta::Finished(Finish::Stop)).unwrap();
    let ended = world.inference.complete(world.question("hello"), &call).await;
    assert!(ended.is_err() && tokio::time::Instant::now() <= deadline + std::time::Duration::from_secs(1));
}

/// A run that nobody waits for must end, also when the reader of its events stands still.
#[tokio::test(start_paused = true)]
async fn unread_events_end_with_the_call() {
    let world = World::new();
    let (call, _reader) = reading(1);
    let leave = call.cancel.clone();
    let (inference, question) = (Arc::clone(&world.inference), world.question("hello"));
    let asking = tokio::spawn(async move { inference.complete(question, &call).await });
    until_nothing_moves().await;
    leave.cancel();
    assert!(asking.await.unwrap().is_err());
    assert!(world.inference.ended(std::time::Duration::from_secs(30)).await, "no task is left");
}
