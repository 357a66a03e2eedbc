//! Requests in flight, counted from the request's end to the last byte of its answer.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http_body::{Frame, SizeHint};
use parking_lot::Mutex;
use tokio::sync::watch;

/// In the extensions of an answer that goes on until one side ends it: the orderly end does not wait for it.
#[derive(Debug, Clone, Copy)]
pub struct StaysOpen;

/// Counts a request. One whose body is still coming in is not counted yet: a client that stopped sending would hold up the end.
pub(super) async fn count(State(all): State<InFlight>, request: Request, next: Next) -> Response {
    let guard = Slot::default();
    let request = request.map(|body| {
        if body.is_end_stream() {
            *guard.lock() = Some(all.begin());
            return body;
        }
        Body::new(Incoming { body, all: all.clone(), guard: Arc::clone(&guard) })
    });
    let response = next.run(request).await;
    if response.extensions().get::<StaysOpen>().is_some() {
        return response;
    }
    let guard = guard.lock().take().unwrap_or_else(|| all.begin());
    response.map(|body| Body::new(guard.until_end_of(body)))
}

/// Where the guard of a request waits for its answer.
type Slot = Arc<Mutex<Option<InFlightGuard>>>;

/// The body of a request, which begins to count with its end.
struct Incoming {
    body: Body,
    all: InFlight,
    guard: Slot,
}

impl HttpBody for Incoming {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() || self.body.is_end_stream() {
            self.guard.lock().get_or_insert_with(|| self.all.begin());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What the orderly end waits for; clones count together.
#[derive(Debug, Clone)]
pub struct InFlight(Arc<watch::Sender<usize>>);

impl Default for InFlight {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl InFlight {
    /// Counts one more, until the guard is dropped.
    #[must_use]
    pub fn begin(&self) -> InFlightGuard {
        self.0.send_modify(|count| *count += 1);
        InFlightGuard(self.clone())
    }

    pub(super) fn count(&self) -> usize {
        *self.0.borrow()
    }

    pub(super) async fn none_left(&self) {
        let mut seen = self.0.subscribe();
        // The sender lives as long as this does.
        drop(seen.wait_for(|count| *count == 0).await);
    }
}

/// Something that the orderly end waits for, until this is dropped.
#[derive(Debug)]
pub struct InFlightGuard(InFlight);

impl InFlightGuard {
    /// Lasts until the body has been sent, or is given up.
    fn until_end_of(self, body: Body) -> Counted {
        Counted { body, _guard: self }
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

/// A body that counts as long as it lives.
struct Counted {
    body: Body,
    _guard: InFlightGuard,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
