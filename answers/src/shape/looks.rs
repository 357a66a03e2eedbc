//! Whether a value looks like an answer or a finding. Nothing is read here: the reader of damaged text compares candidates by it.

use serde_json::{Map, Value};

use super::{
    field::pick,
    names::{
        DETAIL, FINDINGS, FINDINGS_PERHAPS, HOLDERS, LINE, PATH, QUOTE, SEVERITY, SEVERITY_PERHAPS, STATUS,
        SUBJECT, SUMMARY, TITLE,
    },
};

/// The list of findings of an answer, or the answer itself when it is such a list.
pub(crate) fn finding_list(value: &Value) -> Option<&[Value]> {
    match unwrapped(value) {
        Value::Array(elements) => elements.iter().any(looks_like_finding).then_some(elements.as_slice()),
        Value::Object(object) => {
            let certain = FINDINGS.iter().find_map(|name| pick(object, &[name]).and_then(Value::as_array));
            let perhaps = || {
                let lists = FINDINGS_PERHAPS
                    .iter()
                    .filter_map(|name| pick(object, &[name]).and_then(Value::as_array));
                lists.into_iter().find(|list| list.iter().any(looks_like_finding))
            };
            certain.or_else(perhaps).map(Vec::as_slice)
        }
        _ => None,
    }
}

/// The answer inside `{"result": {...}}` and the like; the value itself when it has keys of an answer or is no such wrapper.
pub(crate) fn unwrapped(value: &Value) -> &Value {
    let Some(object) = value.as_object() else { return value };
    if has_answer_keys(object) {
        return value;
    }
    let mut inner = object.values().filter(|inner| inner.as_object().is_some_and(has_answer_keys));
    match (inner.next(), inner.next()) {
        (Some(only), None) => only,
        _ => value,
    }
}

/// Whether an object has what only an answer has.
pub(crate) fn has_answer_keys(object: &Map<String, Value>) -> bool {
    pick(object, STATUS).is_some_and(Value::is_string)
        || pick(object, SUMMARY).is_some_and(Value::is_string)
        || pick(object, FINDINGS).is_some_and(|list| list.is_array() || list.is_object())
}

/// Whether an object says where something is and what it is.
pub(crate) fn looks_like_finding(value: &Value) -> bool {
    let Some(object) = value.as_object() else { return false };
    let nested = || HOLDERS.iter().filter_map(|name| pick(object, &[name])?.as_object());
    let has =
        |names: &[&str]| pick(object, names).is_some() || nested().any(|inner| pick(inner, names).is_some());
    let placed = has(PATH) || has(LINE) || has(SEVERITY) || has(SEVERITY_PERHAPS);
    placed && (has(TITLE) || has(SUBJECT) || has(DETAIL) || has(QUOTE))
}
