//! Finds code, type and text in the many shapes that vendors and gateways give an error.

use serde_json::Value;

/// Longest text that is taken over, in characters; a message is cut again when it is complete.
const MAX_TEXT: usize = 400;

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
    /// The answer is a web page, so it comes from something in between.
    pub(crate) is_page: bool,
}

impl ErrorBody {
    /// Reads a body that may be JSON, text, a web page or nothing.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
            return Self::from_json(&value);
        }
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim();
        if text.starts_with('<') {
            return Self { is_page: true, ..Self::default() };
        }
        Self::from_text(text)
    }

    /// A text with no further structure.
    pub(crate) fn from_text(text: &str) -> Self {
        Self { message: one_line(text), ..Self::default() }
    }

    /// Shapes: `{error: {..}}`, `{error: "text"}`, `{detail: ..}`, `{message: ..}`, `{base_resp: {..}}`, any of them in a list.
    pub(crate) fn from_json(value: &Value) -> Self {
        match value {
            Value::Array(items) => items.first().map(Self::from_json).unwrap_or_default(),
            Value::String(text) => Self::from_text(text),
            Value::Object(fields) => {
                if let Some(inner) = fields.get("error").filter(|inner| !inner.is_null()) {
                    let mut body = Self::from_json(inner);
                    body.code = body.code.or_else(|| word(fields.get("code")));
                    body.message = body.message.or_else(|| text_of(fields.get("message")));
                    return body;
                }
                if let Some(base) = fields.get("base_resp").filter(|base| base.is_object()) {
                    return Self {
                        code: word(base.get("status_code")),
                        message: text_of(base.get("status_msg")),
                        ..Self::default()
                    };
                }
                let inner_code = fields.get("innererror").and_then(|inner| inner.get("code"));
                let metadata = fields.get("metadata");
                Self {
                    code: word(inner_code)
                        .or_else(|| detail_word(fields))
                        .or_else(|| word(fields.get("code"))),
                    kind: word(fields.get("type")).or_else(|| word(fields.get("status"))),
                    param: word(fields.get("param")),
                    message: ["message", "detail", "msg", "error_description"]
                        .iter()
                        .find_map(|name| text_of(fields.get(*name))),
                    limit_source: word(metadata.and_then(|metadata| metadata.get("limit_source"))),
                    is_page: false,
                }
            }
            _ => Self::default(),
        }
    }

    /// Whether a "not found" is about a model, and not about the address.
    pub(super) fn speaks_of_a_model(&self) -> bool {
        self.param.as_deref() == Some("model")
            || self.message.as_deref().is_some_and(|text| text.to_lowercase().contains("model"))
    }
}

/// The word in the details of a Google error: a quota that is used up, or a reason.
fn detail_word(fields: &serde_json::Map<String, Value>) -> Option<String> {
    let details = fields.get("details")?.as_array()?;
    let quota = details.iter().find_map(|detail| word(detail.pointer("/violations/0/quotaId")));
    quota
        .filter(|id| id.contains("PerDay"))
        .or_else(|| details.iter().find_map(|detail| word(detail.get("reason"))))
}

/// An error in an answer whose status says that all is well.
pub(super) fn hidden(answer: &Value) -> Option<ErrorBody> {
    let answer = match answer {
        Value::Array(items) => items.first()?,
        other => other,
    };
    let fields = answer.as_object()?;
    if fields.get("error").is_some_and(says_something) {
        return Some(ErrorBody::from_json(answer));
    }
    let status = fields.get("base_resp")?.get("status_code")?;
    let fine = status.as_i64() == Some(0) || status.as_str() == Some("0") || status.is_null();
    (!fine).then(|| ErrorBody::from_json(answer))
}

/// Some servers always send the field, with nothing in it.
fn says_something(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    }
}

fn word(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.chars().take(80).collect()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn text_of(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => one_line(text),
        // Validation errors are lists of `{loc, msg}`.
        Value::Array(items) => text_of(items.first()),
        Value::Object(fields) => text_of(fields.get("msg")).or_else(|| text_of(fields.get("message"))),
        _ => None,
    }
}

fn one_line(text: &str) -> Option<String> {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if line.len() > MAX_TEXT * 4 {
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let line: String = line.chars().take(MAX_TEXT).collect();
    (!line.is_empty()).then_some(line)
}
