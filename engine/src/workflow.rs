//! The step machine: one implementation for every workflow tool, steered by its [`Spec`].
//!
//! A pausing step is checked, appended to the thread and answered without any model. The last step appends itself first, so that
//! nothing gathered is lost when the expert fails, then asks the expert once.

mod changes;
mod finish;
mod offline;
mod outcome;
mod plan;
mod present_work;
mod question;
mod read_answer;
mod repeated;
mod request;
mod reread;
pub mod spec;
pub mod step;
mod written;

use exai_core::{
    run,
    thread::{Step, Thread, TurnBody},
};

use futures::FutureExt as _;

pub use changes::ChangesReport;
pub use outcome::{End, ExpertEnd, InspectedEnd, StepOutcome, Totals};
pub use plan::PlanStep;
pub use spec::Spec;
pub use step::StepInput;

use self::{
    changes::Changes,
    present_work::{latest, present_work, work_with},
    spec::{ExpertRule, Flow, SkipRule},
    step::accept,
};
use crate::{
    call::Call, engine::Engine, error::EngineError, named_files::check_named, prompt_files::bytes_of,
    threads::Appended,
};
use exai_inference::routing::{Chosen, Facts, Needs};

impl Engine {
    /// Takes one step of a workflow tool.
    ///
    /// # Errors
    /// Anything that [`EngineError`] names. Whatever the step carried is in the thread by then, unless the input itself was refused
    /// or the thread could not be read.
    pub async fn step(
        &self,
        spec: &'static Spec,
        input: StepInput,
        call: &Call,
    ) -> Result<StepOutcome, EngineError> {
        call.phase(run::Phase::Packing);
        let thread_id = self.threads.parse(input.continuation_id.as_deref())?;
        let taken = self
            .threads
            .retrying(thread_id, call, |thread| self.take(spec, input.clone(), thread, call).boxed())
            .await?;
        let Taken { input, thread, step, changes, plan, appended } = taken;
        let earlier = earlier_work(thread.as_ref(), spec);
        let work = work_with(&earlier, &step);
        let stored = StoredStep {
            spec,
            input: &input,
            thread: thread.as_ref(),
            work: &work,
            step: &step,
            changes: changes.as_ref(),
            appended,
        };
        match plan {
            Plan::Consult(rule, chosen) => self.consult_at_end(stored, rule, chosen, call).await,
            Plan::Pause(phase) => Ok(stored.paused(self, &phase)),
            Plan::End(end) => self.end_without_model(stored, end, call).await,
        }
    }

    /// Checks a step, decides what it leads to, and appends it.
    async fn take(
        &self,
        spec: &'static Spec,
        mut input: StepInput,
        thread: Option<Thread>,
        call: &Call,
    ) -> Result<Taken, EngineError> {
        let earlier = earlier_work(thread.as_ref(), spec);
        let step = accept(spec, &mut input, &earlier)?;
        let changes = self.changes(spec, &step, &earlier, call).await?;
        // The model is chosen before anything is stored: a misspelt name must not leave a step behind.
        let plan = match decide(spec, &step, &earlier, &input, changes.as_ref()) {
            Decision::Consult(rule) => {
                check_named(&step.relevant_files, call).await?;
                let work = work_with(&earlier, &step);
                let chosen = self.choose_expert(spec, &input, &work, thread.as_ref(), call).await?;
                if let Chosen::Offline { by_request } = chosen
                    && !rule.inspects
                {
                    return Err(self.no_model(spec.name, by_request));
                }
                Plan::Consult(rule, chosen)
            }
            Decision::Pause(phase) => Plan::Pause(phase),
            Decision::End(end) => Plan::End(end),
        };
        let appended =
            self.threads.append(thread.as_ref(), spec.name, TurnBody::Step(step.clone()), call).await?;
        Ok(Taken { input, thread, step, changes, plan, appended })
    }

    async fn choose_expert(
        &self,
        spec: &Spec,
        input: &StepInput,
        work: &[&Step],
        thread: Option<&Thread>,
        call: &Call,
    ) -> Result<Chosen, EngineError> {
        let needs = self.step_needs(spec, input, work, call).await;
        Ok(match self.choose_able(spec.name, input.model.as_deref(), &needs, call).await? {
            Chosen::Model(choice) => {
                Chosen::Model(Box::new(self.refine(*choice, spec.name, &needs, thread, call).await))
            }
            offline @ Chosen::Offline { .. } => offline,
        })
    }
}

impl Engine {
    /// What the end of this work needs of its expert.
    async fn step_needs(&self, spec: &Spec, input: &StepInput, work: &[&Step], call: &Call) -> Needs {
        let files: Vec<String> = work.iter().flat_map(|step| step.relevant_files.iter().cloned()).collect();
        let words = |step: &&Step| step.step.chars().count() + step.findings.chars().count();
        let facts = Facts {
            with_expert: true,
            question: work.iter().map(words).sum(),
            file_bytes: bytes_of(&files, call).await,
            with_images: !input.images.is_empty(),
            web_search: input.web_search,
            thinking: input.thinking.or(self.preferences().thinking_for(spec.name)),
            with_functions: false,
        };
        facts.needs()
    }
}

/// A step that has been stored.
struct StoredStep<'a> {
    spec: &'static Spec,
    input: &'a StepInput,
    /// The thread as it was before this step; `None` when this step began it.
    thread: Option<&'a Thread>,
    /// The steps of the present work with this one, oldest first.
    work: &'a [&'a Step],
    step: &'a Step,
    /// What has changed, where the tool or the caller wants that looked at.
    changes: Option<&'a Changes>,
    appended: Appended,
}

impl StoredStep<'_> {
    /// The thinking level that this call asks for.
    fn thinking(&self, engine: &Engine) -> exai_core::chat::Thinking {
        let preferred = || engine.preferences().thinking_for(self.spec.name);
        self.input.thinking.or_else(preferred).unwrap_or(exai_core::chat::Thinking::High)
    }
}

/// A step that was appended, and what it leads to.
struct Taken {
    input: StepInput,
    thread: Option<Thread>,
    step: Step,
    changes: Option<Changes>,
    plan: Plan,
    appended: Appended,
}

/// What a step leads to, with the model that is asked.
enum Plan {
    Pause(Phase),
    Consult(&'static ExpertRule, Chosen),
    End(End),
}

/// What a step leads to.
enum Decision {
    Pause(Phase),
    Consult(&'static ExpertRule),
    End(End),
}

/// Why a step pauses.
enum Phase {
    /// The agent goes on.
    Step,
    /// The user has to say first what kind of trace it shall be.
    Mode,
    /// The last step came before every file was documented.
    Unfinished { done: u64, total: u64 },
}

fn earlier_work<'t>(thread: Option<&'t Thread>, spec: &Spec) -> Vec<&'t Step> {
    thread.map(|thread| present_work(thread, spec.name)).unwrap_or_default()
}

fn decide(
    spec: &'static Spec,
    step: &Step,
    earlier: &[&Step],
    input: &StepInput,
    changes: Option<&Changes>,
) -> Decision {
    let work = work_with(earlier, step);
    let changed = changes.is_some_and(|changes| !changes.is_empty());
    let has_files = work.iter().any(|step| !step.relevant_files.is_empty());
    if changes.is_some() && !changed && (changes::always_reads(spec) || !has_files) {
        return Decision::End(End::Local { reason: changes::NOTHING });
    }
    if matches!(spec.flow, Flow::Tracing) && !latest(&work, TRACE_MODE).is_some_and(is_trace_mode) {
        return Decision::Pause(Phase::Mode);
    }
    if step.next_step_required {
        return Decision::Pause(Phase::Step);
    }
    let rule = match &spec.flow {
        Flow::Planning | Flow::Tracing => return Decision::End(End::Completed),
        Flow::Documentation => return documented(&work),
        Flow::Expert(rule) => rule,
    };
    if skips(&rule.skip, step, &work) {
        return Decision::End(End::Skipped);
    }
    if !input.use_assistant_model {
        return Decision::End(End::Local { reason: "use_assistant_model is false" });
    }
    let with_findings = work.iter().filter(|step| !step.findings.trim().is_empty()).count();
    let enough = changed
        || with_findings >= rule.min_findings
        || work.iter().any(|step| !step.relevant_files.is_empty() || !step.issues_found.is_empty());
    if enough {
        Decision::Consult(rule)
    } else {
        Decision::End(End::Local {
            reason: "there is too little evidence for an expert: name relevant_files, or report findings or issues",
        })
    }
}

/// The end of writing documentation, unless files are left.
fn documented(work: &[&Step]) -> Decision {
    let count = |field| latest(work, field).and_then(serde_json::Value::as_u64).unwrap_or(0);
    let (done, total) = (count("num_files_documented"), count("total_files_to_document"));
    if done < total {
        Decision::Pause(Phase::Unfinished { done, total })
    } else {
        Decision::End(End::Completed)
    }
}

fn skips(rule: &SkipRule, step: &Step, work: &[&Step]) -> bool {
    match rule {
        SkipRule::Never => false,
        SkipRule::Confidence(level) => step.confidence.as_deref() == Some(level),
        // The field may have been set in step 1 only.
        SkipRule::Field { name, value } => {
            latest(work, name).and_then(serde_json::Value::as_str) == Some(value)
        }
    }
}

/// The field of `tracer` that says what is traced.
const TRACE_MODE: &str = "trace_mode";

fn is_trace_mode(value: &serde_json::Value) -> bool {
    matches!(value.as_str(), Some("precision" | "dependencies"))
}
