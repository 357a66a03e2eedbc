//! What is asked, of whom, and for which thread.

use exai_core::{
    ThreadId,
    chat::{Reply, Request},
    store::Write,
};

use crate::routing::Choice;

/// One question to one model.
pub struct Question {
    /// The tool that asks.
    pub tool: &'static str,
    /// The version of its system prompt.
    pub prompt_version: u32,
    /// The thread of the caller; a question may belong to none.
    pub thread: Option<ThreadId>,
    /// Who is asked.
    pub choice: Choice,
    /// The rendered request.
    pub request: Request,
    /// Do not take the answer from the cache.
    pub fresh: bool,
    /// Take an older answer when no model can be asked.
    pub allow_stale: bool,
    /// Whether an answer is good enough to be given to another call: again, as an older one, or to one that asks the same at the same time.
    /// The question's own caller gets it in any case.
    pub is_usable: fn(&Reply) -> bool,
    /// Join no equal run.
    pub alone: bool,
    /// Whether no other model is asked when this one fails.
    pub is_last: bool,
    /// The beginning of a new thread. It is stored with the run, or with a cached answer.
    pub prologue: Vec<Write>,
}

impl Question {
    /// A question outside of any thread, answered anew, by this model or by none.
    #[must_use]
    pub fn alone(tool: &'static str, choice: Choice, request: Request) -> Self {
        Self {
            tool,
            prompt_version: 0,
            thread: None,
            choice,
            request,
            fresh: true,
            allow_stale: false,
            is_usable: |_| true,
            alone: false,
            // It is asked once.
            is_last: false,
            prologue: Vec::new(),
        }
    }

    /// The same question once more: nothing of it has to be stored again.
    #[must_use]
    pub fn again(&self) -> Self {
        Self {
            tool: self.tool,
            prompt_version: self.prompt_version,
            thread: self.thread,
            choice: self.choice.clone(),
            request: self.request.clone(),
            fresh: self.fresh,
            allow_stale: self.allow_stale,
            is_usable: self.is_usable,
            alone: self.alone,
            is_last: self.is_last,
            prologue: Vec::new(),
        }
    }
}
