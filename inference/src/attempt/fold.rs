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
    cost::{estimated_usage, tokens_of},
    events::{CompletionEvent, RunEvents},
};

/// An answer as far as it has arrived.
#[derive(Default)]
pub(super) struct Fold {
    text: String,
    reasoning_bytes: usize,
    tool_calls: Vec<ToolCall>,
    opaque: Vec<Part>,
    /// Tokens, as far as the provider has counted them.
    pub(super) usage: Option<Usage>,
    /// When the first piece of the answer came.
    pub(super) first_token: Option<Instant>,
    model: String,
    finish: Option<Finish>,
}

impl Fold {
    /// Adds a step of the stream, and hands it on.
    pub(super) async fn add(&mut self, delta: Delta, provider: &dyn Provider, events: &RunEvents) {
        if matches!(delta, Delta::Text(_) | Delta::Reasoning(_) | Delta::ToolCall(_)) {
            self.first_token.get_or_insert_with(Instant::now);
        }
        let event = match &delta {
            Delta::Text(_) | Delta::Reasoning(_) | Delta::ToolCall(_) => {
                events.is_followed().then(|| CompletionEvent::Delta(delta.clone()))
            }
            Delta::Usage(usage) => Some(CompletionEvent::Usage(*usage)),
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
    pub(super) fn finish(self, provider: &dyn Provider, request: &Request) -> Result<Reply, ProviderError> {
        let protocol = |message: String| ProviderError::new(provider.id().clone(), Kind::Protocol, message);
        let length = self.text.chars().count();
        let finish = self.finish.unwrap_or_else(Finish::cut);
        match &finish {
            Finish::Failed(word) => {
                let reason =
                    if finish == Finish::cut() { String::new() } else { format!(" ({})", word.as_str()) };
                return Err(protocol(format!("the answer broke off after {length} characters{reason}")));
            }
            Finish::Filter | Finish::Refused => {
                return Err(ProviderError::new(
                    provider.id().clone(),
                    Kind::ContentFiltered,
                    "the vendor's content filter stopped the answer; rephrase, or name another model",
                ));
            }
            Finish::ToolCalls if !self.tool_calls.is_empty() => {}
            Finish::Length if self.text.trim().is_empty() => {
                return Err(ProviderError::new(
                    provider.id().clone(),
                    Kind::UpstreamRejected,
                    "the model used its whole output for thinking; lower `thinking_mode` or name another model",
                ));
            }
            Finish::Stop | Finish::ToolCalls | Finish::Paused | Finish::Unknown(_)
                if self.text.trim().is_empty() =>
            {
                return Err(protocol("the model returned an empty answer".to_owned()));
            }
            Finish::Stop | Finish::ToolCalls | Finish::Paused | Finish::Unknown(_) | Finish::Length => {}
        }
        let usage =
            self.usage.unwrap_or_else(|| estimated_usage(request, self.text.len() + self.reasoning_bytes));
        let Self { text, tool_calls, opaque, model, .. } = self;
        Ok(Reply { text, tool_calls, opaque, usage, finish, model })
    }
}
