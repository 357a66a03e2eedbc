//! What a client of the dialect may say.

use serde_json::{Map, Value, json};

/// The longest id that is taken.
const MAX_ID: usize = 256;

/// One frame, understood.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Request {
    /// Which tools there are.
    ListTools,
    /// Call one.
    Call { name: String, arguments: Map<String, Value> },
    /// End a call.
    Cancel,
    /// Is anybody there?
    Ping,
    /// How is the server?
    Health,
    /// Put a new key in the place of the old one.
    RotateToken { old: String, new: String },
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

/// The frame's id, if it has one that can be echoed, and what it asks for.
pub(super) fn parse(frame: &[u8]) -> (Option<Value>, Result<Request, Refusal>) {
    let said = match serde_json::from_slice::<Value>(frame) {
        Ok(Value::Object(said)) => said,
        Ok(_) => return (None, Err(Refusal::new("VALIDATION_ERROR", "a frame is a JSON object"))),
        Err(error) => {
            return (None, Err(Refusal::new("VALIDATION_ERROR", format!("the frame is not JSON: {error}"))));
        }
    };
    let id = match said.get("request_id") {
        None | Some(Value::Null) => None,
        Some(id @ (Value::String(_) | Value::Number(_))) if id.to_string().len() <= MAX_ID => {
            Some(id.clone())
        }
        Some(_) => {
            let message = format!("request_id is a text or a number of at most {MAX_ID} bytes");
            return (None, Err(Refusal::new("INVALID_REQUEST", message)));
        }
    };
    let request = understood(&said, id.is_some());
    (id, request)
}

fn understood(said: &Map<String, Value>, has_id: bool) -> Result<Request, Refusal> {
    let text = |key: &str| said.get(key).and_then(Value::as_str).map(str::to_owned);
    let Some(op) = said.get("op").and_then(Value::as_str) else {
        return Err(Refusal::new("INVALID_REQUEST", "a frame has an `op`"));
    };
    match op {
        "list_tools" => Ok(Request::ListTools),
        "call_tool" | "tool_call" => call(said).map_err(|refusal| Refusal { of_call: true, ..refusal }),
        "cancel" if has_id => Ok(Request::Cancel),
        "cancel" => Err(Refusal::new("INVALID_REQUEST", "cancel needs the request_id of the call")),
        "ping" => Ok(Request::Ping),
        "health" => Ok(Request::Health),
        "rotate_token" => {
            let (old, new) = (text("old").unwrap_or_default(), text("new").unwrap_or_default());
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
fn call(said: &Map<String, Value>) -> Result<Request, Refusal> {
    let tool = said.get("tool");
    let named = said.get("name").or_else(|| tool.and_then(|tool| tool.get("name"))).or(tool);
    let Some(name) = named.and_then(Value::as_str).filter(|name| !name.is_empty()) else {
        return Err(Refusal::new("VALIDATION_ERROR", "the name of the tool is missing"));
    };
    let arguments = match said.get("arguments") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(arguments)) => arguments.clone(),
        Some(_) => return Err(Refusal::new("VALIDATION_ERROR", "arguments is an object")),
    };
    Ok(Request::Call { name: name.to_owned(), arguments })
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
