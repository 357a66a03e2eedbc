//! What rmcp answers in its own way is brought into the form of the specification before it gets there: `Accept: */*`, and bodies that are
//! no message of the protocol.

use std::borrow::Cow;

use axum::{
    Json,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use exai_server::{BodyLimits, StaysOpen, TooFast, read_body};
use rmcp::model::{ClientRequest, ErrorCode, JsonRpcMessage, RequestId};

use super::{early_response, pacing};
use crate::message::{self, Refused, Rejection, Understood};

/// What a client of the protocol accepts.
const ACCEPT: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
/// The most bytes of a refusal in the SDK's words. They repeat a header at most.
const MOST_WORDS: usize = 64 * 1024;
/// The header with the revision of the protocol.
const REVISION: &str = "mcp-protocol-version";
/// The first revision in which an error of the parameters has a status of its own. Clients of the earlier ones take every status of an
/// error for one of the transport.
const WITH_STATUS: &str = "2026-07-28";

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
    let Message { body, kind, id } = match read(&body) {
        Ok(message) => message,
        Err(refused) => return refusal(&refused.rejection, &head.headers),
    };
    if let Some(too_fast) = head.extensions.get::<TooFast>().filter(|_| !pacing::is_free(&body)) {
        // Clients take a bare 429 for the end of their session.
        return Json(pacing::refusal(&body, too_fast.retry_after())).into_response();
    }
    let (is_call, is_listen) = (matches!(kind, Kind::Call), matches!(kind, Kind::Listen));
    if let Kind::Initialize(initialize) = kind {
        head.extensions.insert(initialize);
    }
    let work = Box::pin(next.run(Request::from_parts(head, Body::from(body))));
    // Only calls take long, and what opens a session has something to say in its head.
    let mut response = if is_call { early_response::answered(work).await } else { work.await };
    if is_listen && response.status().is_success() {
        response.extensions_mut().insert(StaysOpen);
    }
    match id {
        Some(id) => in_form(response, &id).await,
        None => response,
    }
}

/// What the SDK refuses in plain words, as the answer of the request: without a session, or with a revision that it does not know. A
/// session that is not known is left to its status, by which clients begin anew.
async fn in_form(response: Response, id: &RequestId) -> Response {
    let is_plain =
        response.status().is_client_error() && !response.headers().contains_key(header::CONTENT_TYPE);
    if !is_plain || response.status() == StatusCode::NOT_FOUND {
        return response;
    }
    let (head, body) = response.into_parts();
    let words = to_bytes(body, MOST_WORDS).await.unwrap_or_default();
    let words = String::from_utf8_lossy(&words).into_owned();
    let rejection = Rejection::of(ErrorCode::INVALID_REQUEST, words, id);
    (head.status, Json(rejection)).into_response()
}

/// A message as the SDK is to read it.
struct Message {
    body: Bytes,
    kind: Kind,
    /// Of a request.
    id: Option<RequestId>,
}

/// The messages that are treated in a way of their own.
enum Kind {
    /// The message that opens a session, whatever revision it names.
    Initialize(Initialize),
    /// A call of a tool.
    Call,
    /// A request whose answer goes on until one side ends it.
    Listen,
    Other,
}

/// Reads a message, and gives back what it takes before the SDK reads it once more.
fn read(body: &Bytes) -> Result<Message, Box<Refused>> {
    let Understood { message, bytes, is_corrected } = message::read(body)?;
    let id = match &message {
        JsonRpcMessage::Request(request) => Some(request.id.clone()),
        _ => None,
    };
    let kind = match &message {
        JsonRpcMessage::Request(request) => match &request.request {
            ClientRequest::InitializeRequest(initialize) => {
                let revision = Some(initialize.params.protocol_version.as_str().to_owned());
                Kind::Initialize(Initialize { revision })
            }
            ClientRequest::CallToolRequest(_) => Kind::Call,
            ClientRequest::SubscriptionsListenRequest(_) => Kind::Listen,
            _ => Kind::Other,
        },
        _ => Kind::Other,
    };
    let body = match bytes {
        _ if is_corrected => serde_json::to_vec(&message).map_or_else(|_| body.clone(), Bytes::from),
        Cow::Owned(changed) => changed.into(),
        Cow::Borrowed(same) => body.slice_ref(same),
    };
    Ok(Message { body, kind, id })
}

/// An error of the protocol before any work.
fn refusal(rejection: &Rejection, headers: &HeaderMap) -> Response {
    let has_status =
        headers.get(REVISION).is_some_and(|revision| revision.as_bytes() >= WITH_STATUS.as_bytes());
    let status = match rejection.code() {
        ErrorCode::INVALID_PARAMS if rejection.has_id() && !has_status => StatusCode::OK,
        _ => StatusCode::BAD_REQUEST,
    };
    (status, Json(rejection)).into_response()
}
