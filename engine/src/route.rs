//! Calls that might be made: which model would answer, and the request that would be sent. Only the selector is asked.

use exai_context::evidence::FileReport;
use exai_core::{chat::Thinking, provider::Preview};

use crate::{
    call::Call, chat::ChatInput, engine::Engine, error::EngineError, needs::ends_with_expert,
    prompt_files::bytes_of, turn::Rendered, workflow::spec,
};
use exai_inference::{
    error::InferenceError,
    routing::{Choice, Facts, OFFLINE, Route, RouteQuery},
};

/// A call that might be made.
#[derive(Debug, Clone, Default)]
pub struct RouteInput {
    /// The tool; `chat` when empty.
    pub tool: String,
    /// The model, when one is named.
    pub model: Option<String>,
    /// The words, for an estimate of the price.
    pub prompt: String,
    /// Whether images are shown.
    pub with_images: bool,
    /// Whether the web may be searched.
    pub web_search: bool,
    /// The files that would be named.
    pub files: Vec<String>,
    /// How hard the model shall think.
    pub thinking: Option<Thinking>,
}

/// A request that would be sent.
pub struct PreviewOutcome {
    /// The model that would be asked.
    pub choice: Choice,
    /// The request; `None` where the provider sends none.
    pub preview: Option<Preview>,
    /// What happened to the offered files.
    pub files: Vec<FileReport>,
}

impl Engine {
    /// Says which model would answer a call, and why. Asks no model but the selector, where there is one.
    ///
    /// # Errors
    /// [`InferenceError::UnknownModel`] with near names; images for a model that does not see.
    pub async fn route(&self, input: &RouteInput, call: &Call) -> Result<Route, EngineError> {
        let tool = if input.tool.is_empty() { "chat" } else { input.tool.as_str() };
        let facts = Facts {
            with_expert: ends_with_expert(tool),
            question: input.prompt.chars().count(),
            file_bytes: bytes_of(&input.files, call).await,
            with_images: input.with_images,
            web_search: input.web_search,
            thinking: input.thinking.or(self.preferences().thinking_for(tool)),
            with_functions: tool == crate::tool_chat::TOOL,
        };
        let query =
            RouteQuery { tool, model: input.model.as_deref(), prompt: &input.prompt, needs: facts.needs() };
        let route = self.inference.route(&query, call).await?;
        let inspects = spec::ALL.iter().any(|spec| spec.name == tool && spec.inspects());
        if route.candidates.is_empty() && !inspects {
            let offline =
                input.model.as_deref().is_some_and(|name| name.trim().eq_ignore_ascii_case(OFFLINE));
            return Err(self.no_model(tool, offline));
        }
        Ok(route)
    }

    /// The request that a conversation would send, without sending it.
    ///
    /// # Errors
    /// What [`Engine::chat`] says before it asks.
    pub async fn preview(&self, input: &ChatInput, call: &Call) -> Result<PreviewOutcome, EngineError> {
        let needs = self.chat_needs(input, call).await;
        let choice = self.choose_model("chat", input.model.as_deref(), &needs, call).await?;
        let thread = self.threads.load(self.threads.parse(input.continuation_id.as_deref())?, call).await?;
        let choice = self.refine(choice, "chat", &needs, thread.as_ref(), call).await;
        let Rendered { request, gathered, .. } =
            self.chat_request(input, thread.as_ref(), &choice, call).await?;
        let preview = choice
            .provider
            .preview(&request)
            .map_err(|error| InferenceError::Provider { error, attempts: 0 })?;
        Ok(PreviewOutcome { choice, preview, files: gathered.report })
    }
}
