//! The step machine: one implementation for every workflow tool, steered by its [`Spec`].
//!
//! A pausing step is checked, appended to the thread and answered without any model. The last step appends itself first, so that
//! nothing gathered is lost when the consultation fails, then asks the expert once.

mod finish;
mod outcome;
mod question;
pub mod spec;
pub mod step;

use exai_core::{
    ThreadId,
    run::Phase,
    thread::{Body, Step, Thread},
};

pub use outcome::{End, ExpertEnd, InspectedEnd, StepOutcome, Totals};
pub use spec::Spec;
pub use step::StepInput;

use self::{
    spec::{ExpertRule, Flow, SkipRule},
    step::{accept, present_work, work_with},
};
use crate::{call::Call, engine::Engine, error::EngineError, threads::Appended};

/// How often a step is tried again after another call continued the same thread at the same moment.
const CONFLICT_RETRIES: usize = 20;

impl Engine {
    /// Takes one step of a workflow tool.
    ///
    /// # Errors
    /// Anything that [`EngineError`] names. Whatever the step carried is in the thread by then, unless the input itself was refused
    /// or the thread could not be read.
    pub async fn step(
        &self,
        spec: &'static Spec,
        mut input: StepInput,
        call: &Call,
    ) -> Result<StepOutcome, EngineError> {
        call.phase(Phase::Packing);
        let thread_id = self.threads.parse(input.continuation_id.as_deref())?;
        let mut retries = 0;
        loop {
            let thread = self.threads.load(thread_id, call).await?;
            let mut attempt = input.clone();
            let taken = accept(spec, &mut attempt, &earlier_work(thread.as_ref(), spec))?;
            let end = decide(spec, &taken, &earlier_work(thread.as_ref(), spec), &attempt);
            // The model is chosen before anything is stored: a misspelt name must not leave a step behind.
            let source = match &end {
                Decision::Consult(rule) => {
                    Some((*rule, self.models.choose(attempt.model.as_deref(), exai_core::model::Mark::Deep)?))
                }
                Decision::Pause | Decision::Skip | Decision::Local(_) | Decision::Plan => None,
            };
            let appended = match self
                .threads
                .append(thread.as_ref(), spec.name, Body::Step(taken.clone()), call)
                .await
            {
                Err(error) if error.kind() == exai_core::Kind::Conflict && retries < CONFLICT_RETRIES => {
                    retries += 1;
                    continue;
                }
                result => result?,
            };
            input = attempt;
            let earlier = earlier_work(thread.as_ref(), spec);
            let work = work_with(&earlier, &taken);
            let begun =
                Begun { spec, input: &input, thread: thread.as_ref(), work: &work, step: &taken, appended };
            return match (end, source) {
                (Decision::Consult(rule), Some((_, source))) => {
                    self.consult_at_end(begun, rule, source, call).await
                }
                (Decision::Pause, _) => Ok(begun.paused(self)),
                (decision, _) => self.end_without_model(begun, decision, call).await,
            };
        }
    }
}

/// A step that has been stored.
struct Begun<'a> {
    spec: &'static Spec,
    input: &'a StepInput,
    /// The thread as it was before this step; `None` when this step began it.
    thread: Option<&'a Thread>,
    /// The steps of the present work with this one, oldest first.
    work: &'a [&'a Step],
    step: &'a Step,
    appended: Appended,
}

impl Begun<'_> {
    fn thread_id(&self) -> ThreadId {
        self.appended.thread
    }
}

/// What a step leads to.
enum Decision {
    Pause,
    Consult(&'static ExpertRule),
    Skip,
    Local(&'static str),
    Plan,
}

fn earlier_work<'t>(thread: Option<&'t Thread>, spec: &Spec) -> Vec<&'t Step> {
    thread.map(|thread| present_work(thread, spec.name)).unwrap_or_default()
}

fn decide(spec: &'static Spec, step: &Step, earlier: &[&Step], input: &StepInput) -> Decision {
    if step.next_step_required {
        return Decision::Pause;
    }
    let rule = match &spec.flow {
        Flow::Planning => return Decision::Plan,
        Flow::Expert(rule) => rule,
    };
    let work = work_with(earlier, step);
    if skips(&rule.skip, step, &work) {
        return Decision::Skip;
    }
    if !input.use_assistant_model {
        return Decision::Local("use_assistant_model is false");
    }
    let with_findings = work.iter().filter(|step| !step.findings.trim().is_empty()).count();
    let enough = with_findings >= rule.min_findings
        || work.iter().any(|step| !step.relevant_files.is_empty() || !step.issues_found.is_empty());
    if enough {
        Decision::Consult(rule)
    } else {
        Decision::Local(
            "there is too little evidence for an expert: name relevant_files, or report findings or issues",
        )
    }
}

fn skips(rule: &SkipRule, step: &Step, work: &[&Step]) -> bool {
    match rule {
        SkipRule::Confidence(level) => step.confidence.as_deref() == Some(level),
        SkipRule::Field { name, value } => {
            // The field may have been set in step 1 only.
            let set =
                work.iter().rev().find_map(|step| step.extra.get(*name)).and_then(serde_json::Value::as_str);
            set == Some(value)
        }
    }
}
