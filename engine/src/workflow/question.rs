//! The last user message to an expert: files first, then what is asked.

use exai_core::thread::Step;
use exai_prompts::question;

use super::{StoredStep, changes::DIFF};
use crate::history::step_text;

/// The text after the files: the task, the tool's settings, and of the agent's work these steps.
pub(super) fn text(stored: &StoredStep<'_>, steps: &[&Step]) -> String {
    let mut settings = String::new();
    own_fields(stored, &mut settings);
    let steps: String =
        steps.iter().map(|step| format!("\n{}\n", step_text(stored.spec.name, step))).collect();
    question::workflow(stored.spec.name, &settings, &steps)
}

/// The tool's own fields, the latest value of each.
fn own_fields(stored: &StoredStep<'_>, text: &mut String) {
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
