//! The answer of a workflow step.

use exai_core::Severity;
use exai_engine::{
    Call,
    workflow::{
        End, ExpertEnd, InspectedEnd, StepOutcome,
        spec::{Count, Flow},
    },
};
use rmcp::model::CallToolResponse;
use serde_json::{Map, Value, json};

use super::{
    Answer, continuation_offer,
    metadata::{self, Asked},
};

/// Parts of an expert's object that stand at the top of the answer and are not repeated below.
const PROMOTED_KEYS: [&str; 4] = ["summary", "findings", "next_steps", "status"];

/// What to do with findings that no model has weighed.
const AFTER_INSPECTION: &str = "Look at each finding in its place: the inspection knows patterns, not intentions. For a review that \
    understands the code, configure a model and repeat the call.";

/// A step's answer under the tool's words.
pub(crate) fn step(outcome: &StepOutcome, notes: &[String], call: &Call) -> CallToolResponse {
    let mut metadata = metadata::base(outcome.spec.name, notes, call);
    let mut answer = Answer::default();
    match &outcome.end {
        End::Paused { actions, deep } => paused(&mut answer, outcome, actions, *deep),
        End::Expert(end) => expert(&mut answer, outcome, end, &mut metadata),
        End::Inspected(end) => inspected(&mut answer, outcome, end, &mut metadata),
        End::Skipped => skipped(&mut answer, outcome),
        End::Local { reason } => local(&mut answer, outcome, reason),
        End::Planned => planned(&mut answer, outcome),
    }
    if !matches!(outcome.end, End::Expert(_)) {
        // The peer's clients look for these; nobody was asked, so nothing is claimed.
        metadata.insert("expert_called".to_owned(), json!(false));
    }
    counters(&mut answer, outcome);
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

fn expert(answer: &mut Answer, outcome: &StepOutcome, end: &ExpertEnd, metadata: &mut Map<String, Value>) {
    let text = end.delivery.consulted.reply.text.as_str();
    let status = end.promoted.as_deref().unwrap_or("calling_expert_analysis");
    answer.put("status", status);
    let next_steps = match (&end.answer, end.promoted.as_deref()) {
        (Some(read), None | Some("no_bug_found")) => {
            answer.put("summary", read.summary.as_str());
            answer.put("findings", json!(end.findings));
            joined(outcome.spec.after, &read.next_steps)
        }
        (Some(read), Some(_)) => {
            answer.put("content", read.value.to_string()).put("content_type", "json");
            "The expert needs more: give it the files or the narrower scope it asks for, with this continuation_id.".to_owned()
        }
        (None, _) => {
            answer.put("summary", "The expert answered in free text; see expert_analysis.raw_analysis.");
            answer.put("findings", json!([]));
            outcome.spec.after.to_owned()
        }
    };
    if end.promoted.as_deref().is_none_or(|status| status == "no_bug_found") {
        answer.put("expert_analysis", analysis(end, text));
        complete(answer, outcome);
    }
    answer.put("next_steps", next_steps).put("expert_called", true);
    position(answer, outcome);
    thread(answer, outcome);
    if end.left_out_findings > 0 {
        metadata.insert("findings_below_filter".to_owned(), json!(end.left_out_findings));
    }
    metadata::add_asked(
        metadata,
        &Asked {
            delivery: &end.delivery,
            requested: &end.requested,
            fallback_reason: end.fallback_reason,
            window_known: end.window_known,
            dropped_turns: end.dropped_turns,
            files: &end.files,
        },
    );
}

/// The expert's own object without what stands at the top already; its whole text when it could not be read.
fn analysis(end: &ExpertEnd, text: &str) -> Value {
    let Some(read) = &end.answer else {
        return json!({ "status": "analysis_complete", "format": "text", "raw_analysis": text });
    };
    let mut analysis = Map::new();
    analysis.insert("status".to_owned(), json!(read.status.as_deref().unwrap_or("analysis_complete")));
    analysis.insert("format".to_owned(), json!("json"));
    if let Value::Object(object) = &read.value {
        let rest = object.iter().filter(|(key, _)| !PROMOTED_KEYS.contains(&key.as_str()));
        analysis.extend(rest.map(|(key, value)| (key.clone(), value.clone())));
    }
    Value::Object(analysis)
}

fn inspected(
    answer: &mut Answer,
    outcome: &StepOutcome,
    end: &InspectedEnd,
    metadata: &mut Map<String, Value>,
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
        format!("These findings come from a local inspection of {files} files ({lines} lines): {found}.")
    };
    let summary = format!("No model was consulted. {why} {} {result}", exai_engine::HOW_TO_CONFIGURE);
    answer.put("status", "local_work_complete").put("summary", summary).put("findings", json!(end.findings));
    answer.put("details", json!({ "facts": end.facts, "notes": end.notes }));
    answer.put("next_steps", AFTER_INSPECTION);
    answer.put("expert_called", false);
    complete(answer, outcome);
    position(answer, outcome);
    thread(answer, outcome);
    if end.left_out_findings > 0 {
        metadata.insert("findings_below_filter".to_owned(), json!(end.left_out_findings));
    }
    metadata.insert("answered_by".to_owned(), json!("offline inspection"));
    metadata.insert("cost_usd".to_owned(), json!(0.0));
    metadata::add_files(metadata, &end.files);
}

fn skipped(answer: &mut Answer, outcome: &StepOutcome) {
    let words = &outcome.spec.words;
    answer.put("status", words.skipped).put("next_steps", outcome.spec.after);
    answer.put("skip_expert_analysis", true).put("expert_called", false);
    answer.put(
        "expert_analysis",
        json!({ "status": words.skipped_expert, "reason": "the tool's own rule needs no expert here" }),
    );
    complete(answer, outcome);
    position(answer, outcome);
    thread(answer, outcome);
}

fn local(answer: &mut Answer, outcome: &StepOutcome, reason: &str) {
    answer.put("status", "local_work_complete");
    answer.put("next_steps", format!("No expert was asked: {reason}. Go on with what you found."));
    answer.put("expert_called", false);
    position(answer, outcome);
    thread(answer, outcome);
}

fn planned(answer: &mut Answer, outcome: &StepOutcome) {
    let words = &outcome.spec.words;
    answer.put("status", words.skipped);
    let summary =
        format!("COMPLETE PLAN: {} (Total {} steps completed)", outcome.step.step, outcome.totals.steps);
    answer.put(words.complete_object, summary).put("next_steps", outcome.spec.after);
    answer.put("output", json!({ "format": "step_by_step_planning", "instructions": outcome.spec.after }));
    for key in words.complete_keys {
        answer.put(key, true);
    }
    position(answer, outcome);
    thread(answer, outcome);
}

/// Where the work stands.
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

/// The peer's completion flags and object.
fn complete(answer: &mut Answer, outcome: &StepOutcome) {
    let (words, totals) = (&outcome.spec.words, &outcome.totals);
    for key in words.complete_keys {
        answer.put(key, true);
    }
    answer.put(
        words.complete_object,
        json!({
            "initial_request": outcome.initial_request,
            "steps_taken": totals.steps,
            "files_examined": totals.files_checked,
            "relevant_files": totals.relevant_files,
            "relevant_context": totals.relevant_context,
            "issues_found": totals.issue_count(),
            "work_summary": format!(
                "{} steps, {} files looked at, {} relevant, {} code elements, {} issues",
                totals.steps, totals.files_checked.len(), totals.relevant_files.len(),
                totals.relevant_context.len(), totals.issue_count()
            ),
        }),
    );
}

/// The counters under the tool's own key.
fn counters(answer: &mut Answer, outcome: &StepOutcome) {
    let totals = &outcome.totals;
    let mut status = Map::new();
    let mut put = |key: &str, value: Value| drop(status.insert(key.to_owned(), value));
    put("files_checked", json!(totals.files_checked.len()));
    put("relevant_files", json!(totals.relevant_files.len()));
    put("relevant_context", json!(totals.relevant_context.len()));
    put("issues_found", json!(totals.issue_count()));
    if let Some(confidence) = &totals.confidence {
        put("current_confidence", json!(confidence));
    }
    for count in outcome.spec.counts {
        match count {
            Count::IssuesBySeverity => put("issues_by_severity", json!(by_severity(outcome))),
            Count::Hypotheses => put("hypotheses_formed", json!(totals.hypotheses)),
            Count::Plan => {
                put("step_history_length", json!(totals.steps));
                put("branches", json!(totals.branches));
            }
        }
    }
    answer.put(outcome.spec.words.status_key, Value::Object(status));
    if matches!(outcome.spec.flow, Flow::Planning) {
        answer.put("step_content", outcome.step.step.as_str());
    }
}

fn by_severity(outcome: &StepOutcome) -> Map<String, Value> {
    outcome
        .totals
        .issues
        .iter()
        .map(|(severity, count)| (severity.as_str().to_owned(), json!(count)))
        .collect()
}

fn joined(after: &str, steps: &[String]) -> String {
    if steps.is_empty() {
        return after.to_owned();
    }
    let list: Vec<String> =
        steps.iter().enumerate().map(|(index, step)| format!("{}. {step}", index + 1)).collect();
    format!("{after}\nThe expert suggests:\n{}", list.join("\n"))
}
