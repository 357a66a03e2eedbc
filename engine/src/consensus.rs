//! Several models asked the same question, each blind to the others, and what came of it.
//!
//! Roster and answers live in the thread, one turn for each answer, so that a restart in the middle loses nothing and no model is
//! asked twice. An answer that says nothing, or is not one, is never counted as agreement.

mod attribution;
mod letters;

mod plan;
mod prompt;
mod replay;
mod roster;
mod rounds;
mod session;
mod step;
mod synthesiser;

use exai_answers::json_repair;
use exai_context::evidence::FileReport;
use exai_core::{Mention, ThreadId, chat::Thinking, thread::Opinion};
use serde_json::{Map, Value};

pub use exai_answers::ballot::{Ballot, NoVote};
pub use roster::{Stance, VoiceInput};

/// The tool's name in threads and runs.
pub(crate) const TOOL: &str = "consensus";
/// The fewest votes that can be compared with each other.
const ENOUGH: usize = 2;
/// The most models of one consensus.
pub const MAX_VOICES: usize = 10;

/// A call of `consensus`. What is `None` was left out.
#[derive(Debug, Clone, Default)]
pub struct ConsensusInput {
    /// In step 1 the question, word for word what every model sees; later the agent's own notes.
    pub step: String,
    /// From 1.
    pub step_number: Option<u32>,
    /// The client's estimate; 1 asks for everything in one call.
    pub total_steps: Option<u32>,
    /// False asks all models that have not answered, at once.
    pub next_step_required: Option<bool>,
    /// The agent's own analysis; no model ever sees it.
    pub findings: String,
    /// The models to ask; empty leaves the choice to the server.
    pub models: Vec<VoiceInput>,
    /// Files that all of them read.
    pub relevant_files: Vec<String>,
    /// Images that all of them see.
    pub images: Vec<String>,
    /// A second round in which each sees the others' answers without names.
    pub critique: bool,
    /// The model that puts the answers together; `auto` for the server's choice.
    pub synthesis: Option<String>,
    /// The thread to continue.
    pub continuation_id: Option<String>,
    /// Thinking level; medium when nothing is said.
    pub thinking: Option<Thinking>,
    /// Do not take answers from the cache.
    pub fresh: bool,
}

/// The state of a consensus after a call.
#[derive(Debug)]
pub struct ConsensusOutcome {
    /// The question of step 1.
    pub question: String,
    /// The agent's own analysis of step 1.
    pub findings: String,
    /// Every model in the order of step 1.
    pub voices: Vec<Voice>,
    /// The places of those that were asked in this call, in the order of the roster.
    pub asked_now: Vec<usize>,
    /// The letters under which the models saw each other, with the model of each; empty without a second round.
    pub letters: Vec<(char, String)>,
    /// What one model made of all answers.
    pub synthesis: Option<Spoken>,
    /// Whether the model that put the answers together has voted itself.
    pub synthesised_by_voter: bool,
    /// The number of this step, from 1.
    pub step_number: u32,
    /// How many steps there are, as far as is known now.
    pub total_steps: u32,
    /// Whether every model has been asked.
    pub complete: bool,
    /// Whether all were asked in one call.
    pub at_once: bool,
    /// What happened to the offered files.
    pub files: Vec<FileReport>,
    /// What was odd about the call.
    pub notes: Vec<String>,
    /// The thread.
    pub thread: ThreadId,
    /// Turns that the thread may still take.
    pub remaining_turns: u32,
    /// Whether everything is durable already.
    pub persisted: bool,
}

/// One model of a consensus.
#[derive(Debug, Clone)]
pub struct Voice {
    /// `provider/model`.
    pub name: String,
    /// What it argues for.
    pub stance: Stance,
    /// What it said in the first round.
    pub opinion: Option<Spoken>,
    /// What it said after it had seen the others.
    pub critique: Option<Spoken>,
}

impl Voice {
    /// Its last word: the critique where there is a readable one.
    #[must_use]
    pub fn last(&self) -> Option<&Spoken> {
        let changed = self.critique.as_ref().filter(|critique| critique.ballot.vote().is_some());
        changed.or(self.opinion.as_ref())
    }
}

/// What a model said, and how it counts.
#[derive(Debug, Clone)]
pub struct Spoken {
    /// The answer as stored.
    pub opinion: Opinion,
    /// How it counts.
    pub ballot: Ballot,
    /// `path:line` mentions in it, checked; empty for an answer of an earlier call.
    pub mentions: Vec<Mention>,
}

impl Spoken {
    pub(crate) fn new(opinion: Opinion) -> Self {
        let ballot = Ballot::of(&opinion, exai_prompts::FILES_REQUIRED);
        Self { opinion, ballot, mentions: Vec::new() }
    }

    /// The answer as a JSON object, when it is one, perhaps after a repair.
    #[must_use]
    pub fn object(&self) -> Option<Map<String, Value>> {
        match json_repair::parse(&self.opinion.text).value {
            Some(Value::Object(object)) => Some(object),
            _ => None,
        }
    }
}
