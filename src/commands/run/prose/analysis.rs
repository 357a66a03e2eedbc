//! What an expert says in addition to its findings: tests, orders of work, assessments; every tool has its own.

use console::style;
use serde_json::Value;

use super::push;

/// Parts that are shown in their own way, or say nothing to a person.
const SHOWN_ELSEWHERE: [&str; 9] = [
    "by",
    "status",
    "format",
    "summary",
    "raw_analysis",
    "hypotheses",
    "findings",
    "next_steps",
    "positives",
];
/// What names an item of a list, the first that it has.
const NAMES: [&str; 8] = ["title", "name", "path", "requirement", "point", "who", "risk", "id"];
/// A list of short texts that together are no longer than this goes into one line.
const LINE: usize = 100;
/// One step of indentation.
const INDENT: &str = "  ";

/// Adds the parts in the order in which the expert gave them.
pub(super) fn show(analysis: &Value, text: &mut String) {
    let parts = analysis.as_object().into_iter().flatten();
    for (name, value) in parts.filter(|(name, _)| !SHOWN_ELSEWHERE.contains(&name.as_str())) {
        if is_empty(value) {
            continue;
        }
        let heading = heading(name);
        match plain(value) {
            Some(words) if !words.contains('\n') => {
                push(text, &format!("\n{}: {words}", style(heading).bold()));
            }
            _ => {
                push(text, &format!("\n{}", style(heading).bold()));
                nested(value, "", text);
            }
        }
    }
}

fn nested(value: &Value, indent: &str, text: &mut String) {
    let deeper = format!("{indent}{INDENT}");
    match value {
        Value::Array(items) => items.iter().for_each(|item| entry(item, indent, text)),
        Value::Object(fields) => {
            fields
                .iter()
                .filter(|(_, value)| !is_empty(value))
                .for_each(|(name, value)| field(name, value, indent, text));
        }
        other => block(&plain(other).unwrap_or_default(), &deeper, text),
    }
}

/// One item of a list: its name first, then the rest of it.
fn entry(item: &Value, indent: &str, text: &mut String) {
    let deeper = format!("{indent}{INDENT}");
    let Some(fields) = item.as_object() else {
        push(text, &format!("{indent}- {}", plain(item).unwrap_or_else(|| item.to_string())));
        return;
    };
    let named = NAMES.iter().find_map(|name| Some((*name, fields.get(*name)?.as_str()?)));
    push(text, &format!("{indent}- {}", named.map_or("", |(_, words)| words)));
    let rest = fields
        .iter()
        .filter(|(name, value)| named.is_none_or(|(shown, _)| shown != name.as_str()) && !is_empty(value));
    rest.for_each(|(name, value)| field(name, value, &deeper, text));
}

fn field(name: &str, value: &Value, indent: &str, text: &mut String) {
    let name = name.replace('_', " ");
    match plain(value).or_else(|| in_a_line(value)) {
        Some(words) if !words.contains('\n') => push(text, &format!("{indent}{name}: {words}")),
        Some(words) => {
            push(text, &format!("{indent}{name}:"));
            // At the margin, so that code can be copied.
            block(&words, "", text);
        }
        None => {
            push(text, &format!("{indent}{name}:"));
            nested(value, &format!("{indent}{INDENT}"), text);
        }
    }
}

fn in_a_line(list: &Value) -> Option<String> {
    let words: Option<Vec<&str>> = list.as_array()?.iter().map(Value::as_str).collect();
    words.map(|words| words.join(", ")).filter(|line| line.len() <= LINE && !line.contains('\n'))
}

fn block(words: &str, indent: &str, text: &mut String) {
    words.trim_end().lines().for_each(|line| push(text, format!("{indent}{line}").trim_end()));
}

/// A value that is one piece of text.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(words) => Some(words.clone()),
        Value::Bool(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(words) => words.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// `not_covered` as a heading.
fn heading(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn code_stays_at_the_margin() {
        let analysis = json!({
            "status": "test_generation_complete", "ready_to_commit": false, "positives": [], "pending_tests": [],
            "tests": [{"framework": "pytest", "path": "t.py", "code": "def test():\n    assert 1\n", "covers": ["one", "two"]}],
            "owasp_assessment": {"A01": {"status": "secure", "note": "a.py:1"}},
            "not_covered": ["the rest"],
        });
        let mut text = String::new();
        show(&analysis, &mut text);
        let expected = "\nReady to commit: no\n\nTests\n- t.py\n  framework: pytest\n  code:\ndef test():\n    assert 1\n  covers: one, two\n\nOwasp assessment\nA01:\n  status: secure\n  note: a.py:1\n\nNot covered\n- the rest\n";
        assert_eq!(console::strip_ansi_codes(&text), expected);
    }
}
