//! The bounded queue between callers and the one writer: order, read-your-writes, and the answer to each caller.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use exai_core::{
    Identity, ThreadId,
    store::{CommitSender, StoreError, Write},
};
use parking_lot::{Mutex, MutexGuard};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

/// What one caller wants to happen together.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) who: Identity,
    pub(crate) writes: Vec<Write>,
}

impl Batch {
    /// The threads that look different once this is written.
    fn threads(&self) -> impl Iterator<Item = ThreadKey> + '_ {
        self.writes.iter().filter_map(|write| match write {
            Write::CreateThread { id: thread, .. } | Write::AppendTurns { thread, .. } => {
                Some(ThreadKey::new(&self.who, *thread))
            }
            Write::DeleteThread(thread) => Some(ThreadKey::new(&self.who, *thread)),
            Write::KeepAnswer(_)
            | Write::RememberFile(_)
            | Write::ForgetFile { .. }
            | Write::ForgetAnswers { .. }
            | Write::Hold(_)
            | Write::Release(_)
            | Write::StartRun(_)
            | Write::RecordRun { .. } => None,
        })
    }
}

/// A thread as its owner knows it. The owner is part of the key: another owner must not learn that writes are waiting.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct ThreadKey {
    tenant: Arc<str>,
    owner: Arc<str>,
    thread: ThreadId,
}

impl ThreadKey {
    fn new(who: &Identity, thread: ThreadId) -> Self {
        Self { tenant: Arc::clone(&who.tenant), owner: Arc::clone(&who.owner), thread }
    }
}

struct Entry {
    batch: Arc<Batch>,
    sender: CommitSender,
}

#[derive(Default)]
struct State {
    entries: VecDeque<Entry>,
    /// The number of the last batch that was taken in, from 1.
    issued: u64,
    /// The last batch that touches a thread, while it waits.
    threads: HashMap<ThreadKey, u64>,
    closed: bool,
}

/// Batches in the order of their arrival. A batch stays in the queue until it is settled, so that a failed attempt loses nothing.
pub(crate) struct Queue {
    limit: usize,
    state: Mutex<State>,
    changed: Notify,
    settled: watch::Sender<u64>,
}

impl Queue {
    /// An empty queue for at most `limit` batches.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, state: Mutex::default(), changed: Notify::new(), settled: watch::Sender::new(0) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Takes a batch in, unless too many are waiting or the queue is closed.
    pub(crate) fn push(&self, batch: Batch, sender: CommitSender) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.closed {
            return Err(StoreError::Unavailable {
                reason: "the store is closed".to_owned(),
                hint: "The server is stopping; call again when it runs.".to_owned(),
                source: None,
            });
        }
        if state.entries.len() >= self.limit {
            return Err(StoreError::Backlog);
        }
        state.issued += 1;
        let number = state.issued;
        state.threads.extend(batch.threads().map(|key| (key, number)));
        state.entries.push_back(Entry { batch: Arc::new(batch), sender });
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// The oldest batches, at most `most`, as soon as there is one. `None` when the queue is closed and empty.
    pub(crate) async fn oldest(&self, most: usize) -> Option<Vec<Arc<Batch>>> {
        loop {
            {
                let state = self.state();
                if !state.entries.is_empty() {
                    return Some(
                        state.entries.iter().take(most).map(|entry| Arc::clone(&entry.batch)).collect(),
                    );
                }
                if state.closed {
                    return None;
                }
            }
            self.changed.notified().await;
        }
    }

    /// Removes the oldest batches and gives each caller its result.
    pub(crate) fn settle(&self, results: Vec<Result<(), StoreError>>) {
        let count = results.len() as u64;
        let first = *self.settled.borrow() + 1;
        let mut answers = Vec::with_capacity(results.len());
        {
            let mut state = self.state();
            for (number, result) in (first..).zip(results) {
                let Some(entry) = state.entries.pop_front() else { break };
                for key in entry.batch.threads() {
                    if state.threads.get(&key) == Some(&number) {
                        state.threads.remove(&key);
                    }
                }
                answers.push((entry.sender, result));
            }
        }
        self.settled.send_modify(|settled| *settled += count);
        for (sender, result) in answers {
            // The caller may have stopped waiting; the batch is settled all the same.
            drop(sender.send(result));
        }
    }

    /// How many batches are waiting.
    pub(crate) fn waiting(&self) -> usize {
        self.state().entries.len()
    }

    /// The writer shall finish what is queued and stop.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_one();
    }

    /// Whether [`Queue::close`] was called.
    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Waits until the queue is closed.
    pub(crate) async fn closed(&self) {
        while !self.is_closed() {
            self.changed.notified().await;
        }
    }

    /// Waits until every batch that is queued now is settled; false when `deadline` comes first.
    pub(crate) async fn drained(&self, deadline: Instant) -> bool {
        let last = self.state().issued;
        self.reached(last, deadline).await
    }

    /// Waits until no write to `thread` of `who` that is queued now is waiting; false when `deadline` comes first.
    pub(crate) async fn thread_drained(&self, who: &Identity, thread: ThreadId, deadline: Instant) -> bool {
        let last = self.state().threads.get(&ThreadKey::new(who, thread)).copied();
        match last {
            None => true,
            Some(number) => self.reached(number, deadline).await,
        }
    }

    async fn reached(&self, number: u64, deadline: Instant) -> bool {
        let mut settled = self.settled.subscribe();
        // The sender lives in `self`, so the inner result is always Ok.
        tokio::time::timeout_at(deadline, settled.wait_for(|settled| *settled >= number)).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use exai_core::{Timestamp, store::Commit};

    use super::*;

    fn creation(who: &Identity, thread: ThreadId) -> Batch {
        let write =
            Write::CreateThread { id: thread, tool: "chat".into(), title: String::new(), at: Timestamp(0) };
        Batch { who: who.clone(), writes: vec![write] }
    }

    fn push(queue: &Queue, who: &Identity, thread: ThreadId) -> Result<Commit, StoreError> {
        let (sender, commit) = Commit::pending();
        queue.push(creation(who, thread), sender).map(|()| commit)
    }

    /// A full queue refuses and a settled one takes more.
    #[tokio::test]
    async fn a_full_queue_refuses() {
        let (queue, who) = (Queue::new(2), Identity::local());
        let mut first = push(&queue, &who, ThreadId::new()).unwrap();
        push(&queue, &who, ThreadId::new()).unwrap();
        assert!(push(&queue, &who, ThreadId::new()).is_err());

        assert_eq!(queue.oldest(9).await.unwrap().len(), 2);
        assert_eq!(queue.waiting(), 2, "looking takes nothing away");
        queue.settle(vec![Ok(())]);
        assert!(first.within(std::time::Duration::ZERO).await.unwrap());
        assert!(push(&queue, &who, ThreadId::new()).is_ok());
    }

    /// Only the owner waits for a thread and only for its last write.
    #[tokio::test]
    async fn only_the_owner_waits_for_a_thread() {
        let (queue, who, thread) = (Queue::new(9), Identity::local(), ThreadId::new());
        let commits = [push(&queue, &who, thread).unwrap(), push(&queue, &who, thread).unwrap()];
        let now = Instant::now();
        assert!(queue.thread_drained(&Identity::new("local", "eve"), thread, now).await);
        assert!(queue.thread_drained(&who, ThreadId::new(), now).await);
        assert!(!queue.thread_drained(&who, thread, now).await);
        queue.settle(vec![Ok(())]);
        assert!(!queue.thread_drained(&who, thread, now).await);
        queue.settle(vec![Err(StoreError::Backlog)]);
        assert!(queue.thread_drained(&who, thread, now).await);
        assert!(queue.state().threads.is_empty(), "nothing is remembered about settled threads");
        drop(commits);
    }

    #[tokio::test]
    async fn a_closed_queue_is_emptied_first() {
        let (queue, who) = (Queue::new(9), Identity::local());
        let commit = push(&queue, &who, ThreadId::new()).unwrap();
        queue.close();
        assert!(push(&queue, &who, ThreadId::new()).is_err());
        assert_eq!(queue.oldest(9).await.unwrap().len(), 1);
        queue.settle(vec![Ok(())]);
        assert!(queue.oldest(9).await.is_none());
        drop(commit);
    }
}
