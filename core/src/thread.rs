//! A conversation that outlives processes: turns in order, and the work of step-by-step tools among them.

use serde::{Deserialize, Serialize};

use crate::{
    ModelId, ProviderId, RunId, ThreadId, Timestamp,
    chat::{Part, Usage},
    function_calling::{ToolCall, ToolResult},
    severity::Severity,
};

/// A conversation as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Thread {
    /// Its id, the client's `continuation_id`.
    pub id: ThreadId,
    /// The tool that began it.
    pub tool: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When the last turn was added.
    pub updated_at: Timestamp,
    /// After this moment it is no longer found.
    pub expires_at: Timestamp,
    /// Oldest first.
    pub turns: Vec<Turn>,
}

impl Thread {
    /// The sequence number that the next turn must carry.
    #[must_use]
    pub fn next_seq(&self) -> u32 {
        self.turns.last().map_or(0, |turn| turn.seq + 1)
    }

    /// The steps that `tool` has recorded in its present piece of work, oldest first: everything after the tool's last answer.
    #[must_use]
    pub fn work_of(&self, tool: &str) -> Vec<&Step> {
        let begin = self
            .turns
            .iter()
            .rposition(|turn| turn.tool == tool && matches!(turn.body, TurnBody::Answer(_)))
            .map_or(0, |index| index + 1);
        self.turns
            .iter()
            .skip(begin)
            .filter(|turn| turn.tool == tool)
            .filter_map(|turn| match &turn.body {
                TurnBody::Step(step) => Some(step),
                TurnBody::Message(_) | TurnBody::Answer(_) | TurnBody::Opinion(_) => None,
            })
            .collect()
    }
}

/// One entry of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Position, from 0 without gaps.
    pub seq: u32,
    /// The tool that was called.
    pub tool: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// What was said.
    pub body: TurnBody,
}

/// What a turn holds. Stored as JSON with the format's version, so that older rows stay readable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TurnBody {
    /// The caller's words.
    Message(UserMessage),
    /// A step of an investigation.
    Step(Step),
    /// What a model (or the offline inspection) answered.
    Answer(Answer),
    /// What one voice of a consensus said, or why it said nothing.
    Opinion(Opinion),
}

/// The version that [`TurnBody`] is written in.
pub const BODY_VERSION: u32 = 1;

/// The caller's words in a conversation, as typed; files are named, never copied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserMessage {
    /// The prompt.
    pub text: String,
    /// Files that were given with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileRef>,
    /// Pictures that were shown with it, by path. One that came as data is not kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
    /// What the functions gave that the answer before asked to have called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_results: Vec<ToolResult>,
    /// Hash of what the model was sent, where this says that it did not end the work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

/// A file as an earlier turn saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRef {
    /// As the caller named it, with a line range if there was one.
    pub path: String,
    /// BLAKE3 of the whole content as 64 hex digits; `None` when it was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// A model's answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The text as the model wrote it.
    pub text: String,
    /// Who answered; `None` for the offline inspection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelRef>,
    /// Functions that the model asks to have called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// What the vendor wants back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opaque: Vec<Part>,
    /// The consultation it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Files that it was made from, when no turn of the caller names what was read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileRef>,
    /// Hash of what the model was sent, so that a later request can tell whether it repeats the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

/// What one voice of a consensus said, or why it said nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opinion {
    /// The turn of the step 1 that it belongs to; a thread may hold several consensuses. `None` means the last before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<u32>,
    /// When in the work it was asked.
    pub round: Round,
    /// Its place among the models of step 1, from 0; 0 for the synthesis.
    pub index: u32,
    /// Who was asked.
    pub model: ModelRef,
    /// The text as the model wrote it; empty when it failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The error's code and sentence, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether the text is all the model wanted to say.
    #[serde(default)]
    pub complete: bool,
    /// The consultation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Tokens.
    #[serde(default)]
    pub usage: Usage,
    /// US dollars at list price, when the price is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Wall time in milliseconds.
    #[serde(default)]
    pub duration_ms: u64,
    /// Upstream attempts.
    #[serde(default)]
    pub attempts: u32,
    /// Whether the answer came from the cache.
    #[serde(default)]
    pub from_cache: bool,
}

/// When in a consensus a model is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Round {
    /// Blind to the others.
    Opinion,
    /// With the others' answers before it.
    Critique,
    /// Once, over all answers.
    Synthesis,
}

/// A model at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRef {
    /// The provider.
    pub provider: ProviderId,
    /// The model.
    pub model: ModelId,
}

/// A step of a workflow tool, as the client sent it. `extra` holds the fields that only some tools have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What is done in this step; step 1 states the task.
    pub step: String,
    /// From 1.
    pub step_number: u32,
    /// The present estimate.
    pub total_steps: u32,
    /// False ends the investigation.
    pub next_step_required: bool,
    /// Evidence of this step.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub findings: String,
    /// Files that were looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files_checked: Vec<String>,
    /// Files that matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relevant_files: Vec<String>,
    /// Functions and types that matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relevant_context: Vec<String>,
    /// Issues named by the agent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issues_found: Vec<Issue>,
    /// How sure the agent is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<String>,
    /// The agent's present theory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hypothesis: Option<String>,
    /// Pictures, by path. One that came as data is not kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
    /// Fields of this tool alone, by their wire names.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

/// The field by which a step drops the earlier ones from a number on, in every workflow tool.
pub const BACKTRACK: &str = "backtrack_from_step";

impl Step {
    /// The branch that a planning step belongs to.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        self.extra.get("branch_id").and_then(serde_json::Value::as_str)
    }

    /// Whether this step replaces `earlier`: it has the same number, says that it revises it, or returns to a point before it.
    #[must_use]
    pub fn replaces(&self, earlier: &Self) -> bool {
        let named = |field: &str| self.extra.get(field).and_then(serde_json::Value::as_u64);
        let number = u64::from(earlier.step_number);
        self.branch() == earlier.branch()
            && (self.step_number == earlier.step_number
                || named("revises_step_number") == Some(number)
                || named(BACKTRACK).is_some_and(|from| number >= from))
    }
}

/// An issue that the agent reports with a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong.
    pub description: String,
    /// Its kind, for tools that sort issues by kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// A thread in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct ThreadSummary {
    /// Its id.
    pub id: ThreadId,
    /// The tool that began it.
    pub tool: String,
    /// The beginning of its first user text.
    pub title: String,
    /// How many turns it has.
    pub turns: u32,
    /// When it began.
    pub created_at: Timestamp,
    /// When the last turn was added.
    pub updated_at: Timestamp,
}
