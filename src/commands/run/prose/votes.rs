//! What several models said: each under its name, who said nothing, and the sum of it if one was asked for.

use console::style;
use serde_json::Value;

use super::{analysis, field, push};

/// Adds all of it, in the order in which the models were asked.
pub(super) fn show(answer: &Value, text: &mut String) {
    let responses = list(answer, "responses").chain(answer.get("model_response"));
    for response in responses {
        let Some(words) = field(response, "verdict") else { continue };
        let stance = field(response, "stance").filter(|stance| *stance != "neutral");
        let stance = stance.map(|stance| format!(" ({stance})")).unwrap_or_default();
        let model = field(response, "model").unwrap_or("?");
        push(text, &format!("\n{}\n{}", style(format!("{model}{stance}")).bold(), words.trim()));
        if let Some(critique) = field(response, "critique").filter(|words| !words.is_empty()) {
            push(
                text,
                &format!("\n{}\n{critique}", style(format!("{model}, having read the others")).bold()),
            );
        }
    }
    for silent in list(answer, "no_vote") {
        let (model, why) =
            (field(silent, "model").unwrap_or("?"), field(silent, "reason").unwrap_or("no reason is known"));
        push(text, &format!("\n{}: {why}", style(format!("{model} gave no vote")).yellow()));
    }
    if let Some(synthesis) = answer.get("synthesis") {
        let by = field(synthesis, "by").map(|by| format!(" by {by}")).unwrap_or_default();
        push(text, &format!("\n{}", style(format!("Synthesis{by}")).bold()));
        if let Some(summary) = field(synthesis, "summary") {
            push(text, summary);
        }
        analysis::show(synthesis, text);
    }
}

fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}
