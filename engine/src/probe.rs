//! Whether the vendors really answer: a tiny question to each, on demand only, because it costs money.
//!
//! A list of models proves a key and nothing else; that the shape of a request is accepted only a completion shows.

use std::time::Duration;

use exai_core::{
    chat::{Message, Request},
    model::Mark,
    provider::CallCtx,
};
use futures::future::join_all;
use tokio::{sync::watch, time::Instant};

use crate::{call::Call, engine::Engine, routing::Choice};

/// The question.
const QUESTION: &str = "Reply with the word OK.";
/// The longest that a vendor may take.
const LIMIT: Duration = Duration::from_secs(60);

/// What a vendor made of it.
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
    /// Asks the fast model of each configured vendor, and the first of each endpoint, all at the same time.
    pub async fn probe(&self, call: &Call) -> Vec<Probed> {
        let allowed = self.preferences().allowed.clone();
        let Some(mut first) = self.models.of_each(Mark::Fast, &allowed) else { return Vec::new() };
        let mut all = std::mem::take(&mut first.others);
        all.insert(0, first);
        join_all(all.into_iter().map(|one| self.probe_one(one, call))).await
    }

    async fn probe_one(&self, one: Choice, call: &Call) -> Probed {
        let request = Request {
            model: one.model.id.clone(),
            system: "".into(),
            messages: vec![Message::user(QUESTION)],
            temperature: None,
            thinking: None,
            max_output_tokens: None,
            json: false,
            web_search: false,
            tools: exai_core::tooling::Tooling::default(),
        };
        let begun = Instant::now();
        let ctx = CallCtx {
            request_id: call.request_id.clone(),
            deadline: call.deadline.min(begun + LIMIT),
            cancel: call.cancel.clone(),
        };
        let events = watch::Sender::new(call.progress.borrow().clone());
        let asked = self.expert.attempts.ask(&*one.provider, &request, false, &ctx, &events).await;
        Probed {
            model: one.model.qualified(),
            took: begun.elapsed(),
            failure: asked.err().map(|error| (error.kind().code(), error.to_string())),
        }
    }
}
