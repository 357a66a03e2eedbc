//! A stream of deltas, folded into one answer.

use exai_core::{
    Kind,
    chat::{Delta, Finish, Part, Reply, Request, Usage},
    function_calling::ToolCall,
    provider::{Provider, ProviderError},
    run::Phase,
};
use tokio::time::Instant;

use crate::{
    cost::{believed, estimated_usage, is_believable, most_tokens, most_unseen, prompt_cut, tokens_of},
    events::{CompletionEvent, RunEvents},
};

/// Letters of a function's name that a message shows.
const MAX_NAME: usize = 64;
/// The text of a refusal without one.
const NO_REASON: &str = "The model refused without a reason.";

/// An answer as far as it has arrived.
pub(super) struct Fold {
    text: String,
    reasoning_bytes: usize,
    tool_calls: Vec<ToolCall>,
    opaque: Vec<Part>,
    /// Tokens, as the provider has counted them.
    usage: Option<Usage>,
    /// The most tokens that are believed.
    most_tokens: u64,
    /// The most tokens of the answer that are believed beside its text.
    most_unseen: u64,
    /// When the first piece of the answer came.
    pub(super) first_token: Option<Instant>,
    model: String,
    finish: Option<Finish>,
}

impl Fold {
    /// Nothing has arrived of the answer to `request`.
    pub(super) fn new(provider: &dyn Provider, request: &Request) -> Self {
        let model = provider.model(request.model.as_str());
        Self {
            text: String::new(),
            reasoning_bytes: 0,
            tool_calls: Vec::new(),
            opaque: Vec::new(),
            usage: None,
            most_tokens: most_tokens(model.as_ref(), request),
            most_unseen: most_unseen(model.as_ref(), request),
            first_token: None,
            model: String::new(),
            finish: None,
        }
    }

    /// Tokens, as far as what the provider has counted can be true.
    pub(super) fn usage(&self, request: &Request) -> Option<Usage> {
        self.usage.map(|usage| believed(usage, request, self.bytes(), self.most_unseen))
    }

    /// Everything that the model has written, as far as it is shown.
    fn bytes(&self) -> usize {
        let called: usize = self.tool_calls.iter().map(|call| call.name.len() + call.arguments.len()).sum();
        self.text.len() + self.reasoning_bytes + called
    }

    /// Adds a step of the stream, and hands it on.
    pub(super) async fn add(
        &mut self,
        delta: Delta,
        provider: &dyn Provider,
        request: &Request,
        events: &RunEvents,
    ) {
        if let Delta::Usage(usage) = &delta
            && !is_believable(usage, self.most_tokens)
        {
            tracing::warn!(provider = %provider.id(), "counts that cannot be true are estimated instead: {usage:?}");
            // Counts of before are not those of the whole.
            self.usage = None;
            return;
        }
        if matches!(delta, Delta::Text(_) | Delta::Reasoning(_) | Delta::ToolCall(_)) {
            self.first_token.get_or_insert_with(Instant::now);
        }
        let event = match &delta {
            Delta::Text(_) | Delta::Reasoning(_) | Delta::WasReasoning(_) | Delta::ToolCall(_) => {
                events.is_followed().then(|| CompletionEvent::Delta(delta.clone()))
            }
            Delta::Usage(usage) => {
                Some(CompletionEvent::Usage(believed(*usage, request, self.bytes(), self.most_unseen)))
            }
            Delta::Opaque(_) | Delta::Model(_) | Delta::Finished(_) => None,
        };
        match delta {
            Delta::Text(text) => {
                self.text.push_str(&text);
                self.count(Phase::Answering, events);
            }
            Delta::Reasoning(text) => {
                self.reasoning_bytes += text.len();
                self.count(Phase::Thinking, events);
            }
            Delta::WasReasoning(bytes) => {
                let answer = self.text.len().saturating_sub(bytes);
                if self.text.is_char_boundary(answer) {
                    self.text.truncate(answer);
                    self.reasoning_bytes += bytes;
                }
            }
            Delta::Opaque(json) => self.opaque.push(Part::Opaque { provider: provider.id().clone(), json }),
            Delta::ToolCall(call) => self.tool_calls.push(call),
            Delta::Usage(usage) => self.usage = Some(usage),
            Delta::Model(model) => self.model = model,
            Delta::Finished(reason) => self.finish = Some(reason),
        }
        if let Some(event) = event {
            events.send(event).await;
        }
    }

    fn count(&self, phase: Phase, events: &RunEvents) {
        let tokens = tokens_of(self.text.len() + self.reasoning_bytes);
        events.change(|event| {
            event.phase = phase;
            event.tokens = tokens;
        });
    }

    /// The whole answer, or why it is none.
    pub(super) fn finish(
        mut self,
        provider: &dyn Provider,
        request: &Request,
    ) -> Result<Reply, ProviderError> {
        let finish = self.finish.take().unwrap_or_else(Finish::cut);
        if let Some((kind, message)) = self.problem(&finish, request) {
            return Err(ProviderError::new(provider.id().clone(), kind, message));
        }
        if finish == Finish::Refused && self.text.trim().is_empty() {
            NO_REASON.clone_into(&mut self.text);
        }
        // What was cached may be counted apart, so this goes by the counts as they came.
        let prompt_cut = self.usage.and_then(|usage| prompt_cut(request, &usage));
        let usage = self.usage(request).unwrap_or_else(|| estimated_usage(request, self.bytes()));
        if self.usage.is_some() && usage.estimated {
            tracing::warn!(provider = %provider.id(), "counts that cannot be true are estimated instead: {:?}", self.usage);
        }
        let Self { text, tool_calls, opaque, model, .. } = self;
        Ok(Reply { text, tool_calls, opaque, usage, finish, model, prompt_cut })
    }

    /// Why what has arrived is no answer.
    fn problem(&self, finish: &Finish, request: &Request) -> Option<(Kind, String)> {
        let is_silent = self.text.trim().is_empty();
        let protocol = |message: String| Some((Kind::Protocol, message));
        match finish {
            Finish::Failed(word) => {
                let length = self.text.chars().count();
                let reason =
                    if *finish == Finish::cut() { String::new() } else { format!(" ({})", word.as_str()) };
                return protocol(format!("the answer broke off after {length} characters{reason}"));
            }
            Finish::Filter => {
                let message =
                    "the vendor's content filter stopped the answer; rephrase, or name another model";
                return Some((Kind::ContentFiltered, message.to_owned()));
            }
            _ => {}
        }
        let is_lent = |call: &&ToolCall| request.tools.specs.iter().any(|spec| spec.name == call.name);
        if let Some(call) = self.tool_calls.iter().find(|call| !is_lent(call)) {
            let name: String = call.name.chars().take(MAX_NAME).collect();
            return protocol(format!("the model called `{name}`, a function that it was not lent"));
        }
        match finish {
            Finish::Length if is_silent => {
                let message = "the model used its whole output for thinking; lower `thinking_mode` or name another model";
                Some((Kind::UpstreamRejected, message.to_owned()))
            }
            Finish::ToolCalls if !self.tool_calls.is_empty() => None,
            Finish::Paused if !self.opaque.is_empty() => None,
            Finish::Stop | Finish::ToolCalls | Finish::Paused | Finish::Unknown(_) if is_silent => {
                let thought = if self.reasoning_bytes > 0 { "the model thought and" } else { "the model" };
                protocol(format!("{thought} returned an empty answer"))
            }
            _ => None,
        }
    }
}
