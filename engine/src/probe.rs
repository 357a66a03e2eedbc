//! Whether the vendors really answer: a tiny question to each, on demand only, because it costs money.
//!
//! A list of models proves a key and nothing else; that the shape of a request is accepted only a completion shows.

use std::{sync::Arc, time::Duration};

use exai_core::{
    Kind,
    chat::{Message, Request},
    model::{Mark, ModelSpec, Status},
    provider::{CallCtx, Provider},
};
use futures::future::join_all;
use tokio::time::Instant;

use crate::{call::Call, engine::Engine};
use exai_inference::{
    question::Question,
    routing::{Choice, Needs},
};

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
    /// Asks the fast model of each configured provider, and the first of each endpoint, all at the same time. An endpoint that names no
    /// model is asked for its list first. Every provider has its row, also one of which nothing can be asked.
    pub async fn probe(&self, call: &Call) -> Vec<Probed> {
        let allowed = self.preferences().allowed.clone();
        let mut all: Vec<Choice> = Vec::new();
        if let Some(mut first) = self.models().of_each(Mark::Fast, &allowed) {
            let others = std::mem::take(&mut first.others);
            all.push(first);
            all.extend(others);
        }
        let is_left =
            |provider: &&Arc<dyn Provider>| !all.iter().any(|one| one.provider.id() == provider.id());
        let left: Vec<Arc<dyn Provider>> =
            self.models().providers().iter().filter(is_left).cloned().collect();
        let marked = join_all(all.into_iter().map(|one| self.probe_one(one, call)));
        let listed = join_all(left.iter().map(|provider| self.probe_listed(provider, call)));
        let (mut probed, listed) = futures::join!(marked, listed);
        probed.extend(listed);
        probed
    }

    /// Asks the first model of the endpoint's own list that may be asked.
    async fn probe_listed(&self, provider: &Arc<dyn Provider>, call: &Call) -> Probed {
        let begun = Instant::now();
        let failed = |code, message| Probed {
            model: provider.id().to_string(),
            took: begun.elapsed(),
            failure: Some((code, message)),
        };
        let ctx = CallCtx {
            request_id: call.request_id.clone(),
            deadline: begun + LIMIT,
            cancel: call.cancel.clone(),
        };
        if let Err(error) = provider.live_models(&ctx).await {
            return failed(error.kind.code(), error.to_string());
        }
        let allowed = &self.preferences().allowed;
        let models = provider.models();
        let usable = |model: &&ModelSpec| model.status != Status::Retired && allowed.check(model).is_ok();
        let Some(model) = models.iter().find(usable) else {
            let none = "it lists no model that models.allow and models.deny let through".to_owned();
            return failed(Kind::ModelNotFound.code(), none);
        };
        let name = model.qualified();
        match self.choose_model(TOOL, Some(&name), &Needs::of(Mark::Fast), call).await {
            Ok(choice) => self.probe_one(choice, call).await,
            Err(error) => failed(error.kind().code(), error.to_string()),
        }
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
