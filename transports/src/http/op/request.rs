//! What a client of the dialect may say.

use std::fmt;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json, value::RawValue};

use crate::message::values;

/// The longest id that is taken.
const MAX_ID: usize = 256;

/// One frame, understood. Arguments stay as they were written: MCP reads them.
#[derive(Clone)]
pub(super) enum Request<'a> {
    /// Which tools there are.
    ListTools,
    /// Call one.
    Call { name: String, arguments: &'a str },
    /// End a call.
    Cancel,
    /// Whether the server is there.
    Ping,
    /// How the server is.
    Health,
    /// Put a new key in the place of the old one.
    RotateToken { old: String, new: String },
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ListTools => out.write_str("ListTools"),
            Self::Call { name, arguments } => {
                out.debug_struct("Call").field("name", name).field("arguments", arguments).finish()
            }
            Self::Cancel => out.write_str("Cancel"),
            Self::Ping => out.write_str("Ping"),
            Self::Health => out.write_str("Health"),
            // Both members are keys.
            Self::RotateToken { .. } => out.debug_struct("RotateToken").finish_non_exhaustive(),
        }
    }
}

/// The members of a frame as they were written.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow, default)]
    op: Option<&'a RawValue>,
    #[serde(borrow, default)]
    request_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool: Option<&'a RawValue>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, default)]
    old: Option<&'a RawValue>,
    #[serde(borrow, default)]
    new: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Tool<'a> {
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
}

/// A frame that cannot be served: the code and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: String,
    /// Whether the frame asked for a call, so that its refusal is the result of that call.
    pub(super) of_call: bool,
}

impl Refusal {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), of_call: false }
    }
}

/// Whether a frame costs nothing: it asks whether the server is there, or ends a call.
pub(super) fn is_free(frame: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Op<'a> {
        #[serde(borrow)]
        op: std::borrow::Cow<'a, str>,
    }
    serde_json::from_slice::<Op<'_>>(frame).is_ok_and(|frame| matches!(&*frame.op, "ping" | "cancel"))
}

/// The frame's id, if it has one that can be echoed, and what it asks for.
pub(super) fn parse(frame: &[u8]) -> (Option<Value>, Result<Request<'_>, Refusal>) {
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(frame) {
        return (None, Err(Refusal::new("VALIDATION_ERROR", format!("the frame is not JSON: {error}"))));
    }
    // A list would be taken for the members in their order.
    if frame.trim_ascii_start().first() != Some(&b'{') {
        return (None, Err(Refusal::new("VALIDATION_ERROR", "a frame is a JSON object")));
    }
    let said = match serde_json::from_slice::<Said<'_>>(frame) {
        Ok(said) => said,
        Err(error) => {
            let message = format!("the frame cannot be understood: {error}");
            return (None, Err(Refusal::new("INVALID_REQUEST", message)));
        }
    };
    let id = match said.request_id.map(id) {
        None => None,
        Some(Some(id)) => Some(id),
        Some(None) => {
            let message = format!("request_id is a text or a number of at most {MAX_ID} bytes");
            return (None, Err(Refusal::new("INVALID_REQUEST", message)));
        }
    };
    let request = understood(&said, id.is_some());
    (id, request)
}

fn id(written: &RawValue) -> Option<Value> {
    let is_one = |byte: &u8| matches!(byte, b'"' | b'-' | b'0'..=b'9');
    let id: Value = match written.get().as_bytes().first().is_some_and(is_one) {
        true => serde_json::from_str(written.get()).ok()?,
        false => return None,
    };
    (id.to_string().len() <= MAX_ID).then_some(id)
}

fn text(written: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(written?.get()).ok()
}

fn understood<'a>(said: &Said<'a>, has_id: bool) -> Result<Request<'a>, Refusal> {
    let Some(op) = text(said.op) else {
        return Err(Refusal::new("INVALID_REQUEST", "a frame has an `op`"));
    };
    match op.as_str() {
        "list_tools" => Ok(Request::ListTools),
        "call_tool" | "tool_call" => call(said).map_err(|refusal| Refusal { of_call: true, ..refusal }),
        "cancel" if has_id => Ok(Request::Cancel),
        "cancel" => Err(Refusal::new("INVALID_REQUEST", "cancel needs the request_id of the call")),
        "ping" => Ok(Request::Ping),
        "health" => Ok(Request::Health),
        "rotate_token" => {
            let (old, new) = (text(said.old).unwrap_or_default(), text(said.new).unwrap_or_default());
            Ok(Request::RotateToken { old, new })
        }
        "hello" => Err(Refusal::new("INVALID_REQUEST", "hello is said once, at the beginning")),
        other => {
            let shown: String = other.chars().take(40).collect();
            Err(Refusal::new("INVALID_REQUEST", format!("Unknown op: {shown}")))
        }
    }
}

/// `call_tool` names its tool in `name`, `tool_call` in `tool`, as a text or as an object; both may do either.
fn call<'a>(said: &Said<'a>) -> Result<Request<'a>, Refusal> {
    let within = |tool: &'a RawValue| {
        let tool = Some(tool.get()).filter(|tool| tool.starts_with('{'))?;
        serde_json::from_str::<Tool<'a>>(tool).ok()?.name
    };
    let named = said.name.or_else(|| said.tool.and_then(within)).or(said.tool);
    let Some(name) = text(named).filter(|name| !name.is_empty()) else {
        return Err(Refusal::new("VALIDATION_ERROR", "the name of the tool is missing"));
    };
    let arguments = said.arguments.map_or("{}", RawValue::get);
    // A text may hold the object; whoever reads the call looks into it.
    if !arguments.starts_with(['{', '"']) {
        return Err(Refusal::new("VALIDATION_ERROR", "arguments is an object"));
    }
    if values::are_too_many(arguments.as_bytes()) {
        return Err(Refusal::new("VALIDATION_ERROR", values::refusal()));
    }
    Ok(Request::Call { name, arguments })
}

/// What a refused frame is answered with.
pub(super) fn refused(id: Option<&Value>, refusal: &Refusal) -> Value {
    let error = json!({"code": refusal.code, "message": refusal.message});
    let op = if refusal.of_call { "call_tool_res" } else { "error" };
    let mut frame = json!({"op": op, "ok": false, "error": error});
    if let Some(id) = id {
        frame["request_id"] = id.clone();
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_key() {
        let (_, request) = parse(br#"{"op":"rotate_token","old":"secret-1","new":"secret-2"}"#);
        assert_eq!(format!("{request:?}"), "Ok(RotateToken { .. })");
    }
}
