//! Turns a line into a message, or says what is wrong with it.
//!
//! A good line is parsed once. Only a line that is refused is looked at again, to name the fault and to find the id.
//! The codes are those of JSON-RPC 2.0, section 5.1; an error whose id is unknown has no `id` member, as MCP 2026-07-28
//! has it.

use std::borrow::Cow;

use rmcp::model::{ClientJsonRpcMessage, ErrorCode, ErrorData};
use serde::{Deserialize, Deserializer, Serialize, de::IgnoredAny};
use serde_json::{error::Category, value::RawValue};

use super::id_scan::id_of;
use crate::values;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// An error that answers a line which is no message.
#[derive(Debug, Serialize)]
pub(super) struct Rejection {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Box<RawValue>>,
    error: ErrorData,
}

/// Why a line gives no message.
#[derive(Debug)]
pub(super) enum Refused {
    /// The client gets an error.
    Answer(Box<Rejection>),
    /// A blank line, or a notification that is not understood: neither may be answered.
    Silent,
}

impl Rejection {
    fn boxed(code: ErrorCode, message: impl Into<Cow<'static, str>>, id: Option<Box<RawValue>>) -> Box<Self> {
        Box::new(Self { jsonrpc: "2.0", id, error: ErrorData::new(code, message, None) })
    }

    /// The answer to a line of `bytes` bytes.
    pub(super) fn too_large(bytes: u64, limit: usize, id: Option<Box<RawValue>>) -> Box<Self> {
        let message = format!("message too large: {bytes} bytes, the limit is {limit}");
        Self::boxed(ErrorCode::INVALID_REQUEST, message, id)
    }
}

/// Parses one line, without its line feed.
pub(super) fn decode(line: &[u8]) -> Result<ClientJsonRpcMessage, Refused> {
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line).trim_ascii();
    if line.is_empty() {
        return Err(Refused::Silent);
    }
    if values::are_too_many(line) {
        let id = id_of(line);
        return Err(Refused::Answer(Rejection::boxed(ErrorCode::INVALID_REQUEST, values::refusal(), id)));
    }
    serde_json::from_slice(line).map_err(|error| diagnose(line, &error))
}

fn diagnose(line: &[u8], error: &serde_json::Error) -> Refused {
    let parse_error =
        |reason: String| Refused::Answer(Rejection::boxed(ErrorCode::PARSE_ERROR, reason, id_of(line)));
    if let Err(error) = std::str::from_utf8(line) {
        return parse_error(format!("the line is not UTF-8 (byte {})", error.valid_up_to()));
    }
    // This parser neither recurses nor builds anything, so it also accepts what only the real one finds too deep.
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(line) {
        return parse_error(format!("the line is not JSON: {error}"));
    }
    if matches!(error.classify(), Category::Syntax | Category::Eof) {
        return parse_error(format!("the line cannot be read: {error}"));
    }
    match fault(line) {
        Some(reason) => Refused::Answer(Rejection::boxed(ErrorCode::INVALID_REQUEST, reason, id_of(line))),
        None => Refused::Silent,
    }
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

/// What makes JSON no JSON-RPC message that we take; `None` for a notification, which is never answered.
fn fault(line: &[u8]) -> Option<Cow<'static, str>> {
    if line.starts_with(b"[") {
        return Some("batches are not supported: send one message a line".into());
    }
    let envelope: Envelope<'_> = match serde_json::from_slice(line) {
        Ok(envelope) => envelope,
        Err(error) => return Some(format!("not a JSON-RPC message: {error}").into()),
    };
    let first = |value: Option<&RawValue>| value.and_then(|value| value.get().bytes().next());
    if envelope.jsonrpc.map(RawValue::get) != Some(r#""2.0""#) {
        return Some(r#"`jsonrpc` must be "2.0""#.into());
    }
    let has_outcome = envelope.result.is_some() || envelope.error.is_some();
    let Some(method) = envelope.method else {
        return Some(if has_outcome { "not a valid answer" } else { "`method` is missing" }.into());
    };
    let reason = if first(Some(method)) != Some(b'"') {
        "`method` must be a string"
    } else if has_outcome {
        "a message with `method` has neither `result` nor `error`"
    } else if envelope.params.is_some() && !matches!(first(envelope.params), Some(b'{' | b'[')) {
        "`params` must be an object"
    } else if envelope.id.is_none() {
        return None;
    } else if !envelope.id.is_some_and(is_request_id) {
        "`id` must be a string or an integer"
    } else if first(envelope.params) == Some(b'[') {
        "`params` must be an object"
    } else {
        "not a valid request"
    };
    Some(reason.into())
}

fn is_request_id(id: &RawValue) -> bool {
    serde_json::from_str::<rmcp::model::RequestId>(id.get()).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn rejection(line: impl AsRef<[u8]>) -> Value {
        match decode(line.as_ref()) {
            Err(Refused::Answer(rejection)) => serde_json::to_value(rejection).unwrap(),
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
            assert!(!matches!(decode(line.as_bytes()), Err(Refused::Answer(_))), "{line}");
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
        assert!(decode(line(values::MOST - 20).as_bytes()).is_ok());
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
        assert!(decode("\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\r".as_bytes()).is_ok());
    }

    proptest! {
        #[test]
        fn any_line_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Err(Refused::Answer(rejection)) = decode(&bytes) {
                prop_assert!(matches!(rejection.error.code, ErrorCode::PARSE_ERROR | ErrorCode::INVALID_REQUEST));
            }
        }

        #[test]
        fn a_damaged_request_keeps_its_id(at in any::<prop::sample::Index>(), byte in any::<u8>(), id in 10_000i64..99_999) {
            let line = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "x", "id": 5}}).to_string();
            let mut bytes = line.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Err(Refused::Answer(rejection)) = decode(&bytes) {
                let found = serde_json::to_value(rejection).unwrap().get("id").cloned();
                prop_assert_ne!(found, Some(json!(5)));
            }
        }
    }
}
