//! Threads: loading and appending for calls, how long a reply waits for the database, and the queries of their owners.

mod list;
mod view;

use std::{sync::Arc, time::Duration};

use exai_core::{
    Clock, Kind, ThreadId,
    store::{Commit, Store, StoreError, Write},
    thread::{Thread, Turn, TurnBody},
};
use exai_inference::delivery::Unwritten;
use futures::future::BoxFuture;

pub use list::{ThreadList, ThreadQuery};
pub use view::{DeleteThread, NextCall, ThreadView, ThreadViewQuery};

use crate::{call::Call, error::EngineError};

/// The longest title of a thread, in characters.
const TITLE_CHARS: usize = 80;
/// How often a call works on its thread again when other calls have continued it at the same time.
const CONFLICT_RETRIES: usize = 20;
/// How often an answer is appended again when other calls have continued the thread in the meantime.
const ANSWER_RETRIES: usize = 20;

/// Reads and continues threads.
#[derive(Clone)]
pub(crate) struct Threads {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) commit_wait: Duration,
}

/// Turns that were handed to the store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Appended {
    /// The thread, new or old.
    pub thread: ThreadId,
    /// The position after them.
    pub next_seq: u32,
    /// Whether they are durable already; they are queued otherwise.
    pub persisted: bool,
}

impl Threads {
    /// Reads the client's `continuation_id`.
    pub(crate) fn parse(&self, continuation_id: Option<&str>) -> Result<Option<ThreadId>, EngineError> {
        match continuation_id.map(str::trim).filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => text
                .parse()
                .map(Some)
                .map_err(|_| EngineError::UnknownThread { thread: text.chars().take(80).collect() }),
        }
    }

    /// Loads a thread that the caller continues; `None` when none was named.
    pub(crate) async fn load(
        &self,
        id: Option<ThreadId>,
        call: &Call,
    ) -> Result<Option<Thread>, EngineError> {
        let Some(id) = id else { return Ok(None) };
        match self.store.thread(&call.principal.identity, id).await.map_err(EngineError::from_store)? {
            Some(thread) => Ok(Some(thread)),
            None => Err(EngineError::unknown_thread(id)),
        }
    }

    /// Works on a thread as it is, and once more when another call continued it at the same moment.
    pub(crate) async fn retrying<'w, T>(
        &self,
        id: Option<ThreadId>,
        call: &Call,
        work: impl Fn(Option<Thread>) -> BoxFuture<'w, Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        let mut retries = 0;
        loop {
            let thread = self.load(id, call).await?;
            match work(thread).await {
                Err(error) if error.kind() == Kind::Conflict && retries < CONFLICT_RETRIES => retries += 1,
                done => return done,
            }
        }
    }

    /// Appends one turn to `thread`, or begins a thread with it.
    ///
    /// A new thread never fails here: when the database cannot be written, the turn stays queued and the reply says so.
    pub(crate) async fn append(
        &self,
        thread: Option<&Thread>,
        tool: &str,
        body: TurnBody,
        call: &Call,
    ) -> Result<Appended, EngineError> {
        self.append_all(thread, tool, vec![body], call).await
    }

    /// Like [`Self::append`], several turns in one transaction.
    pub(crate) async fn append_all(
        &self,
        thread: Option<&Thread>,
        tool: &str,
        bodies: Vec<TurnBody>,
        call: &Call,
    ) -> Result<Appended, EngineError> {
        let (id, mut batch) = match thread {
            Some(thread) => (thread.id, Vec::new()),
            None => {
                let id = ThreadId::new();
                let title = bodies.first().map(title_of).unwrap_or_default();
                let at = self.clock.now();
                (id, vec![Write::CreateThread { id, tool: tool.to_owned(), title, at }])
            }
        };
        let mut seq = thread.map_or(0, Thread::next_seq);
        for body in bodies {
            batch.push(self.turn(id, seq, tool, body));
            seq += 1;
        }
        let persisted = match self.store.write(&call.principal.identity, batch).within(self.commit_wait).await
        {
            Ok(persisted) => persisted,
            Err(StoreError::Unavailable { .. } | StoreError::Backlog) if thread.is_none() => false,
            Err(error) => return Err(EngineError::from_store(error)),
        };
        call.kept_in(id);
        Ok(Appended { thread: id, next_seq: seq, persisted })
    }

    /// The changes that begin a thread with one turn, for a caller that stores them with something else.
    pub(crate) fn prologue(&self, tool: &str, body: TurnBody) -> (ThreadId, Vec<Write>) {
        let id = ThreadId::new();
        let title = title_of(&body);
        let create = Write::CreateThread { id, tool: tool.to_owned(), title, at: self.clock.now() };
        (id, vec![create, self.turn(id, 0, tool, body)])
    }

    /// Waits for changes that were handed to the store. True when they are durable. They belong to a new thread, so they can be late
    /// but are not refused.
    pub(crate) async fn written(&self, written: Option<Commit>) -> bool {
        match written {
            Some(mut commit) => commit.within(self.commit_wait).await.unwrap_or(false),
            None => true,
        }
    }

    fn turn(&self, thread: ThreadId, seq: u32, tool: &str, body: TurnBody) -> Write {
        let turn = Turn { seq, tool: tool.to_owned(), created_at: self.clock.now(), body };
        Write::AppendTurns { thread, turns: vec![turn] }
    }

    /// Appends the answer to an appended turn, in one batch with the changes that belong to it. The answer has cost money, so it is not
    /// lost when other calls have continued the thread: it goes after their turns. True when it is durable.
    pub(crate) async fn append_next(
        &self,
        after: Appended,
        tool: &str,
        body: TurnBody,
        with: Unwritten,
        call: &Call,
    ) -> bool {
        let with = with.take();
        call.kept_in(after.thread);
        let mut seq = after.next_seq;
        let mut failure = None;
        for _ in 0..=ANSWER_RETRIES {
            let mut batch = with.clone();
            batch.push(self.turn(after.thread, seq, tool, body.clone()));
            let mut commit = self.store.write(&call.principal.identity, batch);
            match commit.within(self.commit_wait).await {
                Ok(true) => return true,
                Ok(false) => return false,
                Err(error) if error.kind() == Kind::Conflict => {
                    match self.store.thread(&call.principal.identity, after.thread).await {
                        Ok(Some(thread)) => seq = thread.next_seq(),
                        Ok(None) | Err(_) => break,
                    }
                }
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        let reason = failure.map_or_else(|| "the thread kept changing".to_owned(), |error| error.to_string());
        tracing::warn!(request_id = %call.request_id, thread = %after.thread, "an answer was not stored: {reason}");
        if !with.is_empty() {
            drop(self.store.write(&call.principal.identity, with));
        }
        false
    }
}

fn title_of(body: &TurnBody) -> String {
    let text = match body {
        TurnBody::Message(message) => message.text.as_str(),
        TurnBody::Step(step) => step.step.as_str(),
        TurnBody::Answer(answer) => answer.text.as_str(),
        TurnBody::Opinion(opinion) => opinion.text.as_str(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(TITLE_CHARS).collect()
}
