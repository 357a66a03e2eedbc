//! What providers do in addition to answering: functions to be run, hits of a search, files kept; and who would answer.

use console::style;
use serde_json::Value;

use super::{field, push};

/// Appends the lists of an answer that are not findings.
pub(super) fn show(answer: &Value, text: &mut String) {
    for call in list(answer, "tool_calls") {
        let name = style(field(call, "name").unwrap_or("?")).bold();
        let id = style(field(call, "id").unwrap_or("?")).dim();
        push(text, &format!("{name} {}  {id}", call.get("arguments").unwrap_or(&Value::Null)));
    }
    for hit in list(answer, "results") {
        push(text, "");
        push(text, &style(field(hit, "title").unwrap_or("(no title)")).bold().to_string());
        for words in ["link", "content"].iter().filter_map(|key| field(hit, key)) {
            push(text, words.trim());
        }
    }
    for (index, candidate) in list(answer, "candidates").enumerate() {
        let name = style(field(candidate, "model").unwrap_or("?")).bold();
        let reasons: Vec<&str> = list(candidate, "reasons").filter_map(Value::as_str).collect();
        let estimate = candidate.get("estimate_usd").and_then(Value::as_f64);
        let estimate = estimate.map(|dollars| format!("; about ${dollars:.4}")).unwrap_or_default();
        push(text, &format!("{}. {name}  {}{estimate}", index + 1, reasons.join("; ")));
    }
    for file in list(answer, "files").filter(|file| field(file, "file_id").is_some()) {
        let told = ["file_id", "provider", "uploaded_at", "name"].map(|key| field(file, key).unwrap_or("?"));
        push(text, &told.join("  "));
    }
}

fn list<'a>(answer: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    answer.get(key).and_then(Value::as_array).into_iter().flatten()
}
