//! The choice of a model for a call, with the selector asked as any model is.

use std::sync::Arc;

use exai_core::chat::Request;
use futures::FutureExt as _;

use crate::{
    error::InferenceError,
    inference::Inference,
    question::Question,
    routing::{Choice, Chosen, Picking, Route, RouteQuery, SELECTOR_LIMIT, SELECTOR_TOOL, SelectorQuestion},
    scope::CallScope,
};

impl Inference {
    /// Keeps a conversation with its model; else lets the selector pick, where the user wants that.
    pub async fn refine(self: &Arc<Self>, chosen: Choice, picking: Picking<'_>, call: &CallScope) -> Choice {
        let ask = |question: SelectorQuestion| self.ask_selector(question, call).boxed();
        self.router.refine(chosen, picking, &ask).await
    }

    /// Says who would answer a call, and why. Asks no model but the selector, where there is one.
    ///
    /// # Errors
    /// [`InferenceError::UnknownModel`] with near names; images for a model that does not see.
    pub async fn route(
        self: &Arc<Self>,
        query: &RouteQuery<'_>,
        call: &CallScope,
    ) -> Result<Route, InferenceError> {
        let choice = match self.router.choose_able(query.tool, query.model, &query.needs, call).await? {
            Chosen::Model(choice) => *choice,
            Chosen::Offline { by_request } => {
                let why = if by_request { "`offline` was named" } else { "no model is configured" };
                let rule = format!("{why}: the local inspection answers");
                return Ok(Route { rule, candidates: Vec::new() });
            }
        };
        let picking = Picking { tool: query.tool, needs: &query.needs, thread: None };
        let choice = self.refine(choice, picking, call).await;
        Ok(self.router.explain(choice, query))
    }

    async fn ask_selector(
        self: &Arc<Self>,
        question: SelectorQuestion,
        call: &CallScope,
    ) -> Result<String, InferenceError> {
        let SelectorQuestion { choice, request } = question;
        let request = Request { system: Arc::clone(&self.selector_prompt), ..request };
        let question = Question { prompt_version: 1, ..Question::alone(SELECTOR_TOOL, choice, request) };
        let answered = self.complete(question, &call.apart(SELECTOR_LIMIT)).await?;
        Ok(answered.delivery.completion.reply.text.clone())
    }
}
