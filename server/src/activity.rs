//! What happens on one connection of HTTP: whether a request is under way, and whether an answer is not taken. Over HTTP/2 a client can
//! leave an answer unread, and be idle, and still answer every ping.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

/// The requests of one connection. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Activity(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    next: u64,
    /// The requests under way, and since when a piece of their answer waits to be taken.
    open: HashMap<u64, Option<Instant>>,
    /// When the last one ended.
    idle_since: Instant,
}

impl Activity {
    pub(super) fn new() -> Self {
        let state = State { next: 0, open: HashMap::new(), idle_since: Instant::now() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// A request has begun.
    pub(super) fn begin(&self) -> Exchange {
        let mut state = self.0.lock();
        let number = state.next;
        state.next += 1;
        state.open.insert(number, None);
        Exchange { activity: self.clone(), number }
    }

    /// Until nothing is under way, and was not for so long.
    pub(super) async fn idle(&self, limit: Duration) {
        self.wait(|state, now| {
            let until = if state.open.is_empty() { state.idle_since + limit } else { now + limit };
            until.max(now)
        })
        .await;
    }

    /// Until a piece of an answer was not taken for so long.
    pub(super) async fn unread(&self, limit: Duration) {
        self.wait(|state, now| {
            let oldest = state.open.values().flatten().min();
            oldest.map_or(now + limit, |since| (*since + limit).max(now))
        })
        .await;
    }

    /// Looks again at the time that is named, until that is now.
    async fn wait(&self, until: impl Fn(&State, Instant) -> Instant) {
        loop {
            let now = Instant::now();
            let next = until(&self.0.lock(), now);
            if next <= now {
                return;
            }
            sleep_until(next).await;
        }
    }
}

/// A request and its answer, until this is dropped.
#[derive(Debug)]
pub(super) struct Exchange {
    activity: Activity,
    number: u64,
}

impl Exchange {
    fn note(&self, unread: Option<Instant>) {
        self.activity.0.lock().open.insert(self.number, unread);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let mut state = self.activity.0.lock();
        state.open.remove(&self.number);
        state.idle_since = Instant::now();
    }
}

/// The body of an answer, watched for whether it is taken.
pub(super) struct Watched {
    body: Body,
    exchange: Exchange,
    is_unread: bool,
}

impl Watched {
    pub(super) fn new(body: Body, exchange: Exchange) -> Self {
        Self { body, exchange, is_unread: false }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if std::mem::take(&mut self.is_unread) {
            self.exchange.note(None);
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        // Also the last one: HTTP/2 takes it first and waits for room afterwards, with the body in hand.
        if frame.is_some() {
            self.is_unread = true;
            self.exchange.note(Some(Instant::now()));
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

#[cfg(test)]
mod tests {
    use std::io;

    use futures::{FutureExt as _, StreamExt as _, stream};
    use http_body_util::BodyExt as _;
    use tokio::time::{advance, timeout};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_between_requests() {
        let (activity, begun) = (Activity::new(), Instant::now());
        let exchange = activity.begin();
        assert!(timeout(10 * LIMIT, activity.idle(LIMIT)).await.is_err(), "a request is under way");
        drop(exchange);
        let ended = Instant::now();
        activity.idle(LIMIT).await;
        assert!(ended.elapsed() == LIMIT && begun.elapsed() > LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_has_to_be_taken() {
        let activity = Activity::new();
        let pieces = stream::iter([Ok::<_, io::Error>("one"), Ok("two")]).chain(stream::pending());
        let mut body = Watched::new(Body::from_stream(pieces), activity.begin());
        assert!(body.frame().await.is_some());
        advance(LIMIT / 2).await;
        assert!(body.frame().await.is_some(), "it was taken, and the next piece waits");
        assert!(timeout(LIMIT - Duration::from_secs(1), activity.unread(LIMIT)).await.is_err());
        activity.unread(LIMIT).await;
        assert!(body.frame().now_or_never().is_none());
        let quiet = timeout(10 * LIMIT, activity.unread(LIMIT)).await;
        assert!(quiet.is_err(), "whoever waits for the next piece has taken all others");
    }
}
