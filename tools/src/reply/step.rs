//! The answer of a workflow step.

mod complete;
mod counters;
mod expert;
mod own_work;

use exai_core::Severity;
use exai_core::humanize::counted;
use exai_engine::{
    Call,
    workflow::{End, InspectedEnd, StepOutcome},
};
use rmcp::model::CallToolResponse;
use serde_json::{Map, Value, json};

use super::{Answer, continuation_offer, metadata};

/// Instructions to the agent for findings that no model has judged.
const AFTER_INSPECTION: &str = "Look at each finding in its place: the inspection knows patterns, not intentions. For a review that \
    understands the code, configure a model and repeat the call.";

/// A step's answer, under the keys of its tool.
pub(crate) fn step(outcome: &StepOutcome, notes: &[String], call: &Call) -> CallToolResponse {
    let mut metadata = metadata::base(outcome.spec.name, notes, call);
    let mut answer = Answer::default();
    match &outcome.end {
        End::Paused { actions, deep } => paused(&mut answer, outcome, actions, *deep),
        End::ModeNeeded => own_work::mode_needed(&mut answer, outcome),
        End::Unfinished { done, total } => own_work::unfinished(&mut answer, outcome, *done, *total),
        End::Expert(end) => expert::expert(&mut answer, outcome, end, &mut metadata, call),
        End::Inspected(end) => inspected(&mut answer, outcome, end, &mut metadata, call),
        End::Skipped => own_work::skipped(&mut answer, outcome),
        End::Local { reason } => own_work::local(&mut answer, outcome, reason),
        End::Completed => own_work::completed(&mut answer, outcome),
    }
    if !matches!(outcome.end, End::Expert(_)) {
        // Clients of pal-mcp-server read this key.
        metadata.insert("expert_called".to_owned(), json!(false));
    }
    if let Some(changes) = &outcome.changes {
        answer.put("changes", json!(changes));
    }
    counters::add(&mut answer, outcome);
    metadata::add_persisted(&mut metadata, outcome.persisted);
    answer.put("metadata", metadata);
    answer.success()
}

fn paused(answer: &mut Answer, outcome: &StepOutcome, actions: &[String], deep: bool) {
    let words = &outcome.spec.words;
    let (number, total) = (outcome.step.step_number, outcome.step.total_steps);
    answer.put("status", if deep { "pause_for_deep_thinking" } else { words.pause });
    answer.put("next_steps", exai_prompts::next_step(outcome.spec.name, number, total, actions));
    answer.put("required_actions", json!(actions)).put(words.required_key, true);
    if deep {
        answer.put("thinking_required", true);
    }
    position(answer, outcome);
    answer.put("continuation_id", outcome.thread.to_string());
}

fn inspected(
    answer: &mut Answer,
    outcome: &StepOutcome,
    end: &InspectedEnd,
    metadata: &mut Map<String, Value>,
    call: &Call,
) {
    let why =
        if end.by_request { "`model: \"offline\"` was asked for." } else { "No provider is configured." };
    let worst = Severity::ALL
        .iter()
        .map(|severity| {
            (severity, end.findings.iter().filter(|finding| finding.severity == *severity).count())
        })
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {}", severity.as_str()))
        .collect::<Vec<_>>()
        .join(", ");
    let found = if worst.is_empty() { "nothing".to_owned() } else { worst };
    let result = if end.facts.files == 0 {
        "Nothing was inspected: none of the files could be read; metadata.files says why.".to_owned()
    } else {
        let (files, lines) = (end.facts.files, end.facts.lines);
        let (files, lines) = (counted(files, "file"), counted(lines, "line"));
        format!("These findings come from a local inspection of {files} ({lines}): {found}.")
    };
    // Who asked for no model needs none.
    let hint = if end.by_request { String::new() } else { format!("{} ", end.hint) };
    let summary = format!("No model was consulted. {why} {hint}{result}");
    answer.put("status", "local_work_complete").put("summary", summary).put("findings", json!(end.findings));
    // Files that could not be read were not inspected either.
    answer.put("read", if end.facts.files == 0 { "nothing" } else { "whole" });
    answer.put("details", json!({ "facts": end.facts, "notes": end.notes }));
    answer.put("next_steps", AFTER_INSPECTION);
    answer.put("expert_called", false);
    complete::add(answer, outcome);
    position(answer, outcome);
    thread(answer, outcome);
    if end.left_out_findings > 0 {
        metadata.insert("findings_below_filter".to_owned(), json!(end.left_out_findings));
    }
    metadata.insert("answered_by".to_owned(), json!("offline inspection"));
    metadata.insert("cost_usd".to_owned(), json!(0.0));
    metadata::add_files(metadata, &end.files, call);
}

/// How far the work is.
fn position(answer: &mut Answer, outcome: &StepOutcome) {
    answer
        .put("step_number", outcome.step.step_number)
        .put("total_steps", outcome.step.total_steps)
        .put("next_step_required", outcome.step.next_step_required);
}

fn thread(answer: &mut Answer, outcome: &StepOutcome) {
    answer
        .put("continuation_id", outcome.thread.to_string())
        .put_some("continuation_offer", continuation_offer(outcome.thread, outcome.remaining_turns));
}
