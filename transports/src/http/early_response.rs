//! The first byte of an answer that takes long. The SDK begins its answer with the handler's first message, so a call that reports no
//! progress would be silent until it is done, and proxies and clients that wait a minute for a first byte would give up.

use std::{pin::Pin, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use futures::{Stream, StreamExt as _, stream};
use tokio::time::timeout;

/// How long an answer may take before its head is sent without it. Most are there sooner, with a status of their own.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between comments while nothing else is sent; they mean nothing to a client.
const COMMENTS: Duration = Duration::from_secs(10);
const COMMENT: Bytes = Bytes::from_static(b": working\n\n");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");

type Waiting = Pin<Box<dyn Future<Output = Response> + Send>>;
type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, axum::Error>> + Send>>;

/// The answer when it comes soon; else a stream of events that begins now and ends with it. Dropping the stream drops the work.
pub(super) async fn answered(mut work: Waiting) -> Response {
    if let Ok(response) = timeout(PATIENCE, &mut work).await {
        return response;
    }
    let first = stream::once(async { Ok(COMMENT) });
    let rest = stream::unfold(State::Waiting(work), |state| async move { state.next().await });
    let headers = [
        (header::CONTENT_TYPE, EVENTS),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (StatusCode::OK, headers, Body::from_stream(first.chain(rest))).into_response()
}

enum State {
    Waiting(Waiting),
    /// Its events, as they are.
    Events(Chunks),
    /// An answer that is one message: the pieces of it, which become one event.
    Message(Chunks),
    Over,
}

impl State {
    async fn next(self) -> Option<(Result<Bytes, axum::Error>, Self)> {
        match self {
            Self::Waiting(mut work) => match timeout(COMMENTS, &mut work).await {
                Err(_elapsed) => Some((Ok(COMMENT), Self::Waiting(work))),
                Ok(response) => {
                    let is_events = response.headers().get(header::CONTENT_TYPE) == Some(&EVENTS);
                    let chunks: Chunks = Box::pin(response.into_body().into_data_stream());
                    if is_events {
                        Box::pin(Self::Events(chunks).next()).await
                    } else {
                        Some((Ok(Bytes::from_static(b"data: ")), Self::Message(chunks)))
                    }
                }
            },
            Self::Events(mut chunks) => Some((chunks.next().await?, Self::Events(chunks))),
            Self::Message(mut chunks) => match chunks.next().await {
                Some(piece) => Some((piece, Self::Message(chunks))),
                None => Some((Ok(Bytes::from_static(b"\n\n")), Self::Over)),
            },
            Self::Over => None,
        }
    }
}
