//! A plan: its steps as they hold now.

use serde_json::Value;

use super::{field, push};

/// Adds the steps in their order, each with the branch that it belongs to. A step that another took the place of is named, not repeated.
pub(super) fn show(answer: &Value, text: &mut String) {
    for step in answer.get("plan").and_then(Value::as_array).into_iter().flatten() {
        let number = |key: &str| step.get(key).and_then(Value::as_u64);
        let branch = field(step, "branch_id").map(|branch| format!(" [{branch}]")).unwrap_or_default();
        let words = match number("revised_by_step") {
            Some(by) => format!("(step {by} took its place)"),
            None => field(step, "step").unwrap_or_default().trim().replace('\n', "\n   "),
        };
        push(text, &format!("{}.{branch} {words}", number("step_number").unwrap_or(0)));
    }
}
