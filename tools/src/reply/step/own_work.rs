//! The end of work that no expert has seen: the rule skipped the expert, the caller wanted none, or the work is the agent's own.

use exai_core::humanize::counted;
use exai_engine::workflow::{StepOutcome, spec::Flow};
use serde_json::json;

use super::{complete, position, thread};
use crate::reply::Answer;

/// The tool's rule skips the expert.
pub(super) fn skipped(answer: &mut Answer, outcome: &StepOutcome) {
    let words = &outcome.spec.words;
    answer.put("status", words.skipped).put("next_steps", outcome.spec.after);
    answer.put("skip_expert_analysis", true).put("expert_called", false);
    answer.put(
        "expert_analysis",
        json!({ "status": words.skipped_expert, "reason": "the tool's own rule needs no expert here" }),
    );
    complete::add(answer, outcome);
    position(answer, outcome);
    thread(answer, outcome);
}

/// No expert was asked.
pub(super) fn local(answer: &mut Answer, outcome: &StepOutcome, reason: &str) {
    answer.put("status", "local_work_complete");
    answer.put("next_steps", format!("No expert was asked: {reason}. Go on with what you found."));
    answer.put("expert_called", false);
    position(answer, outcome);
    thread(answer, outcome);
}

/// A plan, a trace or a documentation is complete.
pub(super) fn completed(answer: &mut Answer, outcome: &StepOutcome) {
    let words = &outcome.spec.words;
    answer.put("status", words.skipped).put("next_steps", outcome.spec.after);
    match outcome.spec.flow {
        Flow::Planning => {
            let (step, steps) = (&outcome.step.step, counted(outcome.totals.steps, "step"));
            answer.put(words.complete_object, format!("COMPLETE PLAN: {step} (Total {steps} completed)"));
            answer.put("plan", json!(outcome.plan));
            answer.put(
                "output",
                json!({ "format": "step_by_step_planning", "instructions": outcome.spec.after }),
            );
            complete::flags(answer, outcome);
        }
        Flow::Tracing => traced(answer, outcome),
        Flow::Documentation | Flow::Expert(_) => complete::add(answer, outcome),
    }
    position(answer, outcome);
    thread(answer, outcome);
}

fn traced(answer: &mut Answer, outcome: &StepOutcome) {
    let totals = &outcome.totals;
    let text = |field: &str| totals.fields.get(field).and_then(serde_json::Value::as_str).unwrap_or_default();
    let mode = text("trace_mode");
    let target = match text("target_description") {
        "" => outcome.initial_request.as_str(),
        target => target,
    };
    answer.put(
        outcome.spec.words.complete_object,
        format!("TRACE COMPLETE: {target} ({mode}, {})", counted(totals.steps, "step")),
    );
    answer.put(
        "output",
        json!({
            "format": format!("{mode}_trace_analysis"),
            "instructions": outcome.spec.after,
            "rendering_instructions": exai_prompts::texts::trace_rendering(mode),
        }),
    );
    answer.put("findings_by_step", json!(totals.findings));
    complete::flags(answer, outcome);
}

/// The user has to choose the kind of trace.
pub(super) fn mode_needed(answer: &mut Answer, outcome: &StepOutcome) {
    answer.put("status", "mode_selection_required");
    answer.put(
        "next_steps",
        "Ask the user which trace is wanted, then send step 1 again with trace_mode: precision (the path of execution through \
         functions) or dependencies (what uses what, in both directions).",
    );
    answer.put("mode_selection_required", true).put("modes", json!(["precision", "dependencies"]));
    position(answer, outcome);
    thread(answer, outcome);
}

/// Some files are not documented yet.
pub(super) fn unfinished(answer: &mut Answer, outcome: &StepOutcome, done: u64, total: u64) {
    answer.put("status", "documentation_analysis_required");
    let next = outcome.step.step_number.saturating_add(1);
    answer.put(
        "next_steps",
        format!(
            "{done} of {total} files are documented, so this is not the end. Document the next file, then call docgen with \
             step_number {next}, num_files_documented {} and this continuation_id.",
            done + 1
        ),
    );
    answer.put("pause_for_docgen", true).put(outcome.spec.words.required_key, true);
    position(answer, outcome);
    thread(answer, outcome);
}
