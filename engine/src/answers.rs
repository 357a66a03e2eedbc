//! Kept answers: of calls that went on after their request, and of those that were longer than their client can show.

use std::time::Duration;

use exai_core::{
    AnswerId, Identity, ThreadId, Timestamp,
    answer::{AnswerState, KeptAnswer},
    store::Write,
};
use tokio::time::Instant;

use crate::{call::Call, engine::Engine, error::EngineError};

/// How long an answer is kept.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How much later than its call's deadline the work on an answer may still end.
const GRACE: Duration = Duration::from_secs(60);

/// An answer to keep, or the place of one that is still worked on.
#[derive(Debug, Clone)]
pub struct NewAnswer {
    /// Its id; an answer with the same id is replaced.
    pub id: AnswerId,
    /// The tool that was called.
    pub tool: String,
    /// How far the work is.
    pub state: AnswerState,
    /// The whole answer; empty while it is worked on.
    pub text: String,
    /// Whether it reports a failure.
    pub is_error: bool,
}

impl NewAnswer {
    /// An answer without a text.
    #[must_use]
    pub fn empty(id: AnswerId, tool: &str, state: AnswerState) -> Self {
        Self { id, tool: tool.to_owned(), state, text: String::new(), is_error: false }
    }
}

/// Which kept answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerQuery {
    /// Its id.
    pub id: AnswerId,
    /// How long to wait for changes that this process has queued and the database does not have yet.
    pub wait: Duration,
}

impl Engine {
    /// Keeps an answer of this call. The database takes it when it can; the returned row is what it will hold.
    pub fn keep_answer(&self, new: NewAnswer, call: &Call) -> KeptAnswer {
        let NewAnswer { id, tool, state, text, is_error } = new;
        let now = self.clock().now();
        let time_left = call.deadline.saturating_duration_since(Instant::now()) + GRACE;
        let kept = KeptAnswer {
            id,
            thread: call.thread.get().copied(),
            tool,
            state,
            created_at: now,
            updated_at: now,
            deadline_at: after(now, time_left),
            expires_at: after(now, LIFETIME),
            text,
            is_error,
        };
        self.write_answer(&call.principal.identity, kept.clone());
        kept
    }

    /// Records that its caller cancelled the work on an answer.
    pub fn cancel_answer(&self, who: &Identity, kept: KeptAnswer) {
        let updated_at = self.clock().now();
        self.write_answer(who, KeptAnswer { state: AnswerState::Cancelled, updated_at, ..kept });
    }

    /// Finds a kept answer. `None` when it never existed, has expired or belongs to someone else.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn find_answer(
        &self,
        who: &Identity,
        query: AnswerQuery,
    ) -> Result<Option<KeptAnswer>, EngineError> {
        self.store().flush(query.wait).await;
        Ok(self.store().answer(who, query.id).await?)
    }

    /// The kept answers of a thread, the latest first; none when the thread belongs to someone else. Waits as [`Self::find_answer`] does.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn answers_of_thread(
        &self,
        who: &Identity,
        thread: ThreadId,
        most: u32,
        wait: Duration,
    ) -> Result<Vec<KeptAnswer>, EngineError> {
        self.store().flush(wait).await;
        Ok(self.store().answers(who, thread, most).await?)
    }

    fn write_answer(&self, who: &Identity, kept: KeptAnswer) {
        // The caller does not wait for the commit, because a reader waits for queued changes itself.
        drop(self.store().write(who, vec![Write::KeepAnswer(kept)]));
    }
}

fn after(moment: Timestamp, time: Duration) -> Timestamp {
    moment.plus_millis(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}
