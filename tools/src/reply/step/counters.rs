//! The counters of a workflow, under the keys of pal-mcp-server.

use exai_engine::workflow::{
    StepOutcome,
    spec::{Count, Flow},
};
use serde_json::{Map, Value, json};

use crate::reply::Answer;

/// Adds the counters under the tool's own key.
pub(super) fn add(answer: &mut Answer, outcome: &StepOutcome) {
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
            Count::Severities(key) => put(key, json!(by_severity(outcome))),
            Count::Types(key) => put(key, json!(totals.types)),
            Count::Issues(key) => put(key, json!(totals.issue_count())),
            Count::Elements(key) => put(key, json!(totals.relevant_context.len())),
            Count::Confidence(key) => put(key, json!(totals.confidence)),
            Count::Field(name, default) => {
                put(name, totals.fields.get(*name).cloned().unwrap_or_else(|| json!(default)));
            }
            Count::Hypotheses => put("hypotheses_formed", json!(totals.hypotheses)),
            Count::Plan => {
                put("step_history_length", json!(totals.steps));
                put("branches", json!(totals.branches));
            }
            Count::Trace => put("step_history_length", json!(totals.steps)),
            Count::Thinking => {}
        }
    }
    answer.put(outcome.spec.words.status_key, Value::Object(status));
    if outcome.spec.counts.contains(&Count::Thinking) {
        answer.put("thinking_status", thinking(outcome));
    }
    if matches!(outcome.spec.flow, Flow::Planning) {
        answer.put("step_content", outcome.step.step.as_str());
    }
}

/// The second status object that pal-mcp-server has for `thinkdeep`.
fn thinking(outcome: &StepOutcome) -> Value {
    let totals = &outcome.totals;
    json!({
        "current_step": outcome.step.step_number,
        "total_steps": outcome.step.total_steps,
        "files_checked": totals.files_checked.len(),
        "relevant_files": totals.relevant_files.len(),
        "thinking_confidence": totals.confidence,
        "analysis_focus": totals.fields.get("focus_areas"),
    })
}

fn by_severity(outcome: &StepOutcome) -> Map<String, Value> {
    outcome
        .totals
        .issues
        .iter()
        .map(|(severity, count)| (severity.as_str().to_owned(), json!(count)))
        .collect()
}
