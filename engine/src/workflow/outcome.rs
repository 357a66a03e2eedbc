//! What a step led to, typed; the words on the wire are put on it at the edge.

use std::collections::{BTreeMap, BTreeSet};

use exai_answers::{Understood, shape::ExpertAnswer, status::AnswerStatus};
use exai_context::evidence::FileReport;
use exai_core::{Finding, Mention, Severity, ThreadId, thread::Step};
use exai_inspect::Facts;

use super::{
    Phase, StoredStep,
    changes::{Changes, ChangesReport},
    plan::PlanStep,
    spec::{Flow, Promotion, Spec},
};
use crate::engine::Engine;
use exai_inference::{delivery::Delivery, fallback::PassedOver, routing::Provenance};

/// A step that was taken.
#[derive(Debug)]
pub struct StepOutcome {
    /// The tool.
    pub spec: &'static Spec,
    /// The step as it was accepted.
    pub step: Step,
    /// What step 1 asked for.
    pub initial_request: String,
    /// Counts over the work so far.
    pub totals: Totals,
    /// Every step of a plan so far; empty for tools that do not plan.
    pub plan: Vec<PlanStep>,
    /// What the step led to.
    pub end: End,
    /// What has changed, where the step looked.
    pub changes: Option<ChangesReport>,
    /// The thread.
    pub thread: ThreadId,
    /// Turns that the thread may still take.
    pub remaining_turns: u32,
    /// Whether everything is durable already.
    pub persisted: bool,
}

/// What a step leads to.
#[derive(Debug)]
pub enum End {
    /// The agent goes on.
    Paused {
        /// What it has to do first.
        actions: &'static [String],
        /// A planning step that should be thought over before the next one.
        deep: bool,
    },
    /// An expert answered.
    Expert(Box<ExpertEnd>),
    /// The offline inspection answered.
    Inspected(Box<InspectedEnd>),
    /// The tool's own rule does without an expert.
    Skipped,
    /// No expert was asked.
    Local {
        /// Why.
        reason: &'static str,
    },
    /// The agent's own work is complete.
    Completed,
    /// The user has to choose what kind of trace it shall be.
    ModeNeeded,
    /// Files are left that have not been documented.
    Unfinished {
        /// Files that have been.
        done: u64,
        /// All files.
        total: u64,
    },
}

/// An expert's answer.
#[derive(Debug)]
pub struct ExpertEnd {
    /// The text and how it was got.
    pub delivery: Delivery,
    /// The completion before it, when the expert asked for files and got them.
    pub first: Option<Delivery>,
    /// The web search that was asked for cannot be had from this model.
    pub without_web: bool,
    /// How the model was found.
    pub provenance: Provenance,
    /// Models that could not be had before.
    pub passed_over: Vec<PassedOver>,
    /// The answer's parts, when it could be read.
    pub answer: Option<ExpertAnswer>,
    /// What the answer is worth.
    pub status: AnswerStatus,
    /// How far it was understood; one in running text is, always.
    pub understood: Understood,
    /// What the model wrote around the object that was asked for; empty when there is nothing.
    pub remarks: String,
    /// A status of the expert that becomes the answer's.
    pub promoted: Option<Promotion>,
    /// Checked findings, worst first.
    pub findings: Vec<Finding>,
    /// Causes of a defect as the expert ranks them, with what was found where they cite something.
    pub hypotheses: Vec<serde_json::Value>,
    /// `path:line` mentions of an answer in free text, checked.
    pub mentions: Vec<Mention>,
    /// The further attempt that put the text into the form of findings, where the caller needs them.
    pub reread: Option<Delivery>,
    /// Findings that the caller's severity filter left out.
    pub left_out_findings: usize,
    /// What happened to the offered files.
    pub files: Vec<FileReport>,
    /// Earlier turns that did not fit.
    pub dropped_turns: usize,
}

/// The answer of the offline inspection.
#[derive(Debug)]
pub struct InspectedEnd {
    /// Whether the caller asked for it.
    pub by_request: bool,
    /// How to get a model.
    pub hint: String,
    /// Findings, worst first.
    pub findings: Vec<Finding>,
    /// Figures about the files.
    pub facts: Facts,
    /// What was left out.
    pub notes: Vec<String>,
    /// Findings that the caller's severity filter left out.
    pub left_out_findings: usize,
    /// What happened to the offered files.
    pub files: Vec<FileReport>,
}

/// Counts over the present work.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Totals {
    /// Steps taken.
    pub steps: usize,
    /// Distinct files looked at.
    pub files_checked: BTreeSet<String>,
    /// Distinct files that matter, in the order of their first mention.
    pub relevant_files: Vec<String>,
    /// Distinct code elements.
    pub relevant_context: BTreeSet<String>,
    /// Issues by severity.
    pub issues: BTreeMap<Severity, usize>,
    /// Issues that have a type, by it.
    pub types: BTreeMap<String, usize>,
    /// Theories that were held.
    pub hypotheses: usize,
    /// The latest confidence.
    pub confidence: Option<String>,
    /// Planning branches.
    pub branches: BTreeSet<String>,
    /// The latest value of each of the tool's own fields.
    pub fields: serde_json::Map<String, serde_json::Value>,
    /// What was found, a line a step.
    pub findings: Vec<String>,
}

impl Totals {
    /// Counts over `work`.
    #[must_use]
    pub fn of(work: &[&Step]) -> Self {
        let mut totals = Self { steps: work.len(), ..Self::default() };
        for step in work {
            totals.files_checked.extend(step.files_checked.iter().cloned());
            for file in &step.relevant_files {
                totals.files_checked.insert(file.clone());
                if !totals.relevant_files.contains(file) {
                    totals.relevant_files.push(file.clone());
                }
            }
            totals.relevant_context.extend(step.relevant_context.iter().cloned());
            for issue in &step.issues_found {
                *totals.issues.entry(issue.severity).or_default() += 1;
                if let Some(kind) = &issue.kind {
                    *totals.types.entry(kind.clone()).or_default() += 1;
                }
            }
            totals.hypotheses += usize::from(step.hypothesis.is_some());
            totals.confidence = step.confidence.clone().or(totals.confidence);
            totals.branches.extend(step.branch().map(str::to_owned));
            totals.fields.extend(step.extra.clone());
            if !step.findings.trim().is_empty() {
                totals.findings.push(format!("Step {}: {}", step.step_number, step.findings.trim()));
            }
        }
        totals
    }

    /// Issues of any severity.
    #[must_use]
    pub fn issue_count(&self) -> usize {
        self.issues.values().sum()
    }
}

impl StoredStep<'_> {
    /// The outcome with `end`.
    pub(super) fn outcome(
        &self,
        engine: &Engine,
        end: End,
        persisted: bool,
        turns_added: u32,
    ) -> StepOutcome {
        let used = self.appended.next_seq + turns_added;
        StepOutcome {
            spec: self.spec,
            step: self.step.clone(),
            initial_request: self.work.first().map(|step| step.step.clone()).unwrap_or_default(),
            totals: Totals::of(self.work),
            plan: self.plan(),
            end,
            changes: self.changes.map(Changes::report),
            thread: self.appended.thread,
            remaining_turns: engine.settings.max_turns.saturating_sub(used),
            persisted: persisted && self.appended.persisted,
        }
    }

    /// The agent goes on, now or after it has asked its user.
    pub(super) fn paused(&self, engine: &Engine, phase: &Phase) -> StepOutcome {
        let actions = (self.spec.actions)(self.step.step_number, self.step.confidence.as_deref());
        let end = match phase {
            Phase::Mode => End::ModeNeeded,
            Phase::Unfinished { done, total } => End::Unfinished { done: *done, total: *total },
            Phase::Step if matches!(self.spec.flow, Flow::Planning) => {
                let deep = exai_prompts::actions::thinks_deeply(self.step.step_number, self.step.total_steps);
                End::Paused { actions: if deep { actions } else { &[] }, deep }
            }
            Phase::Step => End::Paused { actions, deep: false },
        };
        self.outcome(engine, end, true, 0)
    }
}
