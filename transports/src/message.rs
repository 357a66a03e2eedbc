//! What a message says, whatever carries it: the one place where bytes become a message of the protocol, or the error that says why they
//! do not.
//!
//! A good message is parsed once. Only one that is refused is looked at again, to name the fault and to find the id.
//! The codes are those of JSON-RPC 2.0, section 5.1; an error whose id is unknown has no `id` member, as MCP 2026-07-28
//! has it.

pub(crate) mod id_scan;
mod meta;
mod params;
mod surrogates;
pub(crate) mod values;

use std::borrow::Cow;

use rmcp::model::{ClientJsonRpcMessage, ErrorCode, ErrorData, JsonRpcMessage, RequestId};
use serde::{Deserialize, Deserializer, Serialize, de::IgnoredAny};
use serde_json::{
    error::Category,
    value::{RawValue, to_raw_value},
};

use self::id_scan::id_of;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// The most letters of a reason. Parsers quote what they did not expect, which may be all of the message.
const REASON: usize = 300;

/// A message that was understood.
#[derive(Debug)]
pub(crate) struct Understood<'a> {
    /// What it says.
    pub message: ClientJsonRpcMessage,
    /// As it was read: without a byte order mark and without what no parser would take.
    pub bytes: Cow<'a, [u8]>,
    /// Whether it says what its sender meant, and not what stands in the bytes.
    pub is_corrected: bool,
}

/// An error that answers what is no message.
#[derive(Debug, Serialize)]
pub(crate) struct Rejection {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Box<RawValue>>,
    error: ErrorData,
}

/// Why bytes give no message.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The error for the client.
    pub rejection: Rejection,
    /// Whether the client may be answered where it awaits no answer: not for nothing at all, and not for a notification.
    pub is_answered: bool,
}

impl Rejection {
    fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>, id: Option<Box<RawValue>>) -> Self {
        Self { jsonrpc: "2.0", id, error: ErrorData::new(code, message, None) }
    }

    /// The answer to a request that was understood.
    pub(crate) fn of(code: ErrorCode, reason: String, id: &RequestId) -> Self {
        Self::new(code, clipped(reason.into()), to_raw_value(id).ok())
    }

    /// The answer to a message of so many bytes.
    pub(crate) fn too_large(bytes: u64, limit: usize, id: Option<Box<RawValue>>) -> Self {
        let message = format!("message too large: {bytes} bytes, the limit is {limit}");
        Self::new(ErrorCode::INVALID_REQUEST, message, id)
    }

    /// Whether it says which request it answers.
    pub(crate) fn has_id(&self) -> bool {
        self.id.is_some()
    }

    /// What kind of error it is.
    pub(crate) fn code(&self) -> ErrorCode {
        self.error.code
    }
}

impl Refused {
    fn answered(code: ErrorCode, reason: impl Into<Cow<'static, str>>, message: &[u8]) -> Box<Self> {
        let rejection = Rejection::new(code, clipped(reason.into()), id_of(message));
        Box::new(Self { rejection, is_answered: true })
    }

    fn silent(code: ErrorCode, reason: impl Into<Cow<'static, str>>) -> Box<Self> {
        Box::new(Self { rejection: Rejection::new(code, clipped(reason.into()), None), is_answered: false })
    }
}

fn clipped(reason: Cow<'static, str>) -> Cow<'static, str> {
    match reason.char_indices().nth(REASON) {
        Some((end, _)) => format!("{}…", reason.get(..end).unwrap_or_default()).into(),
        None => reason,
    }
}

/// Reads one message.
///
/// # Errors
/// What to answer instead.
pub(crate) fn read(message: &[u8]) -> Result<Understood<'_>, Box<Refused>> {
    let message = message.strip_prefix(BYTE_ORDER_MARK).unwrap_or(message).trim_ascii();
    if message.is_empty() {
        return Err(Refused::silent(ErrorCode::PARSE_ERROR, "the message is empty"));
    }
    if values::are_too_many(message) {
        return Err(Refused::answered(ErrorCode::INVALID_REQUEST, values::refusal(), message));
    }
    let bytes = surrogates::replaced(message);
    let parsed = serde_json::from_slice(&bytes).map_err(|error| diagnose(&bytes, &error))?;
    let JsonRpcMessage::Request(mut request) = parsed else {
        return Ok(Understood { message: parsed, bytes, is_corrected: false });
    };
    let checked = meta::check(&request.request).and_then(|()| params::correct(&mut request.request, &bytes));
    match checked {
        Ok(is_corrected) => Ok(Understood { message: JsonRpcMessage::Request(request), bytes, is_corrected }),
        Err(reason) => Err(Refused::answered(ErrorCode::INVALID_PARAMS, reason, &bytes)),
    }
}

fn diagnose(message: &[u8], error: &serde_json::Error) -> Box<Refused> {
    let parse_error = |reason: String| Refused::answered(ErrorCode::PARSE_ERROR, reason, message);
    if let Err(error) = std::str::from_utf8(message) {
        return parse_error(format!("the message is not UTF-8 (byte {})", error.valid_up_to()));
    }
    // This parser neither recurses nor builds anything, so it also accepts what only the real one finds too deep.
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(message) {
        return parse_error(format!("the message is not JSON: {error}"));
    }
    if matches!(error.classify(), Category::Syntax | Category::Eof) {
        return parse_error(format!("the message cannot be read: {error}"));
    }
    let Fault { code, reason, is_answered } = fault(message);
    if is_answered { Refused::answered(code, reason, message) } else { Refused::silent(code, reason) }
}

/// The members of a JSON-RPC message; `null` is told from absent.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// What makes JSON no message of the protocol.
struct Fault {
    code: ErrorCode,
    reason: Cow<'static, str>,
    /// Not so for a notification, which is never answered.
    is_answered: bool,
}

impl Fault {
    fn new(code: ErrorCode, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { code, reason: reason.into(), is_answered: true }
    }
}

fn fault(message: &[u8]) -> Fault {
    let invalid = |reason: Cow<'static, str>| Fault::new(ErrorCode::INVALID_REQUEST, reason);
    if message.starts_with(b"[") {
        return invalid("batches are not supported: send one message at a time".into());
    }
    let envelope: Envelope<'_> = match serde_json::from_slice(message) {
        Ok(envelope) => envelope,
        Err(error) => return invalid(format!("not a JSON-RPC message: {error}").into()),
    };
    let first = |value: Option<&RawValue>| value.and_then(|value| value.get().bytes().next());
    if envelope.jsonrpc.map(RawValue::get) != Some(r#""2.0""#) {
        return invalid(r#"`jsonrpc` must be "2.0""#.into());
    }
    let has_outcome = envelope.result.is_some() || envelope.error.is_some();
    let Some(method) = envelope.method else {
        return invalid(if has_outcome { "not a valid answer" } else { "`method` is missing" }.into());
    };
    let reason = if first(Some(method)) != Some(b'"') {
        "`method` must be a string"
    } else if has_outcome {
        "a message with `method` has neither `result` nor `error`"
    } else if envelope.params.is_some() && !matches!(first(envelope.params), Some(b'{' | b'[')) {
        "`params` must be an object"
    } else if envelope.id.is_none() {
        let reason = "the parameters of the notification are not valid";
        return Fault { is_answered: false, ..Fault::new(ErrorCode::INVALID_PARAMS, reason) };
    } else if !envelope.id.is_some_and(is_request_id) {
        "`id` must be a string or an integer"
    } else if first(envelope.params) == Some(b'[') {
        "`params` must be an object"
    } else if let Some(reason) = envelope.params.and_then(|params| meta::fault(params.get())) {
        return Fault::new(ErrorCode::INVALID_PARAMS, reason);
    } else {
        "not a valid request"
    };
    invalid(reason.into())
}

fn is_request_id(id: &RawValue) -> bool {
    serde_json::from_str::<RequestId>(id.get()).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn rejection(line: impl AsRef<[u8]>) -> Value {
        match read(line.as_ref()) {
            Err(refused) if refused.is_answered => serde_json::to_value(refused.rejection).unwrap(),
            other => panic!("not rejected: {other:?}"),
        }
    }

    fn code_and_id(line: impl AsRef<[u8]>) -> (i64, Value) {
        let rejection = rejection(line);
        assert_eq!(rejection["jsonrpc"], "2.0");
        assert!(!rejection["error"]["message"].as_str().unwrap().is_empty());
        (rejection["error"]["code"].as_i64().unwrap(), rejection.get("id").cloned().unwrap_or(Value::Null))
    }

    /// What is not JSON is a parse error with the id when there is one.
    #[test]
    fn invalid_json_is_a_parse_error() {
        assert_eq!(code_and_id("hello"), (-32700, Value::Null));
        assert_eq!(code_and_id(r#"{"jsonrpc":"2.0","id":3,"method":"ping""#), (-32700, json!(3)));
        assert_eq!(code_and_id(r#"{"jsonrpc":"2.0","id":"a","method":"ping"} x"#), (-32700, json!("a")));
        assert_eq!(code_and_id(b"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"p\xff\"}"), (-32700, json!(4)));
        assert_eq!(
            code_and_id(r#"{"jsonrpc":"2.0","id":5,"method":"ping","params":{"x":1e999}}"#),
            (-32700, json!(5))
        );
    }

    #[test]
    fn deep_nesting_is_refused_without_recursion() {
        let deep = format!(
            r#"{{"jsonrpc":"2.0","id":6,"method":"ping","params":{{"x":{}{}}}}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert_eq!(code_and_id(&deep), (-32700, json!(6)));
        assert_eq!(code_and_id(&deep[..50_000]), (-32700, json!(6)));
        assert_eq!(code_and_id("[".repeat(100_000)).0, -32700);
    }

    /// What is no message is an invalid request that names the fault.
    #[test]
    fn what_is_no_message_is_invalid() {
        for (line, message, id) in [
            (json!([{"jsonrpc": "2.0", "id": 1, "method": "ping"}]), "batches", Value::Null),
            (json!(17), "not a JSON-RPC message", Value::Null),
            (json!({}), "`jsonrpc`", Value::Null),
            (json!({"jsonrpc": "1.0", "id": 1, "method": "ping"}), "`jsonrpc`", json!(1)),
            (json!({"jsonrpc": "2.0", "id": 2, "Method": "ping"}), "`method` is missing", json!(2)),
            (json!({"jsonrpc": "2.0", "id": 2, "method": 1}), "`method` must", json!(2)),
            (json!({"jsonrpc": "2.0", "id": 3, "method": "ping", "params": 17}), "`params`", json!(3)),
            (json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": [1]}), "`params`", json!(3)),
            (json!({"jsonrpc": "2.0", "id": 1.5, "method": "ping"}), "`id`", json!(1.5)),
            (json!({"jsonrpc": "2.0", "id": u64::MAX, "method": "ping"}), "`id`", json!(u64::MAX)),
            (json!({"jsonrpc": "2.0", "id": null, "method": "ping"}), "`id`", Value::Null),
            (json!({"jsonrpc": "2.0", "id": 4, "method": "ping", "result": 1}), "neither", json!(4)),
            (json!({"jsonrpc": "1.0", "id": 5, "result": {}}), "`jsonrpc`", Value::Null),
            (json!({"jsonrpc": "2.0", "id": true, "result": {}}), "answer", Value::Null),
        ] {
            let line = line.to_string();
            assert_eq!(code_and_id(&line), (-32600, id), "{line}");
            assert!(rejection(&line)["error"]["message"].as_str().unwrap().contains(message), "{line}");
        }
        assert_eq!(code_and_id(r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#), (-32600, json!(1)));
    }

    #[test]
    fn a_notification_is_never_answered() {
        for line in [
            "",
            " \t",
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":[1]}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":{}}}"#,
            r#"{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{}}"#,
        ] {
            assert!(read(line.as_bytes()).err().is_none_or(|refused| !refused.is_answered), "{line}");
        }
        assert_eq!(
            code_and_id(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":17}"#),
            (-32600, Value::Null)
        );
    }

    #[test]
    fn too_many_values_are_refused_by_id() {
        let line = |values: usize| {
            let list = vec!["0"; values].join(",");
            format!(
                r#"{{"jsonrpc":"2.0","method":"tools/call","params":{{"name":"x","arguments":{{"a":[{list}]}}}},"id":9}}"#
            )
        };
        assert!(read(line(values::MOST - 20).as_bytes()).is_ok());
        assert_eq!(code_and_id(line(values::MOST)), (-32600, json!(9)));
        assert!(
            rejection(line(values::MOST))["error"]["message"]
                .as_str()
                .unwrap()
                .contains(&values::MOST.to_string())
        );
    }

    #[test]
    fn half_an_id_is_none() {
        let line = r#"{"jsonrpc": "2.0", "id": 5	000, "method": "ping"}"#;
        assert_eq!(code_and_id(line), (-32700, json!(null)));
        let line = "{\"jsonrpc\": \"2.0\", \"id\": 5 \t, \"method\": ping}";
        assert_eq!(code_and_id(line), (-32700, json!(5)));
    }

    /// A byte order mark and a carriage return do no harm.
    #[test]
    fn byte_order_marks_do_no_harm() {
        assert!(read("\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\r".as_bytes()).is_ok());
    }

    proptest! {
        #[test]
        fn any_line_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Err(refused) = read(&bytes) {
                prop_assert!(matches!(refused.rejection.code(), ErrorCode::PARSE_ERROR | ErrorCode::INVALID_REQUEST));
            }
        }

        #[test]
        fn a_damaged_request_keeps_its_id(at in any::<prop::sample::Index>(), byte in any::<u8>(), id in 10_000i64..99_999) {
            let line = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "x", "id": 5}}).to_string();
            let mut bytes = line.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Err(refused) = read(&bytes) {
                let found = serde_json::to_value(refused.rejection).unwrap().get("id").cloned();
                prop_assert_ne!(found, Some(json!(5)));
            }
        }
    }
}
