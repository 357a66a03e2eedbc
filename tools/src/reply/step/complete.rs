//! The flags and objects by which pal-mcp-server says that work is complete.

use exai_core::humanize::counted;
use exai_engine::workflow::{StepOutcome, spec::Count};
use serde_json::json;

use crate::reply::Answer;

/// Adds the flags and the object, under the keys of the tool.
pub(super) fn add(answer: &mut Answer, outcome: &StepOutcome) {
    let (words, totals) = (&outcome.spec.words, &outcome.totals);
    flags(answer, outcome);
    answer.put(
        words.complete_object,
        json!({
            "initial_request": outcome.initial_request,
            "steps_taken": totals.steps,
            "files_examined": totals.files_checked,
            "relevant_files": totals.relevant_files,
            "relevant_context": totals.relevant_context,
            "issues_found": totals.issue_count(),
            "confidence_level": totals.confidence,
            "work_summary": format!(
                "{}, {} looked at, {} relevant, {}, {}",
                counted(totals.steps, "step"), counted(totals.files_checked.len(), "file"),
                totals.relevant_files.len(), counted(totals.relevant_context.len(), "code element"),
                counted(totals.issue_count(), "issue")
            ),
        }),
    );
    if outcome.spec.counts.contains(&Count::Thinking) {
        answer.put(
            "complete_thinking",
            json!({
                "steps_completed": totals.steps,
                "final_confidence": totals.confidence,
                "relevant_context": totals.relevant_context,
                "key_findings": totals.findings,
                "issues_identified": totals.issue_count(),
                "files_analyzed": totals.relevant_files,
            }),
        );
    }
}

/// Adds the flags alone.
pub(super) fn flags(answer: &mut Answer, outcome: &StepOutcome) {
    for key in outcome.spec.words.complete_keys {
        answer.put(key, true);
    }
}
