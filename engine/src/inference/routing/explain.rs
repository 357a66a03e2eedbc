//! Why a model would be chosen: everyone who may answer, in order, with what speaks for and against each.

use exai_context::evidence::FileReport;
use exai_core::{
    chat::{Message, Thinking},
    model::{Mark, ModelSpec},
    provider::Preview,
};

use super::{Choice, Facts, Needs, Source, Strategy, bytes_of, may_see};
use crate::{call::Call, chat::ChatInput, engine::Engine, error::EngineError, inference::budget::estimate};

/// A call that might be made.
#[derive(Debug, Clone, Default)]
pub struct RouteQuery {
    /// The tool; `chat` when empty.
    pub tool: String,
    /// The model, when one is named.
    pub model: Option<String>,
    /// The words, for an estimate of the price.
    pub prompt: String,
    /// Whether pictures are shown.
    pub with_images: bool,
    /// Whether the web may be searched.
    pub web_search: bool,
    /// The files that would be named.
    pub files: Vec<String>,
    /// How hard the model shall think.
    pub thinking: Option<Thinking>,
}

/// Who would answer.
#[derive(Debug)]
pub struct Route {
    /// What decides, in words.
    pub rule: String,
    /// Everyone who may answer, in order; empty when the inspection would.
    pub candidates: Vec<Candidate>,
}

/// One who may answer.
#[derive(Debug)]
pub struct Candidate {
    /// `provider/model`.
    pub model: String,
    /// What speaks for and against it.
    pub reasons: Vec<String>,
    /// What the call is likely to cost, in US dollars.
    pub estimate_usd: Option<f64>,
    /// Tokens of prompt and answer together.
    pub window: u32,
}

/// A request that would be sent.
pub struct PreviewOutcome {
    /// Who would be asked.
    pub choice: Choice,
    /// The request; `None` where the provider sends none.
    pub preview: Option<Preview>,
    /// What became of the offered files.
    pub files: Vec<FileReport>,
}

impl Engine {
    /// Says who would answer a call, and why. Asks nobody but the selector, where there is one.
    ///
    /// # Errors
    /// [`EngineError::UnknownModel`] with near names; pictures for a model that does not see.
    pub async fn route(&self, query: &RouteQuery, call: &Call) -> Result<Route, EngineError> {
        let tool = if query.tool.is_empty() { "chat" } else { query.tool.as_str() };
        let facts = Facts {
            tool,
            question: query.prompt.chars().count(),
            file_bytes: bytes_of(&query.files, call).await,
            with_images: query.with_images,
            web_search: query.web_search,
            thinking: query.thinking.or(self.preferences().thinking_for(tool)),
            with_functions: tool == crate::tool_chat::TOOL,
        };
        let needs = facts.needs();
        let source = self.choose_able(tool, query.model.as_deref(), &needs, call).await?;
        let choice = match source {
            Source::Model(choice) => self.settled(*choice, (tool, &needs), None, call).await,
            Source::Offline { by_request } => {
                let why = if by_request { "`offline` was named" } else { "no model is configured" };
                return Ok(Route {
                    rule: format!("{why}: the local inspection answers"),
                    candidates: Vec::new(),
                });
            }
        };
        let rule = self.rule(tool, query, &choice, needs.purpose);
        let mut all = vec![choice];
        if let Some(first) = all.first_mut() {
            let others = std::mem::take(&mut first.others);
            all.extend(others);
        }
        let candidates = all.iter().map(|one| self.candidate(one, query, &needs)).collect();
        Ok(Route { rule, candidates })
    }

    /// The request that a conversation would send, without sending it.
    ///
    /// # Errors
    /// What [`Engine::chat`] says before it asks.
    pub async fn preview(&self, input: &ChatInput, call: &Call) -> Result<PreviewOutcome, EngineError> {
        let needs = self.chat_needs(input, call).await;
        let choice = match self.choose_able("chat", input.model.as_deref(), &needs, call).await? {
            Source::Model(choice) => *choice,
            Source::Offline { .. } => {
                return Err(EngineError::NoModel { hint: crate::HOW_TO_CONFIGURE.to_owned() });
            }
        };
        let thread = self.threads.load(self.threads.parse(input.continuation_id.as_deref())?, call).await?;
        let choice = self.settled(choice, ("chat", &needs), thread.as_ref(), call).await;
        let (request, gathered, _) = self.chat_request(input, thread.as_ref(), &choice, call).await?;
        let preview = choice
            .provider
            .preview(&request)
            .map_err(|error| EngineError::Provider { error, attempts: 0 })?;
        Ok(PreviewOutcome { choice, preview, files: gathered.report })
    }

    fn rule(&self, tool: &str, query: &RouteQuery, choice: &Choice, purpose: Mark) -> String {
        let preferences = self.preferences();
        let named = query.model.as_deref().filter(|name| !super::is_auto(name));
        if let Some(name) = named {
            return format!("the call names `{name}`; nobody else is asked");
        }
        let next = match (choice.others.is_empty(), preferences.routes) {
            (false, _) => "the next is asked when one cannot be had",
            (true, true) => "nobody else is asked",
            (true, false) => "routing.enabled is false, nobody else is asked",
        };
        let by = choice.routed_by.as_deref();
        if let Some(by) = by.filter(|by| !by.starts_with("rules,")) {
            return format!("{by}; {next}");
        }
        if let Some(name) = preferences.model_for(tool) {
            return format!("the configuration names `{name}` for {tool}; nobody else is asked");
        }
        let purpose = match purpose {
            Mark::Fast => "conversation",
            Mark::Deep => "expert analysis",
        };
        let word = Strategy::WORDS.iter().find(|(_, known)| *known == preferences.strategy);
        let strategy = word.map_or("listed", |(word, _)| *word);
        format!(
            "auto: each configured vendor's model for {purpose}, in the order `{strategy}`; {next}{}",
            by.map(|by| format!(" ({by})")).unwrap_or_default()
        )
    }

    fn candidate(&self, one: &Choice, query: &RouteQuery, needs: &Needs) -> Candidate {
        let health = self.expert.attempts.health();
        let mut reasons = Vec::new();
        match health.objection(one.provider.id(), &one.model.id) {
            Some(kind) => reasons.push(format!("cannot be had now: {}", kind.code())),
            None => reasons.push("can be had".to_owned()),
        }
        let (latency, error_rate) = health.averages(one.provider.id(), &one.model.id);
        if let Some(latency) = latency {
            reasons
                .push(format!("answered in {latency:.0} ms on average, {:.0} % failed", error_rate * 100.0));
        }
        if query.with_images && may_see(&one.model) {
            reasons.push("sees pictures".to_owned());
        }
        let searches = one.provider.searches_web(&one.model);
        if query.web_search && searches {
            reasons.push("can search the web".to_owned());
        }
        reasons.extend(needs.lacks(&one.model, searches).into_iter().map(str::to_owned));
        if let Some(reason) = one.fallback_reason {
            reasons.push(format!("in the place of another: {reason}"));
        }
        Candidate {
            model: one.model.qualified(),
            reasons,
            estimate_usd: price(&one.model, &query.prompt),
            window: one.model.context_window,
        }
    }
}

fn price(model: &ModelSpec, prompt: &str) -> Option<f64> {
    let request = exai_core::chat::Request::asking(model.id.clone(), Message::user(prompt));
    estimate(model, &request)
}
