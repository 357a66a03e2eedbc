//! A conversation with a model, in no vendor's dialect.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    ModelId, ProviderId,
    function_calling::{ToolCall, ToolResult, Tooling},
};

pub use crate::finish::{Finish, FinishWord};

/// Who speaks. The system prompt is a field of [`Request`], not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The caller.
    User,
    /// The model.
    Assistant,
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Running text.
    Text {
        /// The text.
        text: Arc<str>,
    },
    /// An image as a `data:` URL.
    Image {
        /// `data:image/...;base64,...`
        data_url: Arc<str>,
    },
    /// Something a vendor wants back unchanged, such as its reasoning. Sent to that provider only, dropped for all others.
    Opaque {
        /// Where it came from.
        provider: ProviderId,
        /// The vendor's own fields of the assistant message, as an object.
        json: serde_json::Value,
    },
    /// A function that the model asks to have called; in its own messages only.
    ToolCall(ToolCall),
    /// What a call gave; in the caller's messages only.
    ToolResult(ToolResult),
    /// A file that the vendor keeps, for its models to read. Sent to that provider only.
    File {
        /// The provider that keeps it.
        provider: ProviderId,
        /// The vendor's name for it.
        id: String,
    },
}

impl Part {
    /// A text part.
    #[must_use]
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text { text: text.into() }
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub parts: Vec<Part>,
}

impl Message {
    /// A message of the caller with one text part.
    #[must_use]
    pub fn user(text: impl Into<Arc<str>>) -> Self {
        Self { role: Role::User, parts: vec![Part::text(text)] }
    }

    /// A message of the model with one text part.
    #[must_use]
    pub fn assistant(text: impl Into<Arc<str>>) -> Self {
        Self { role: Role::Assistant, parts: vec![Part::text(text)] }
    }
}

/// How hard the model should think, before translation to what the model offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Thinking {
    /// As little as the model allows.
    Minimal,
    /// A little.
    Low,
    /// The middle.
    Medium,
    /// A lot.
    High,
    /// As much as the model allows.
    Max,
}

impl Thinking {
    /// The wire word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Max => "max",
        }
    }
}

/// What is asked of a model. A field that is `None` is not sent: no vendor ever sees a value that was not set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The model, in the provider's spelling.
    pub model: ModelId,
    /// The system prompt; empty means none.
    pub system: Arc<str>,
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// 0..2; sent only to models that take it.
    pub temperature: Option<f32>,
    /// Thinking level; left out for models that do not think.
    pub thinking: Option<Thinking>,
    /// Cap on the answer in tokens, thinking included.
    pub max_output_tokens: Option<u32>,
    /// Ask for a JSON object where the model offers it.
    pub json: bool,
    /// Let the model search the web where its vendor offers that within the answer.
    #[serde(default)]
    pub web_search: bool,
    /// Functions that the model may ask to have called.
    #[serde(default)]
    pub tools: Tooling,
}

impl Request {
    /// A question and nothing else.
    #[must_use]
    pub fn asking(model: ModelId, question: Message) -> Self {
        Self {
            model,
            system: "".into(),
            messages: vec![question],
            temperature: None,
            thinking: None,
            max_output_tokens: None,
            json: false,
            web_search: false,
            tools: Tooling::default(),
        }
    }
}

/// A step of a streamed answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Delta {
    /// More of the answer.
    Text(String),
    /// More of the visible reasoning; not part of the answer.
    Reasoning(String),
    /// The last so many bytes of the text were reasoning, which was found out too late to hold them back.
    WasReasoning(usize),
    /// Fields that the vendor wants back with this answer.
    Opaque(serde_json::Value),
    /// A function that the model asks to have called, whole: pieces are joined before.
    ToolCall(ToolCall),
    /// Token counts so far; the last one counts.
    Usage(Usage),
    /// The model's name as the vendor gives it; may differ from the one asked for.
    Model(String),
    /// The answer is complete, and why it ended.
    Finished(Finish),
}

/// Tokens of one run. Cached and reasoning tokens are contained in input and output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Prompt tokens, cached ones included.
    pub input_tokens: u64,
    /// Answer tokens, reasoning included.
    pub output_tokens: u64,
    /// Prompt tokens read from the vendor's cache.
    #[serde(default)]
    pub cached_input_tokens: u64,
    /// Answer tokens spent on thinking.
    #[serde(default)]
    pub reasoning_tokens: u64,
    /// The vendor reported nothing; the figures are our estimate.
    #[serde(default)]
    pub estimated: bool,
}

impl std::iter::Sum for Usage {
    /// Estimated when one of the parts is.
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |sum, part| Self {
            input_tokens: sum.input_tokens.saturating_add(part.input_tokens),
            output_tokens: sum.output_tokens.saturating_add(part.output_tokens),
            cached_input_tokens: sum.cached_input_tokens.saturating_add(part.cached_input_tokens),
            reasoning_tokens: sum.reasoning_tokens.saturating_add(part.reasoning_tokens),
            estimated: sum.estimated || part.estimated,
        })
    }
}

/// A sign that a vendor has read the beginning or the end of a prompt only: it counts far fewer tokens than were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptCut {
    /// Our cautious estimate of what was sent, in tokens.
    pub sent: u64,
    /// What the vendor has counted, in tokens, those from its cache included.
    pub counted: u64,
}

/// A whole answer, folded from its deltas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The answer.
    pub text: String,
    /// Functions that the model asks to have called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// What the vendor wants back next time.
    pub opaque: Vec<Part>,
    /// Tokens.
    pub usage: Usage,
    /// Why it ended.
    pub finish: Finish,
    /// The model that answered, as the vendor names it; empty when it did not say.
    pub model: String,
    /// Set when the vendor seems to have cut the prompt, so that the answer may rest on a part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_cut: Option<PromptCut>,
}
