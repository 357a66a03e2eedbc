//! Bodies of messages: read once, into one place, and not beyond the limit. tower-http's layer would refuse a long body before it is
//! read, in words of its own, and knows no limit of time.

use std::time::Duration;

use axum::{
    body::{Body, Bytes, HttpBody as _},
    http::StatusCode,
    response::Response,
};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use super::problem;

/// The most room that is made before anything has come.
const FIRST: usize = 64 * 1024;

/// How many times the limit is read of a body that is too long, and forgotten: a client that sends everything before it reads would
/// not see why it was refused.
const FORGOTTEN: usize = 8;

/// The slowest that a body may come in, in bytes a second, once the time for its head is over.
const SLOWEST: u64 = 32 * 1024;

/// What a body may take.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// Its length.
    pub bytes: usize,
    /// The time before it has to come in at a pace.
    pub wait: Duration,
}

/// The whole body, or what its sender is answered when it is too long, too slow or breaks off. A body that comes too slowly is given up,
/// since what is there of it takes memory.
///
/// # Errors
/// The answer that refuses the body.
pub async fn read_body(body: Body, limits: BodyLimits) -> Result<Bytes, Box<Response>> {
    let limit = limits.wait + Duration::from_secs(limits.bytes as u64 / SLOWEST);
    timeout(limit, collect(body, limits.bytes)).await.unwrap_or_else(|_elapsed| {
        let text = "the body did not come in time; send it faster, or less at once";
        Err(Box::new(problem(StatusCode::REQUEST_TIMEOUT, "too_slow", text)))
    })
}

/// Pieces are not collected and then put together: the body would be there twice.
async fn collect(mut body: Body, limit: usize) -> Result<Bytes, Box<Response>> {
    let told = body.size_hint().exact().and_then(|length| usize::try_from(length).ok());
    if told.is_some_and(|length| length > limit) {
        return Err(too_long(body, limit).await);
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let data = match frame.map(http_body::Frame::into_data) {
            Ok(Ok(data)) => data,
            // Trailers.
            Ok(Err(_)) => continue,
            Err(error) => {
                let text = format!("the body could not be read: {error}");
                return Err(Box::new(problem(StatusCode::BAD_REQUEST, "unreadable", &text)));
            }
        };
        if data.len() > limit.saturating_sub(bytes.len()) {
            drop(bytes);
            return Err(too_long(body, limit).await);
        }
        if bytes.len() + data.len() > bytes.capacity() {
            // Room that nothing was written to costs nothing, and growing by and by leaves every smaller room behind.
            let most = told.unwrap_or(limit);
            let room = if bytes.is_empty() { most.min(FIRST.max(data.len())) } else { most };
            bytes.reserve_exact(room.saturating_sub(bytes.len()).max(data.len()));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}

async fn too_long(mut body: Body, limit: usize) -> Box<Response> {
    let mut forgotten = 0_usize;
    while forgotten < limit.saturating_mul(FORGOTTEN)
        && let Some(Ok(frame)) = body.frame().await
    {
        forgotten += frame.data_ref().map_or(0, Bytes::len);
    }
    let text = format!("the body is longer than {limit} bytes; send less, or set serve.message_megabytes");
    Box::new(problem(StatusCode::PAYLOAD_TOO_LARGE, "too_large", &text))
}
