//! Finds code, type and text in the many shapes that vendors and gateways give an error.

mod markup;
mod places;

use serde_json::{Map, Value};

use self::places::place;

/// Longest text that is taken over, in characters; a message is cut again when it is complete. What it refuses may stand at its end.
const MAX_TEXT: usize = 4_000;
/// Items of a list of errors that are quoted.
const MOST_ITEMS: usize = 3;

/// What an error says, whatever its shape.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ErrorBody {
    /// The vendor's code, numbers as text.
    pub(crate) code: Option<String>,
    /// The error's `type`.
    pub(crate) kind: Option<String>,
    /// The field that is complained about.
    pub(crate) param: Option<String>,
    /// What is said, on one line.
    pub(crate) message: Option<String>,
    /// Who limits, where a gateway says so.
    pub(crate) limit_source: Option<String>,
    /// How long to wait, as the body says it: seconds, or a number with a unit.
    pub(crate) retry_after: Option<String>,
    /// The answer is a web page, so it comes from something in between.
    pub(crate) is_page: bool,
}

/// Fields that hold what is said, the most usual first.
const MESSAGES: [&str; 14] = [
    "message",
    "detail",
    "msg",
    "error_description",
    "error_msg",
    "error_message",
    "errorMessage",
    "err_msg",
    "errmsg",
    "faultstring",
    "title",
    "reason",
    "statusText",
    "status_text",
];
/// Fields that hold the error itself.
const ERRORS: [&str; 4] = ["error", "err", "fault", "exception"];
/// Fields that hold a code, the most usual first.
const CODES: [&str; 8] =
    ["code", "error_code", "errorCode", "errorcode", "errcode", "err_code", "statusCode", "status_code"];

impl ErrorBody {
    /// Reads a body that may be JSON, text, a web page or nothing.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let bytes = without_bom(bytes);
        if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
            let mut body = Self::from_json(&value);
            if body.message.is_none() && says_something(&value) {
                body.message = one_line(&value.to_string());
            }
            return body;
        }
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim();
        if text.starts_with('<') {
            return markup::read(text);
        }
        Self::from_text(text)
    }

    /// A text with no further structure.
    pub(crate) fn from_text(text: &str) -> Self {
        Self { message: unfolded(text).or_else(|| one_line(text)), ..Self::default() }
    }

    /// Shapes: `{error: {..}}`, `{error: "text"}`, `{errors: [..]}`, `{detail: ..}`, `{message: ..}`, `{base_resp: {..}}` and their like,
    /// any of them in a list.
    pub(crate) fn from_json(value: &Value) -> Self {
        match value {
            Value::Array(items) => items.first().map(Self::from_json).unwrap_or_default(),
            Value::String(text) => Self::from_text(text),
            Value::Object(fields) => {
                let is_error =
                    |inner: &&Value| says_something(inner) && !inner.is_boolean() && !inner.is_number();
                if let Some(inner) = ERRORS.iter().find_map(|name| fields.get(*name).filter(is_error)) {
                    let mut body = Self::from_json(inner);
                    // A word of the protocol or the status, with the sentence beside it.
                    if inner.is_string() {
                        let outer = Self::from_fields(fields);
                        return Self { message: joined(text_of(Some(inner)), outer.message), ..outer };
                    }
                    if inner.is_array() {
                        body.message = text_of(Some(inner)).or(body.message);
                    }
                    body.code = body.code.or_else(|| code(fields));
                    body.retry_after = body.retry_after.or_else(|| places::wait(fields));
                    body.param = body.param.or_else(|| places::field(fields));
                    body.message = body.message.or_else(|| said(fields));
                    return body;
                }
                if let Some(base) = fields.get("base_resp").filter(|base| base.is_object()) {
                    return Self {
                        code: word(base.get("status_code")),
                        message: text_of(base.get("status_msg")),
                        ..Self::default()
                    };
                }
                Self::from_fields(fields)
            }
            _ => Self::default(),
        }
    }

    fn from_fields(fields: &Map<String, Value>) -> Self {
        let inner_code = fields.get("innererror").and_then(|inner| inner.get("code"));
        let metadata = fields.get("metadata");
        let behind = metadata.and_then(|metadata| metadata.get("raw")).and_then(text_of_raw);
        Self {
            code: word(inner_code).or_else(|| detail_word(fields)).or_else(|| code(fields)),
            kind: word(fields.get("type")).or_else(|| word(fields.get("status"))),
            param: places::field(fields),
            message: joined(joined(said(fields), behind), places::more(fields)),
            limit_source: word(metadata.and_then(|metadata| metadata.get("limit_source"))),
            retry_after: places::wait(fields),
            is_page: false,
        }
    }

    /// Whether a "not found" is about a model, and not about the address.
    pub(super) fn speaks_of_a_model(&self) -> bool {
        self.param.as_deref() == Some("model")
            || self.message.as_deref().is_some_and(|text| text.to_lowercase().contains("model"))
    }
}

/// A body without the mark that some servers write before it, and that no JSON has.
pub(crate) fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}

/// What an object says, in whichever field.
pub(super) fn said(fields: &Map<String, Value>) -> Option<String> {
    MESSAGES.iter().chain(&["errors"]).find_map(|name| text_of(fields.get(*name)))
}

/// The code of an object, or the HTTP status that it names.
fn code(fields: &Map<String, Value>) -> Option<String> {
    let named = CODES.iter().find_map(|name| word(fields.get(*name)));
    named.or_else(|| {
        let nested = fields.get("detail").and_then(|detail| word(detail.get("errorcode")));
        nested.or_else(|| word(fields.get("status").filter(|status| status.is_number())))
    })
}

/// What the vendor behind a gateway said: JSON in a text, or JSON.
fn text_of_raw(raw: &Value) -> Option<String> {
    let text = match raw {
        Value::String(text) => text.clone(),
        Value::Null => return None,
        other => other.to_string(),
    };
    ErrorBody::from_bytes(text.as_bytes()).message
}

fn joined(outer: Option<String>, inner: Option<String>) -> Option<String> {
    match (outer, inner) {
        (Some(outer), Some(inner)) if inner.starts_with(&outer) => Some(inner),
        (Some(outer), Some(inner)) if !outer.contains(&inner) => Some(format!("{outer}: {inner}")),
        (outer, inner) => outer.or(inner),
    }
}

/// A text in which the words of JSON stand in the place of that JSON.
fn unfolded(text: &str) -> Option<String> {
    let (start, end) = (text.find(['{', '['])?, text.rfind(['}', ']'])?);
    let value: Value = serde_json::from_str(text.get(start..=end)?).ok()?;
    let inner = ErrorBody::from_json(&value).message?;
    let whole = format!("{}{inner}{}", text.get(..start)?, text.get(end + 1..)?);
    one_line(&whole)
}

/// What a text says, on one line and no longer than a message may be.
pub(crate) fn quoted(text: &str) -> Option<String> {
    one_line(text)
}

/// The word in the details of a Google error: a quota that is used up, or a reason.
fn detail_word(fields: &Map<String, Value>) -> Option<String> {
    let details = fields.get("details")?.as_array()?;
    let quota = details.iter().find_map(|detail| word(detail.pointer("/violations/0/quotaId")));
    quota
        .filter(|id| id.contains("PerDay"))
        .or_else(|| details.iter().find_map(|detail| word(detail.get("reason"))))
}

/// Some servers always send the field, with nothing in it, or with fields in which there is nothing.
pub(super) fn says_something(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) => true,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.trim().is_empty(),
        Value::Object(fields) => fields.values().any(says_something),
        Value::Array(items) => items.iter().any(says_something),
    }
}

pub(super) fn word(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.chars().take(80).collect()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn text_of(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => unfolded(text).or_else(|| one_line(text)),
        // Validation errors are lists of `{loc, msg}`.
        Value::Array(items) => {
            let all: Vec<String> =
                items.iter().take(MOST_ITEMS).filter_map(|item| text_of(Some(item))).collect();
            one_line(&all.join("; "))
        }
        Value::Object(fields) => {
            let text = said(fields)?;
            Some(place(value?).map_or_else(|| text.clone(), |place| format!("{place}: {text}")))
        }
        _ => None,
    }
}

/// Words with one space between them; what no terminal should get is left out.
fn one_line(text: &str) -> Option<String> {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if line.len() > MAX_TEXT * 4 {
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().filter(|c| !c.is_control()));
    }
    let line: String = line.trim().chars().take(MAX_TEXT).collect();
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(body: &str) -> Option<String> {
        ErrorBody::from_bytes(body.as_bytes()).message
    }

    #[test]
    fn every_shape_of_an_error_is_quoted() {
        let raw = json!({"error": {"message": "slow down, pine"}}).to_string();
        for (body, said) in [
            (
                json!({"error": {"message": "Provider returned error", "code": 429, "metadata": {"raw": raw, "provider_name": "P"}}}),
                "Provider returned error: slow down, pine",
            ),
            (
                json!({"error": {"message": "Provider returned error", "metadata": {"raw": "upstream: no"}}}),
                "Provider returned error: upstream: no",
            ),
            (
                json!({"detail": [{"loc": ["body", "messages", 0, "name"], "msg": "field required"}, {"loc": ["query"], "msg": "extra"}]}),
                "name: field required; query: extra",
            ),
            (json!({"detail": "Not Found"}), "Not Found"),
            (json!({"detail": {"error": "x"}, "message": "m"}), "m"),
            (json!({"errors": [{"message": "one"}, "two"]}), "one; two"),
            (json!({"error_code": 336_003, "error_msg": "bad prompt"}), "bad prompt"),
            (json!({"code": 500, "msg": "404 NOT_FOUND", "success": false}), "404 NOT_FOUND"),
            (json!({"error": true, "message": "a flag"}), "a flag"),
            (json!({"status": 400, "title": "Bad Request"}), "Bad Request"),
            (json!({"quite": "different"}), r#"{"quite":"different"}"#),
            (json!([{"error": "in a list"}]), "in a list"),
            (
                json!({"error": "invalid_client", "error_description": "no such client"}),
                "invalid_client: no such client",
            ),
            (
                json!({"error": "Bad Request", "status": 400, "message": "cannot read it"}),
                "Bad Request: cannot read it",
            ),
            (json!({"error": ["one", "two"]}), "one; two"),
            (json!({"error": [{"message": "one"}, {"message": "two"}]}), "one; two"),
            (
                json!({"error": {"code": 400, "message": "Invalid", "details": [
                    {"fieldViolations": [{"field": "top_k", "description": "too large"}, {"description": "more"}]}]}}),
                "Invalid: top_k: too large; more",
            ),
            (
                json!({"error": {"message": "Flagged", "metadata": {"reasons": ["violence", "other"]}}}),
                "Flagged: violence; other",
            ),
            (
                json!({"error": {"message": "Failed", "inner_error": {"message": "disk full"}}}),
                "Failed: disk full",
            ),
            (json!({"message": format!("Upstream - {raw} at once")}), "Upstream - slow down, pine at once"),
            (json!({"error": raw}), "slow down, pine"),
            (json!({"message": "use {name} or [x]"}), "use {name} or [x]"),
        ] {
            assert_eq!(message(&body.to_string()).as_deref(), Some(said), "{body}");
            assert_eq!(message(&format!("\u{feff}{body}")).as_deref(), Some(said), "{body}");
        }
        assert_eq!(message("no \u{1b}[31mhealthy\n\tupstream\0").as_deref(), Some("no [31mhealthy upstream"));
        assert_eq!(
            message("<HTML><head><Title lang=en>502 Bad\nGateway</title>").as_deref(),
            Some("502 Bad Gateway")
        );
        assert_eq!(message("<html><h1>Log in</h1>").as_deref(), Some("Log in"));
        assert_eq!((message("<html>"), message("{}"), message("")), (None, None, None));
    }

    #[test]
    fn places_name_their_field() {
        let body = json!({"detail": [{"loc": ["body", "response_format", 0], "msg": "extra"}]});
        assert_eq!(ErrorBody::from_json(&body).param.as_deref(), Some("response_format"));
        for body in [
            json!({"errors": [{"instancePath": "", "params": {"additionalProperty": "store"}}]}),
            json!({"error": {"message": "m", "details": [{"fieldViolations": [{"field": "store"}]}]}}),
            json!({"error": "Bad Request", "message": "m", "errors": [{"field": "store"}]}),
            json!({"error": {"message": "m", "param": "store"}}),
        ] {
            assert_eq!(ErrorBody::from_json(&body).param.as_deref(), Some("store"), "{body}");
        }
    }
}
