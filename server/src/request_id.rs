//! A name for every request, in the answer and in the log, so that both can be found by it.

use std::sync::{
    LazyLock,
    atomic::{AtomicU64, Ordering},
};

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use tracing::Instrument as _;
use uuid::Uuid;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// A longer name of a client's is not taken over.
const LONGEST: usize = 128;

/// The client's name for it, or one of ours. tower-http's layers would take over any name, and it would get into the log as it is.
pub(super) async fn name(request: Request, next: Next) -> Response {
    let given = request.headers().get(HEADER).filter(|value| is_name(value)).cloned();
    let name = given.or_else(|| HeaderValue::from_str(&fresh()).ok());
    let shown = name.as_ref().and_then(|name| name.to_str().ok()).unwrap_or_default();
    let span =
        tracing::debug_span!("http", id = shown, method = %request.method(), path = request.uri().path());
    let mut response = next.run(request).instrument(span).await;
    if let Some(name) = name {
        response.headers_mut().insert(HEADER, name);
    }
    response
}

/// A name that no other request has: of this process, and a number. Random ones would cost each refused request more than its refusal.
fn fresh() -> String {
    static PROCESS: LazyLock<String> = LazyLock::new(|| Uuid::new_v4().simple().to_string());
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    format!("{}-{:x}", *PROCESS, NUMBER.fetch_add(1, Ordering::Relaxed))
}

fn is_name(value: &HeaderValue) -> bool {
    value.len() <= LONGEST
        && !value.is_empty()
        && value.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte))
}
