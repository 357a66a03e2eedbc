//! What rmcp answers in its own way is brought into the form of the specification before it gets there: `Accept: */*`, bodies that are
//! no JSON, batches.

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use exai_server::{BodyLimits, StaysOpen, read_body};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json, value::RawValue};

use super::early_response;
use crate::{jsonrpc::id_scan::id_of, values};

/// What a client of the protocol accepts.
const ACCEPT: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
/// The method of a call of a tool.
const CALL: &str = "tools/call";
/// The method of the message that opens a session, whatever revision it names.
const INITIALIZE: &str = "initialize";
/// The method of a request whose answer goes on until one side ends it.
const LISTEN: &str = "subscriptions/listen";
const PARSE_ERROR: i64 = -32_700;
const INVALID_REQUEST: i64 = -32_600;

/// In the extensions of a request whose message is the first of a session.
#[derive(Debug, Clone)]
pub(super) struct Initialize {
    /// The revision of the protocol that its client asks for.
    pub revision: Option<String>,
}

pub(super) async fn normalize(State(limits): State<BodyLimits>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        let is_stream = request.method() == Method::GET;
        let mut response = next.run(request).await;
        if is_stream {
            response.extensions_mut().insert(StaysOpen);
        }
        return response;
    }
    let (mut head, body) = request.into_parts();
    let accepts_all = |value: &HeaderValue| value.to_str().is_ok_and(|text| text.contains("*/*"));
    if head.headers.get(header::ACCEPT).is_none_or(accepts_all) {
        head.headers.insert(header::ACCEPT, ACCEPT);
    }
    let body = match read_body(body, limits).await {
        Ok(body) => body,
        Err(refusal) => return *refusal,
    };
    let method = match method(&body) {
        Ok(method) => method,
        Err(refusal) => return *refusal,
    };
    let is_call = method.as_deref() == Some(CALL);
    let is_listen = method.as_deref() == Some(LISTEN);
    if method.as_deref() == Some(INITIALIZE) {
        head.extensions.insert(Initialize { revision: revision(&body) });
    }
    let is_json = head.headers.get(header::CONTENT_TYPE).is_some_and(|kind| {
        kind.to_str().is_ok_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("application/json"))
    });
    let request = Request::from_parts(head, Body::from(body.clone()));
    let work = Box::pin(next.run(request));
    // Only calls take long, and what opens a session has something to say in its head.
    let mut response = if is_call { early_response::answered(work).await } else { work.await };
    if is_listen && response.status().is_success() {
        response.extensions_mut().insert(StaysOpen);
    }
    if is_json && response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        // The SDK's word for what it cannot read: no message, or no JSON after all, such as with a number beyond all bounds. How many
        // values there are is known to be bounded.
        let (code, text) = match serde_json::from_slice::<Value>(&body) {
            Ok(_) => (INVALID_REQUEST, "Invalid Request: this is no message of the protocol"),
            Err(_) => (PARSE_ERROR, "Parse error: the message cannot be read"),
        };
        return refusal(code, text, id_of(&body).as_deref());
    }
    response
}

/// An error of the protocol outside of any call.
fn refusal(code: i64, message: &str, id: Option<&RawValue>) -> Response {
    let error = json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } });
    (StatusCode::BAD_REQUEST, Json(error)).into_response()
}

/// The revision that a first message names.
fn revision(body: &Bytes) -> Option<String> {
    #[derive(Deserialize)]
    struct Message {
        params: Params,
    }
    #[derive(Deserialize)]
    struct Params {
        #[serde(rename = "protocolVersion")]
        revision: String,
    }
    serde_json::from_slice::<Message>(body).ok().map(|message| message.params.revision)
}

/// The method of a message; none in an answer.
fn method(body: &Bytes) -> Result<Option<String>, Box<Response>> {
    let refuse = |code: i64, message: String, id: Option<Box<RawValue>>| {
        Err(Box::new(refusal(code, &message, id.as_deref())))
    };
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow, default)]
        method: Option<&'a RawValue>,
    }
    if values::are_too_many(body) {
        return refuse(INVALID_REQUEST, format!("Invalid Request: {}", values::refusal()), id_of(body));
    }
    let is_object = body.trim_ascii_start().first() == Some(&b'{');
    let read = if is_object {
        serde_json::from_slice::<Named<'_>>(body)
    } else {
        serde_json::from_slice::<IgnoredAny>(body).map(|_| Named { method: None })
    };
    match read {
        Ok(named) if is_object => Ok(named.method.and_then(|method| serde_json::from_str(method.get()).ok())),
        Ok(_) => {
            let text = "Invalid Request: send one message a request, and no batch: a message is an object";
            refuse(INVALID_REQUEST, text.to_owned(), None)
        }
        Err(error) if error.is_data() => refuse(INVALID_REQUEST, format!("Invalid Request: {error}"), None),
        Err(error) => refuse(PARSE_ERROR, format!("Parse error: {error}"), None),
    }
}
