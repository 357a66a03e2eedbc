//! The typed part of an expert's answer, taken leniently: models vary the names and types of fields.

use serde_json::{Map, Value};

use super::{
    field::{pick, text},
    finding::RawFinding,
    locate,
    looks::unwrapped,
    names::{STATUS, STEPS, SUMMARY, fold},
};
use crate::severity::SeverityWords;

/// Most next steps that are taken.
const MAX_STEPS: usize = 100;

/// What an expert answered, as far as every tool shares it.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpertAnswer {
    /// The status word, when there is one.
    pub status: Option<String>,
    /// The summary; empty when there is none.
    pub summary: String,
    /// The findings, in the model's order.
    pub findings: Vec<RawFinding>,
    /// What to do next.
    pub next_steps: Vec<String>,
    /// Everything else that the model said, under its own names: what only one tool knows, and what was not understood.
    pub rest: Map<String, Value>,
    /// Whether there is a list of findings, even an empty one.
    pub has_findings: bool,
    /// Whether something in the place of a finding was not understood; it is in the rest.
    pub is_partial: bool,
    /// The answer as it came.
    pub value: Value,
}

impl ExpertAnswer {
    /// Takes what is there. A value that cannot be read stays in the rest.
    #[must_use]
    pub fn from_value(value: Value, words: &SeverityWords) -> Self {
        let mut left = value.clone();
        let locate::Taken { findings, has_list, is_partial } = locate::take(&mut left, words);
        let mut rest = match left {
            Value::Object(members) => members,
            Value::Array(elements) if elements.is_empty() => Map::new(),
            Value::Null => Map::new(),
            other => [("answer".to_owned(), other)].into_iter().collect(),
        };
        let status =
            take_from(&mut rest, STATUS, |value| value.as_str().map(|status| status.trim().to_owned()));
        let summary = take_from(&mut rest, SUMMARY, |value| Some(text(value))).unwrap_or_default();
        let next_steps = take_from(&mut rest, STEPS, steps).unwrap_or_default();
        Self {
            status: status.filter(|status| !status.is_empty()),
            summary,
            findings,
            next_steps,
            rest,
            has_findings: has_list,
            is_partial,
            value,
        }
    }

    /// An answer in words of which nothing was read yet.
    pub(crate) fn in_words(summary: String, text: &str) -> Self {
        Self {
            status: None,
            summary,
            findings: Vec::new(),
            next_steps: Vec::new(),
            rest: Map::new(),
            has_findings: true,
            is_partial: false,
            value: Value::String(text.to_owned()),
        }
    }

    /// The status word of an answer.
    #[must_use]
    pub fn status_of(value: &Value) -> Option<&str> {
        pick(unwrapped(value).as_object()?, STATUS)?.as_str().map(str::trim)
    }
}

/// Takes a member out, of the answer's object or of the one object inside it, when `read` understands it.
fn take_from<T>(
    rest: &mut Map<String, Value>,
    names: &[&str],
    read: impl Fn(&Value) -> Option<T> + Copy,
) -> Option<T> {
    for name in names {
        let Some(key) = rest
            .iter()
            .find(|(key, value)| !value.is_null() && fold(key) == *name)
            .map(|(key, _)| key.clone())
        else {
            continue;
        };
        if let Some(found) = rest.get(&key).and_then(read) {
            rest.shift_remove(&key);
            return Some(found);
        }
    }
    // `{"result": {"review": {"summary": …}}}`: only where there is one object to look into.
    let mut inner = rest.values_mut().filter_map(|value| match value {
        Value::Object(members) => Some(members),
        _ => None,
    });
    match (inner.next(), inner.next()) {
        (Some(only), None) => take_from(only, names, read),
        _ => None,
    }
}

fn steps(value: &Value) -> Option<Vec<String>> {
    const STEP: &[&str] = &["step", "action", "description", "title", "text", "task"];
    let elements = match value {
        Value::Array(elements) => elements.as_slice(),
        Value::Object(_) => return None,
        other => std::slice::from_ref(other),
    };
    if elements.len() > MAX_STEPS {
        return None;
    }
    // An element that says more than one thing is written with all of it.
    let step = |element: &Value| match element {
        Value::Object(members) if members.len() == 1 => {
            pick(members, STEP).map_or_else(|| text(element), text)
        }
        other => text(other),
    };
    Some(elements.iter().map(step).filter(|step| !step.trim().is_empty()).collect())
}
