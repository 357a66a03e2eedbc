//! A question to a model as a durable object.

use serde::{Deserialize, Serialize};

use crate::{
    KeyId, ModelId, ProviderId, RequestHash, RunId, ThreadId, Timestamp,
    chat::{Finish, PromptCut, Usage},
};

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It waits for a permit.
    Queued,
    /// The provider is being asked.
    Running,
    /// Answered.
    Done,
    /// Ended with an error.
    Failed,
    /// Its last caller left.
    Cancelled,
    /// The process ended before the answer.
    Interrupted,
}

impl RunState {
    /// The word in storage and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Cancelled, Self::Interrupted]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// The entrance that a call came through, as the transport names it: `stdio`, `http`, `websocket` and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Door(pub &'static str);

/// Where the answer of a run came from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The provider was asked for this run.
    #[default]
    Fresh,
    /// An earlier answer to the same request, young enough to be given again.
    Cached,
    /// An older answer, given because no provider answered.
    Stale,
    /// Another run that asked the same at the same time.
    Shared,
}

impl Source {
    /// The word in storage and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Cached => "cached",
            Self::Stale => "stale",
            Self::Shared => "shared",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Fresh, Self::Cached, Self::Stale, Self::Shared]
            .into_iter()
            .find(|source| source.as_str() == word)
    }
}

/// A run as stored: one question to one model.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The thread of the caller that began it; `None` when the question belongs to no conversation.
    pub thread: Option<ThreadId>,
    /// The tool that asked.
    pub tool: String,
    /// The entrance that the call came through, such as `stdio` or `http`; `None` when it is not known.
    pub door: Option<String>,
    /// The program that called, as it names itself.
    pub client: Option<String>,
    /// The key that the caller showed.
    pub key_id: Option<KeyId>,
    /// Where the answer comes from. Only [`Source::Fresh`] runs are billed and give answers to later requests.
    pub source: Source,
    /// What was asked, as a fingerprint.
    pub request: RequestHash,
    /// The provider that is asked.
    pub provider: ProviderId,
    /// The model.
    pub model: ModelId,
    /// Its state.
    pub state: RunState,
    /// When it began.
    pub started_at: Timestamp,
    /// When it must be over; a run that is still open after this was interrupted.
    pub deadline_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<RunOutcome>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunOutcome {
    /// The answer's text, or as much of it as arrived.
    pub text: String,
    /// The error's code and sentence, when there was one.
    pub error: Option<String>,
    /// Tokens.
    pub usage: Usage,
    /// US dollars at list price, when the price is known.
    pub cost_usd: Option<f64>,
    /// Upstream attempts that were made.
    pub attempts: u32,
    /// Wall time in milliseconds.
    pub duration_ms: u64,
    /// Why the answer ended, when there is one; earlier versions did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish: Option<Finish>,
    /// The model as the provider names it, when it does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub answered_as: String,
    /// Set when the provider seems to have cut the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_cut: Option<PromptCut>,
    /// From the run's start to the first token, in milliseconds. Stored on its own, for figures over many runs.
    #[serde(skip)]
    pub first_token_ms: Option<u64>,
    /// The code of the error's [`Kind`](crate::Kind). Stored on its own, as text: a newer version may know more kinds.
    #[serde(skip)]
    pub error_kind: Option<String>,
}

/// One request to a provider. A run makes several when it repeats a failed one.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// From 1, in the order in which they began.
    pub number: u32,
    /// The provider that was asked.
    pub provider: ProviderId,
    /// The model.
    pub model: ModelId,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// From its start to its first token, in milliseconds; `None` when none came.
    pub first_token_ms: Option<u64>,
    /// The code of the error's [`Kind`](crate::Kind); `None` when it answered.
    pub error_kind: Option<String>,
    /// Tokens, as far as the provider reported them.
    pub usage: Option<Usage>,
}

/// What a run reports to its subscribers while it is open. Only the latest value matters, so it travels in a watch channel.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEvent {
    /// What is going on.
    pub phase: Phase,
    /// The model, once it is chosen.
    pub model: Option<String>,
    /// Output tokens so far, estimated from the text that has arrived.
    pub tokens: u64,
    /// Attempts made so far.
    pub attempts: u32,
}

/// The stages of a call, in the words that clients see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Reading files and rendering the prompt.
    Packing,
    /// Waiting for a permit.
    Queued,
    /// The request is on its way; nothing has come back.
    Asking,
    /// The model's reasoning is arriving.
    Thinking,
    /// The answer is arriving.
    Answering,
    /// Waiting before another attempt.
    Retrying,
    /// Parsing and checking citations.
    Checking,
}

impl Phase {
    /// The word in progress messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Packing => "reading files",
            Self::Queued => "queued",
            Self::Asking => "asking",
            Self::Thinking => "thinking",
            Self::Answering => "answering",
            Self::Retrying => "retrying",
            Self::Checking => "checking citations",
        }
    }
}
