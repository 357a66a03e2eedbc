//! One event a line: Codex and OpenCode.

use exai_core::chat::Usage;
use serde_json::Value;

use super::{Read, error_text, object::answer_in, usage};

/// What has been read so far.
#[derive(Default)]
struct Reading {
    answer: Option<String>,
    /// The answer grows with the next text, because it comes in several.
    goes_on: bool,
    failure: Option<String>,
    usage: Option<Usage>,
    cost_usd: Option<f64>,
}

/// What the events say; `None` when there is neither an answer nor a failure among them.
pub(super) fn read(text: &str) -> Option<Read> {
    let mut reading = Reading::default();
    for line in text.lines() {
        if let Ok(event) = serde_json::from_str::<Value>(line.trim()) {
            reading.take(&event);
        }
    }
    let Reading { answer, failure, usage, cost_usd, .. } = reading;
    if answer.is_none() && failure.is_none() {
        return None;
    }
    Some(Read { text: answer.unwrap_or_default(), parsed: true, is_plain: false, failure, usage, cost_usd })
}

impl Reading {
    fn take(&mut self, event: &Value) {
        // Codex has had its events in `msg`; its items are one level down.
        let item = event.get("item").or_else(|| event.get("msg")).unwrap_or(event);
        let kind = |value: &Value| value.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        if kind(item).ends_with("agent_message") {
            if let Some(text) = answer_in(item) {
                self.answer = Some(text);
                self.failure = None;
            }
            return;
        }
        let event = event.get("msg").unwrap_or(event);
        let part = event.get("part").unwrap_or(event);
        match kind(event).as_str() {
            "text" => self.text(part.get("text").and_then(Value::as_str).unwrap_or_default()),
            "step_start" => self.goes_on = false,
            "step_finish" => {
                self.count(usage::of_step(part));
                self.cost_usd = match (self.cost_usd, part.get("cost").and_then(Value::as_f64)) {
                    (Some(sum), Some(cost)) => Some(sum + cost),
                    (sum, cost) => sum.or(cost),
                };
            }
            "turn.completed" | "task_complete" => {
                self.failure = None;
                self.count(event.get("usage").and_then(usage::of_turn));
            }
            "turn.failed" | "error" | "stream_error" => {
                let told = event.get("error").or_else(|| event.get("message")).and_then(error_text);
                self.failure = Some(told.unwrap_or_else(|| "an error without a reason".to_owned()));
            }
            _ => {}
        }
    }

    /// A text of the present step. The words of earlier steps lead to tools and are no answer.
    fn text(&mut self, text: &str) {
        self.failure = None;
        match &mut self.answer {
            Some(answer) if self.goes_on => answer.push_str(text),
            answer => *answer = Some(text.to_owned()),
        }
        self.goes_on = true;
    }

    fn count(&mut self, usage: Option<Usage>) {
        self.usage = match (self.usage.take(), usage) {
            (Some(sum), Some(usage)) => Some([sum, usage].into_iter().sum()),
            (sum, usage) => sum.or(usage),
        };
    }
}
