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
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

/// In the extensions of an answer that goes on until one side ends it: the orderly end does not wait for it.
#[derive(Debug, Clone, Copy)]
pub struct StaysOpen;

/// Counts a request. One whose body is still coming in is not counted yet: a client that stopped sending would hold up the end.
pub(super) async fn count(State(all): State<TaskTracker>, request: Request, next: Next) -> Response {
    let (response, open) = if request.body().is_end_stream() {
        let open = all.token();
        (next.run(request).await, open)
    } else {
        let slot = Slot::default();
        let request =
            request.map(|body| Body::new(Incoming { body, all: all.clone(), slot: Arc::clone(&slot) }));
        let response = next.run(request).await;
        let open = slot.lock().take();
        (response, open.unwrap_or_else(|| all.token()))
    };
    if response.extensions().get::<StaysOpen>().is_some() {
        return response;
    }
    response.map(|body| Body::new(Counted { body, _open: open }))
}

/// Where the token of a request waits for its answer.
type Slot = Arc<Mutex<Option<TaskTrackerToken>>>;

/// The body of a request, which begins to count with its end.
struct Incoming {
    body: Body,
    all: TaskTracker,
    slot: Slot,
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
            self.slot.lock().get_or_insert_with(|| self.all.token());
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

/// A body that counts as long as it lives.
struct Counted {
    body: Body,
    _open: TaskTrackerToken,
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
