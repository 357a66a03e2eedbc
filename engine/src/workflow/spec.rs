//! What differs between the workflow tools, as data. The machine that runs them is one, in [`crate::workflow`].

mod analyze;
mod codereview;
mod debug;
mod docgen;
mod planner;
mod precommit;
mod refactor;
mod secaudit;
mod testgen;
mod thinkdeep;
mod tracer;

use exai_prompts::Prompt;

pub use analyze::ANALYZE;
pub use codereview::CODEREVIEW;
pub use debug::DEBUG;
pub use docgen::DOCGEN;
pub use planner::PLANNER;
pub use precommit::PRECOMMIT;
pub use refactor::REFACTOR;
pub use secaudit::SECAUDIT;
pub use testgen::TESTGEN;
pub use thinkdeep::THINKDEEP;
pub use tracer::TRACER;

/// A workflow tool.
#[derive(Debug)]
pub struct Spec {
    /// The tool's name on the wire.
    pub name: &'static str,
    /// Its words on the wire.
    pub words: Words,
    /// Whether step 1 must name files.
    pub first_step_needs_files: bool,
    /// What the agent has to do before the next step, by step number and confidence.
    pub actions: fn(u32, Option<&str>) -> &'static [String],
    /// What kind of thing it is.
    pub flow: Flow,
    /// Its counters in addition to the common ones.
    pub counts: &'static [Count],
    /// The wire names of its own fields, kept in [`exai_core::thread::Step::extra`].
    pub own_fields: &'static [&'static str],
    /// What the agent should do with the final answer.
    pub after: &'static str,
}

impl Spec {
    /// Whether the offline inspection answers when no model is asked.
    #[must_use]
    pub fn inspects(&self) -> bool {
        matches!(&self.flow, Flow::Expert(rule) if rule.inspects)
    }

    /// Whether the expert's answer is a list of findings and not a text.
    #[must_use]
    pub fn has_findings(&self) -> bool {
        matches!(&self.flow, Flow::Expert(rule) if rule.prompt.answers_in_json())
    }
}

/// A counter that only some tools show, under the peer's key where that differs from tool to tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// The agent's issues by severity, under this key.
    Severities(&'static str),
    /// The agent's issues by their type, under this key.
    Types(&'static str),
    /// How many issues the agent named, under this key.
    Issues(&'static str),
    /// How many code elements the agent named, under this key.
    Elements(&'static str),
    /// The latest confidence, under this key.
    Confidence(&'static str),
    /// The latest value of one of the tool's own fields under its own name, and what it is when the caller has not set it.
    Field(&'static str, &'static str),
    /// Theories that were held.
    Hypotheses,
    /// Steps of the plan, and its branches.
    Plan,
    /// Steps of the trace.
    Trace,
    /// The peer's second status object of `thinkdeep`.
    Thinking,
}

/// Words that agents match on; the same as those of pal-mcp-server 9.8.
#[derive(Debug)]
pub struct Words {
    /// Status of a pausing step.
    pub pause: &'static str,
    /// Key of the counters.
    pub status_key: &'static str,
    /// Key that says that the agent has to go on.
    pub required_key: &'static str,
    /// Keys that are true at the end.
    pub complete_keys: &'static [&'static str],
    /// Key of the summary at the end.
    pub complete_object: &'static str,
    /// Status when the expert is skipped by the tool's own rule.
    pub skipped: &'static str,
    /// `expert_analysis.status` when the expert is skipped.
    pub skipped_expert: &'static str,
}

/// What happens at the end of an investigation.
#[derive(Debug)]
pub enum Flow {
    /// An expert is asked.
    Expert(ExpertRule),
    /// The agent's own planning: no model, branches and revisions.
    Planning,
    /// The agent's own trace of a call flow or of dependencies: no model.
    Tracing,
    /// The agent's own writing of documentation, one file a step: no model.
    Documentation,
}

/// When and how the expert is asked.
#[derive(Debug)]
pub struct ExpertRule {
    /// The system prompt.
    pub prompt: Prompt,
    /// When the tool does without.
    pub skip: SkipRule,
    /// The least evidence: files, issues, or this many steps with findings. 0 asks whatever there is.
    pub min_findings: usize,
    /// Whether the offline inspection answers when no model is configured.
    pub inspects: bool,
    /// Statuses of the expert that become the answer's status.
    pub promoted: &'static [Promotion],
}

/// A status of the expert that becomes the answer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promotion {
    /// The word.
    pub status: &'static str,
    /// Whether it comes with an answer. One that comes without leaves the work open: its steps still count in the next call.
    pub answers: bool,
}

/// The expert needs something before it can answer.
const fn asks(status: &'static str) -> Promotion {
    Promotion { status, answers: false }
}

/// The expert has answered, and this is what it came to.
const fn answers(status: &'static str) -> Promotion {
    Promotion { status, answers: true }
}

/// When an expert is not asked although the investigation has ended.
#[derive(Debug)]
pub enum SkipRule {
    /// Never.
    Never,
    /// At this confidence.
    Confidence(&'static str),
    /// When this field has this value.
    Field {
        /// The field.
        name: &'static str,
        /// The value.
        value: &'static str,
    },
}

/// Every workflow tool that goes in steps under this machine.
pub static ALL: &[&Spec] = &[
    &ANALYZE,
    &CODEREVIEW,
    &DEBUG,
    &DOCGEN,
    &PLANNER,
    &PRECOMMIT,
    &REFACTOR,
    &SECAUDIT,
    &TESTGEN,
    &THINKDEEP,
    &TRACER,
];
