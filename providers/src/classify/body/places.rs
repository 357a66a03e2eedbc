//! Which field an error names, and what it says of it, in the places that validators have for that.

use serde_json::{Map, Value};

use super::{MOST_ITEMS, one_line, word};

/// The field that is complained about.
pub(super) fn field(fields: &Map<String, Value>) -> Option<String> {
    let lists = ["detail", "errors", "details"].iter().filter_map(|name| fields.get(*name)?.as_array());
    word(fields.get("param"))
        .or_else(|| word(fields.get("field")))
        .or_else(|| lists.flatten().find_map(of_item))
        .or_else(|| word(fields.get("params")?.get("additionalProperty")))
}

/// Of one item of a list: pydantic's `loc`, ajv's `params`, Google's `fieldViolations` and their like.
fn of_item(item: &Value) -> Option<String> {
    let named = ["field", "param", "property"].iter().find_map(|name| word(item.get(*name)));
    place(item)
        .or_else(|| word(item.pointer("/params/additionalProperty")))
        .or_else(|| word(item.pointer("/fieldViolations/0/field")))
        .or(named)
        .or_else(|| word(item.get("path").filter(|path| path.is_string())))
}

/// The last name in a `loc` such as `["body", "messages", 0, "name"]`, without the places of list items.
pub(super) fn place(item: &Value) -> Option<String> {
    word(item.get("loc")?.as_array()?.iter().rev().find(|part| part.is_string()))
}

/// What the details of an error add to its message: Google's violations, a gateway's reasons, the error within.
pub(super) fn more(fields: &Map<String, Value>) -> Option<String> {
    let details = fields.get("details").and_then(Value::as_array).into_iter().flatten();
    let violations = details.filter_map(|detail| detail.get("fieldViolations")?.as_array()).flatten();
    let violations = violations.take(MOST_ITEMS).filter_map(|violation| {
        let text = |name: &str| violation.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        match (text("field"), text("description")) {
            (Some(field), Some(said)) => Some(format!("{field}: {said}")),
            (field, said) => field.or(said).map(str::to_owned),
        }
    });
    let reasons = fields.get("metadata").and_then(|metadata| metadata.get("reasons")?.as_array());
    let reasons = reasons.into_iter().flatten().take(MOST_ITEMS).filter_map(|reason| word(Some(reason)));
    let inner = ["inner_error", "innererror", "innerError"].iter().filter_map(|name| {
        let inner = fields.get(*name)?;
        Some(inner.get("message")?.as_str()?.to_owned())
    });
    let all: Vec<String> = violations.chain(reasons).chain(inner).collect();
    one_line(&all.join("; "))
}

/// How long to wait: Google's `retryDelay` in the details, a gateway's `retry_after_seconds` in its metadata, or a field of the error.
pub(super) fn wait(fields: &Map<String, Value>) -> Option<String> {
    let names = ["retry_after_seconds", "retry_after", "retryAfter", "retryDelay"];
    let of = |object: &Value| names.iter().find_map(|name| word(object.get(*name)));
    let details = fields.get("details").and_then(Value::as_array);
    fields
        .get("metadata")
        .and_then(of)
        .or_else(|| details?.iter().find_map(of))
        .or_else(|| names.iter().find_map(|name| word(fields.get(*name))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn waits_stand_in_many_places() {
        for (body, said) in [
            (
                json!({"details": [{"x": 1}, {"@type": "google.rpc.RetryInfo", "retryDelay": "34s"}]}),
                Some("34s"),
            ),
            (json!({"metadata": {"retry_after_seconds": 12.5}}), Some("12.5")),
            (json!({"retry_after": 3}), Some("3")),
            (json!({"message": "soon"}), None),
        ] {
            assert_eq!(wait(body.as_object().unwrap()).as_deref(), said, "{body}");
        }
    }
}
