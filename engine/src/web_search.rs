//! A web search of its own, outside of a model's answer, with a provider that offers it.

use std::sync::Arc;

use exai_core::{
    provider::{CallCtx, Provider},
    web_search::{SearchHit, SearchQuery},
};

use crate::{call::Call, engine::Engine, error::EngineError};

/// The most results of one search.
pub const MAX_RESULTS: u32 = 50;

/// What was found, and which provider found it.
#[derive(Debug)]
pub struct SearchOutcome {
    /// The provider that searched.
    pub provider: String,
    /// Best first.
    pub hits: Vec<SearchHit>,
}

impl Engine {
    /// Searches the web.
    ///
    /// # Errors
    /// No configured provider offers it, the words are missing, or the provider does not answer.
    pub async fn search_web(&self, query: &SearchQuery, call: &Call) -> Result<SearchOutcome, EngineError> {
        if query.words.trim().is_empty() {
            return Err(EngineError::invalid("search_query", "say what to search for"));
        }
        let provider = self.searching()?;
        let Some(port) = provider.web_search() else { return Err(self.nobody_searches()) };
        let ctx = CallCtx {
            request_id: call.request_id.clone(),
            deadline: call.deadline,
            cancel: call.cancel.clone(),
        };
        let hits = port.search(query, &ctx).await.map_err(EngineError::of_provider)?;
        Ok(SearchOutcome { provider: provider.id().as_str().to_owned(), hits })
    }

    fn searching(&self) -> Result<Arc<dyn Provider>, EngineError> {
        let found = self.models().providers().iter().find(|provider| provider.web_search().is_some());
        found.map(Arc::clone).ok_or_else(|| self.nobody_searches())
    }

    /// Says which providers could, and what to do instead.
    fn nobody_searches(&self) -> EngineError {
        let within: Vec<String> = self
            .models()
            .providers()
            .iter()
            .filter_map(|provider| {
                let models = provider.models();
                models
                    .iter()
                    .find(|model| !model.marks.is_empty() && provider.searches_web(model))
                    .map(exai_core::model::ModelSpec::qualified)
            })
            .collect();
        let instead = match within.as_slice() {
            [] => String::new(),
            names => {
                format!(" chat with use_websearch searches within its answer, with {}.", names.join(", "))
            }
        };
        EngineError::NotOffered {
            what: "web search by itself",
            hint: format!("{}{instead}", self.settings.hints.search),
        }
    }
}
