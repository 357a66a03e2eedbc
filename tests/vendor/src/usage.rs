//! Token counts of an answer, and the places where vendors put them in a stream.

use serde_json::{Value, json};

/// Token counts as the vendor reports them, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt, cached ones included.
    pub prompt: u64,
    /// Tokens produced, reasoning included.
    pub completion: u64,
    /// Prompt tokens that the vendor had cached.
    pub cached: u64,
    /// Produced tokens that were reasoning.
    pub reasoning: u64,
}

/// Where a stream carries its [`Usage`]. A plain JSON reply carries it at the top, except for `Absent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UsagePlace {
    /// In a last chunk with empty `choices`, only when `stream_options.include_usage` asks for it (OpenAI).
    #[default]
    WhenAsked,
    /// In a last chunk with empty `choices`, asked for or not (GLM, OpenRouter).
    LastChunk,
    /// In every chunk, growing; the last one is the total.
    EveryChunk,
    /// In `choices[0].usage` of the finishing chunk, asked for or not (Kimi).
    InChoice,
    /// Nowhere, not even in a plain reply.
    Absent,
}

// === impl Usage ===

impl Usage {
    /// Counts without cached or reasoning tokens.
    #[must_use]
    pub fn new(prompt: u64, completion: u64) -> Self {
        Self { prompt, completion, cached: 0, reasoning: 0 }
    }

    /// The share of these counts that is known after `done` of `all` pieces.
    pub(crate) fn after(self, done: usize, all: usize) -> Self {
        let part = |n: u64| n.saturating_mul(done as u64) / (all.max(1) as u64);
        Self { completion: part(self.completion), reasoning: part(self.reasoning), ..self }
    }

    pub(crate) fn to_json(self) -> Value {
        json!({
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.prompt.saturating_add(self.completion),
            "prompt_tokens_details": {"cached_tokens": self.cached},
            "completion_tokens_details": {"reasoning_tokens": self.reasoning},
        })
    }
}

impl Default for Usage {
    /// 10 tokens in, 5 out: round numbers that a test can recognise in its own totals.
    fn default() -> Self {
        Self::new(10, 5)
    }
}
