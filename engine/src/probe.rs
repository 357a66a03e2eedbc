//! Whether the vendors really answer: a tiny question to each, on demand only, because it costs money.
//!
//! A list of models proves a key and nothing else; that the shape of a request is accepted only a completion shows.

use std::time::Duration;

use exai_core::{
    chat::{Message, Request},
    model::Mark,
};
use futures::future::join_all;
use tokio::time::Instant;

use crate::{call::Call, engine::Engine};
use exai_inference::{question::Question, routing::Choice};

/// The tool under which it is recorded and paid for.
const TOOL: &str = "status";

/// The question.
const QUESTION: &str = "Reply with the word OK.";
/// The longest that a provider may take.
const LIMIT: Duration = Duration::from_secs(60);

/// How a provider answered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// `provider/model`.
    pub model: String,
    /// How long it took.
    pub took: Duration,
    /// The code and the words of its failure; `None` when it answered.
    pub failure: Option<(&'static str, String)>,
}

impl Engine {
    /// Asks the fast model of each configured provider, and the first of each endpoint, all at the same time.
    pub async fn probe(&self, call: &Call) -> Vec<Probed> {
        let allowed = self.preferences().allowed.clone();
        let Some(mut first) = self.models().of_each(Mark::Fast, &allowed) else { return Vec::new() };
        let mut all = std::mem::take(&mut first.others);
        all.insert(0, first);
        join_all(all.into_iter().map(|one| self.probe_one(one, call))).await
    }

    async fn probe_one(&self, one: Choice, call: &Call) -> Probed {
        let request = Request::asking(one.model.id.clone(), Message::user(QUESTION));
        let (begun, model) = (Instant::now(), one.model.qualified());
        let question = Question::alone(TOOL, one, request);
        let asked = self.inference.complete(question, &call.apart(LIMIT)).await.map(drop);
        Probed {
            model,
            took: begun.elapsed(),
            failure: asked.err().map(|error| (error.kind().code(), error.to_string())),
        }
    }
}
