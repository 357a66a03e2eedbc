//! The last user message to an expert: files first, then what is asked.

use super::{StoredStep, changes::DIFF};
use crate::history::step_text;

/// The text after the files: the task, the tool's settings, the agent's steps.
pub(super) fn text(stored: &StoredStep<'_>) -> String {
    let mut text = format!("# Request for {}\n", stored.spec.name);
    settings(stored, &mut text);
    text.push_str("\n# The agent's investigation\n");
    for step in stored.work {
        text.push('\n');
        text.push_str(&step_text(stored.spec.name, step));
        text.push('\n');
    }
    text.push_str("\n# Your turn\nAnswer the request of step 1 as your instructions demand.");
    text
}

/// The tool's own fields, the latest value of each.
fn settings(stored: &StoredStep<'_>, text: &mut String) {
    for name in stored.spec.own_fields {
        // A diff is shown with its line numbers, before this.
        if *name == DIFF {
            continue;
        }
        let value = stored.work.iter().rev().find_map(|step| step.extra.get(*name));
        match value {
            Some(serde_json::Value::String(value)) => line(text, name, value),
            Some(value) => line(text, name, &value.to_string()),
            None => {}
        }
    }
}

fn line(text: &mut String, name: &str, value: &str) {
    text.push_str(&format!("{}: {}\n", name.replace('_', " "), value.trim()));
}
