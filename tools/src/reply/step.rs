//! The answer of a workflow step.

mod complete;
mod counters;
mod own_work;

use exai_core::Severity;
use exai_core::humanize::counted;
use exai_engine::{
    Call,
    workflow::{End, ExpertEnd, InspectedEnd, StepOutcome},
};
use exai_prompts::FILES_REQUIRED;
use rmcp::model::CallToolResponse;
use serde_json::{Map, Value, json};

use super::{
    Answer, continuation_offer,
    metadata::{self, Asked},
};

/// Parts of an expert's object that are at the top of the answer and are not repeated below.
const PROMOTED_KEYS: [&str; 4] = ["summary", "findings", "next_steps", "status"];

/// The most characters of a free text's first line.
const MAX_OPENING: usize = 300;

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
        End::Expert(end) => expert(&mut answer, outcome, end, &mut metadata),
        End::Inspected(end) => inspected(&mut answer, outcome, end, &mut metadata),
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

fn expert(answer: &mut Answer, outcome: &StepOutcome, end: &ExpertEnd, metadata: &mut Map<String, Value>) {
    let text = end.delivery.completion.reply.text.as_str();
    let asks = end.promoted.is_some_and(|promoted| !promoted.answers);
    answer.put("status", end.promoted.map_or("calling_expert_analysis", |promoted| promoted.status));
    let next_steps = match &end.answer {
        Some(read) if asks => {
            answer.put("content", read.value.to_string()).put("content_type", "json");
            wanting(end)
        }
        Some(read) => {
            answer.put("summary", read.summary.as_str());
            answer.put("findings", json!(end.findings));
            joined(outcome.spec.after, &read.next_steps)
        }
        None => {
            answer.put("summary", opening(text));
            answer.put("findings", json!([]));
            if !end.citations.is_empty() {
                answer.put("citations", json!(end.citations));
            }
            outcome.spec.after.to_owned()
        }
    };
    if !asks {
        answer.put("expert_analysis", analysis(end, text));
        complete::add(answer, outcome);
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
            first: end.first.as_ref(),
            without_web: end.without_web,
            provenance: &end.provenance,
            passed_over: &end.passed_over,
            dropped_turns: end.dropped_turns,
            files: &end.files,
        },
    );
}

/// Instructions to the agent when the expert wants more before it answers.
fn wanting(end: &ExpertEnd) -> String {
    let more = "The expert needs more: give it the files or the narrower scope it asks for, with this continuation_id.";
    let by_itself = "Or send the same step again with add_files: true, and the server adds the files that lie under the \
        allowed folders and asks once more.";
    let wants_files = end.promoted.is_some_and(|promoted| promoted.status == FILES_REQUIRED);
    if wants_files && end.first.is_none() { format!("{more} {by_itself}") } else { more.to_owned() }
}

/// The expert's own object without what is at the top already, or its whole text when that is no object.
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
        let (files, lines) = (counted(files, "file"), counted(lines, "line"));
        format!("These findings come from a local inspection of {files} ({lines}): {found}.")
    };
    let summary = format!("No model was consulted. {why} {} {result}", end.hint);
    answer.put("status", "local_work_complete").put("summary", summary).put("findings", json!(end.findings));
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
    metadata::add_files(metadata, &end.files);
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

/// The first line of a free text that has words, for readers who read no further.
fn opening(text: &str) -> String {
    let line = text
        .lines()
        .map(|line| line.trim_start_matches(['#', '*', ' ']).trim())
        .find(|line| !line.is_empty());
    let short: String = line.unwrap_or_default().chars().take(MAX_OPENING).collect();
    format!("{short} (free text; the whole is in expert_analysis.raw_analysis)")
}

fn joined(after: &str, steps: &[String]) -> String {
    if steps.is_empty() {
        return after.to_owned();
    }
    let list: Vec<String> =
        steps.iter().enumerate().map(|(index, step)| format!("{}. {step}", index + 1)).collect();
    format!("{after}\nThe expert suggests:\n{}", list.join("\n"))
}
