//! What to do next, for a person: the tools tell it to agents, in the names of fields.

use serde_json::Value;

use super::field;

/// What agents are told of fields, and what it is on a terminal. The longer ones first.
const FIELDS: [(&str, &str); 5] = [
    (
        "Read expert_analysis.raw_analysis: what it says is not all in findings.",
        "Read the whole text: not all of it is among the findings.",
    ),
    ("the whole text is in expert_analysis.raw_analysis", "the whole text is below"),
    ("expert_analysis.raw_analysis", "the whole text"),
    ("metadata.files says why", "the lines below say why"),
    ("required_actions", "the list below"),
];

/// What is said between two steps that need nothing else.
const ON_ITS_OWN: &str = "Work out the next step, then give it with the command below.";

/// Whether a further step is expected.
fn is_open(answer: &Value) -> bool {
    answer.get("next_step_required").and_then(Value::as_bool) == Some(true)
}

/// A text without the names of fields.
pub(super) fn plain(words: &str) -> String {
    FIELDS.iter().fold(words.to_owned(), |words, (field, plain)| words.replace(field, plain))
}

/// What comes next. Where the answer lists actions, its words only tell an agent when to call again, which the printed command does.
pub(super) fn next(answer: &Value) -> Option<String> {
    let actions = answer.get("required_actions").and_then(Value::as_array);
    let actions: Vec<&str> = actions.into_iter().flatten().filter_map(Value::as_str).collect();
    if actions.is_empty() && field(answer, "continuation_id").is_some() && is_open(answer) {
        return Some(ON_ITS_OWN.to_owned());
    }
    if actions.is_empty() {
        return field(answer, "next_steps").filter(|words| !words.is_empty()).map(plain);
    }
    let mut text = "Before the next step:".to_owned();
    for (index, action) in actions.iter().enumerate() {
        text.push_str(&format!("\n{}. {action}", index + 1));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_not_named_to_people() {
        assert_eq!(
            plain("Two found; the whole text is in expert_analysis.raw_analysis."),
            "Two found; the whole text is below."
        );
        assert_eq!(next(&json!({ "next_steps": "Go on." })).as_deref(), Some("Go on."));
        assert_eq!(next(&json!({ "next_steps": "" })), None);
    }
}
