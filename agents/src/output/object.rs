//! One JSON object, or a list that ends with it: Claude Code, Gemini CLI, Qwen Code.

use serde_json::{Map, Value};

use super::{Read, error_text, usage};

/// The fields that hold the text of JSON answers.
const FIELDS: [&str; 5] = ["result", "response", "content", "text", "message"];

/// What the output says; `None` when it has neither an answer nor a failure.
pub(super) fn read(text: &str) -> Option<Read> {
    let value = json_in(text)?;
    let object = last(&value)?;
    let answer = answer_in(&value);
    let failure = failure(object, answer.as_deref());
    if answer.is_none() && failure.is_none() {
        return None;
    }
    Some(Read {
        text: answer.unwrap_or_default(),
        parsed: true,
        is_plain: false,
        failure,
        usage: usage::of_object(object),
        cost_usd: object.get("total_cost_usd").and_then(Value::as_f64),
    })
}

/// The first object or list that has something to say. Some agents print notices before it, which may have brackets of their own.
fn json_in(text: &str) -> Option<Value> {
    let begins = text.match_indices(['{', '[']).map(|(at, _)| at);
    let values = begins.filter_map(|at| {
        let mut values = serde_json::Deserializer::from_str(text.get(at..)?).into_iter::<Value>();
        values.next()?.ok()
    });
    // Bounded: a text that is no JSON has as many beginnings as brackets.
    values.take(1 + 8).find(|value| last(value).is_some())
}

/// The object with the result.
fn last(value: &Value) -> Option<&Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object),
        Value::Array(list) => {
            let objects = || list.iter().rev().filter_map(Value::as_object);
            let result =
                objects().find(|object| object.get("type").and_then(Value::as_str) == Some("result"));
            result.or_else(|| objects().next())
        }
        _ => None,
    }
}

/// Why the object is no answer, when it says so. The exit code of its program does not: there are answers with 1 and failures with 0.
fn failure(object: &Map<String, Value>, answer: Option<&str>) -> Option<String> {
    let error = object.get("error").and_then(error_text);
    let subtype =
        object.get("subtype").and_then(Value::as_str).filter(|subtype| subtype.starts_with("error"));
    let is_error = object.get("is_error").and_then(Value::as_bool) == Some(true);
    if !is_error && error.is_none() && subtype.is_none() {
        return None;
    }
    let said = answer.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    Some(
        error
            .or(said)
            .or(subtype.map(str::to_owned))
            .unwrap_or_else(|| "an error without a reason".to_owned()),
    )
}

pub(super) fn answer_in(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => list.iter().rev().find_map(answer_in),
        Value::Object(object) => FIELDS.iter().find_map(|field| match object.get(*field)? {
            Value::String(text) => Some(text.clone()),
            inner @ (Value::Array(_) | Value::Object(_)) => answer_in(inner),
            _ => None,
        }),
        _ => None,
    }
}
