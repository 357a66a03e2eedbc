//! One thread with all that belongs to it, and what its owner does next.

use std::time::Duration;

use exai_core::{
    Identity, ThreadId,
    answer::KeptAnswer,
    run::{Run, RunState},
    store::Write,
    thread::{Thread, Turn, TurnBody},
};

use crate::{engine::Engine, error::EngineError};
use exai_core::transcript;

/// Which thread is wanted, and how much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThreadViewQuery {
    /// The thread.
    pub id: ThreadId,
    /// The most kept answers; 0 reads none.
    pub answers: u32,
}

/// A thread, the runs that answered it, and the answers kept for it.
#[derive(Debug, Clone, PartialEq)]
pub struct ThreadView {
    /// The thread with all its turns.
    pub thread: Thread,
    /// Its runs, oldest first.
    pub runs: Vec<Run>,
    /// Its kept answers, latest first.
    pub answers: Vec<KeptAnswer>,
}

/// What the owner of a thread does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextCall {
    /// The thread has no turn; begin again.
    Begin,
    /// A run answered after its caller had left: read that answer, then go on with this tool.
    ReadLateAnswer {
        /// The tool of the last turn.
        tool: String,
    },
    /// The last question is still being answered.
    Wait,
    /// Take the next step of a workflow.
    TakeStep {
        /// The workflow.
        tool: String,
        /// The number of that step.
        step: u32,
    },
    /// The last step got no answer: take it again.
    RepeatStep {
        /// The workflow.
        tool: String,
        /// The number of that step.
        step: u32,
    },
    /// Some models of a consensus were not asked yet.
    CompleteConsensus,
    /// The last question got no answer: ask it again.
    RepeatQuestion {
        /// The tool.
        tool: String,
    },
    /// Everything was answered.
    GoOn,
}

/// Which thread to delete, and how long to wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeleteThread {
    /// The thread.
    pub id: ThreadId,
    /// The longest wait for the database.
    pub wait: Duration,
}

impl ThreadView {
    /// An answered run that no turn holds: its caller had left before the answer could be added.
    #[must_use]
    pub fn late_run(&self) -> Option<&Run> {
        let turns = &self.thread.turns;
        let is_in_a_turn = |run: &Run| {
            turns.iter().any(|turn| match &turn.body {
                TurnBody::Answer(answer) => answer.run == Some(run.id),
                TurnBody::Opinion(opinion) => opinion.run == Some(run.id),
                TurnBody::Message(_) | TurnBody::Step(_) => false,
            })
        };
        let last_answer = turns.iter().rev().find(|turn| matches!(turn.body, TurnBody::Answer(_)));
        let is_newer = |run: &Run| last_answer.is_none_or(|turn| turn.created_at < run.started_at);
        self.runs.iter().rev().find(|run| run.state == RunState::Done && !is_in_a_turn(run) && is_newer(run))
    }

    /// The last turn that a caller sent.
    #[must_use]
    pub fn last_request(&self) -> Option<&Turn> {
        self.thread
            .turns
            .iter()
            .rev()
            .find(|turn| !matches!(turn.body, TurnBody::Answer(_) | TurnBody::Opinion(_)))
    }

    /// The last answer with a text.
    #[must_use]
    pub fn last_answer(&self) -> Option<&Turn> {
        let says_something =
            |turn: &&Turn| matches!(&turn.body, TurnBody::Answer(said) if !said.text.is_empty());
        self.thread.turns.iter().rev().find(says_something)
    }

    /// What the owner does next.
    #[must_use]
    pub fn next_call(&self) -> NextCall {
        let Some(last) = self.thread.turns.last() else { return NextCall::Begin };
        let tool = last.tool.clone();
        if self.late_run().is_some() {
            return NextCall::ReadLateAnswer { tool };
        }
        if self.runs.iter().any(|run| matches!(run.state, RunState::Running | RunState::Queued)) {
            return NextCall::Wait;
        }
        match &last.body {
            TurnBody::Step(step) if step.next_step_required => {
                NextCall::TakeStep { tool, step: step.step_number.saturating_add(1) }
            }
            TurnBody::Step(step) => NextCall::RepeatStep { tool, step: step.step_number },
            TurnBody::Opinion(_) => NextCall::CompleteConsensus,
            TurnBody::Message(_) => NextCall::RepeatQuestion { tool },
            TurnBody::Answer(_) => NextCall::GoOn,
        }
    }

    /// The whole thread as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        transcript::markdown(&self.thread, &self.runs)
    }
}

impl Engine {
    /// Reads a thread. `None` when it never existed, has expired or belongs to someone else.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn view_thread(
        &self,
        who: &Identity,
        query: ThreadViewQuery,
    ) -> Result<Option<ThreadView>, EngineError> {
        let store = self.store();
        let Some(thread) = store.thread(who, query.id).await? else { return Ok(None) };
        let runs = store.runs(who, query.id).await?;
        let answers = match query.answers {
            0 => Vec::new(),
            most => store.answers(who, query.id, most).await?,
        };
        Ok(Some(ThreadView { thread, runs, answers }))
    }

    /// Deletes a thread with its turns, runs and kept answers. False when the database has not taken the change within the wait; it
    /// stays queued.
    ///
    /// # Errors
    /// The database refuses the change.
    pub async fn delete_thread(&self, who: &Identity, delete: DeleteThread) -> Result<bool, EngineError> {
        let batch = vec![Write::DeleteThread(delete.id)];
        Ok(self.store().write(who, batch).within(delete.wait).await?)
    }
}
