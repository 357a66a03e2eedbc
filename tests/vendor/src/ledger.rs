//! Everything that reached the vendor: the requests, the counts, and who left early.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::http::{HeaderMap, request::Parts};
use bytes::Bytes;
use serde_json::Value;
use tokio::{sync::watch, time::Instant};

/// Requests that are kept; older ones are forgotten first.
const MAX_RECORDS: usize = 10_000;
/// Body bytes that are kept over all requests; older requests are forgotten first.
const MAX_RECORDED_BYTES: usize = 512 * 1024 * 1024;

/// Counts since the start or the last reset. A call is a `POST`: model lists are recorded but not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Calls whose body has arrived.
    pub calls: usize,
    /// Calls that are not answered to the end.
    pub in_flight: usize,
    /// The largest `in_flight` so far.
    pub peak_in_flight: usize,
    /// The largest request body, in bytes.
    pub max_body: usize,
    /// Calls that the client left before the end of the answer.
    pub disconnects: usize,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Upper-case HTTP method.
    pub method: String,
    /// Path, with the query when there is one.
    pub path: String,
    /// All headers, names in lower case.
    pub headers: HeaderMap,
    /// The body's bytes; empty when bodies are not recorded.
    pub body: Bytes,
    /// The body as JSON; `null` when it is none.
    pub json: Value,
    /// When the request's head arrived.
    pub arrived: Instant,
    /// Whether the client left before the end of the answer.
    pub disconnected: bool,
}

pub(crate) struct Ledger {
    stats: watch::Sender<Stats>,
    entries: Mutex<Entries>,
    keep_bodies: AtomicBool,
}

#[derive(Default)]
struct Entries {
    list: VecDeque<Entry>,
    bytes: usize,
}

struct Entry {
    parts: Parts,
    body: Bytes,
    arrived: Instant,
    left: Arc<AtomicBool>,
}

/// A request that is being answered; dropping it unfinished means that the client left.
pub(crate) struct InFlight {
    ledger: Arc<Ledger>,
    left: Arc<AtomicBool>,
    counted: bool,
    finished: bool,
}

// === impl Recorded ===

impl Recorded {
    /// The value of a header, when it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn new(parts: &Parts, body: Bytes, arrived: Instant, disconnected: bool) -> Self {
        Self {
            method: parts.method.to_string(),
            path: parts.uri.to_string(),
            headers: parts.headers.clone(),
            json: serde_json::from_slice(&body).unwrap_or_default(),
            body,
            arrived,
            disconnected,
        }
    }
}

// === impl Ledger ===

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            stats: watch::Sender::new(Stats::default()),
            entries: Mutex::default(),
            keep_bodies: AtomicBool::new(true),
        }
    }

    /// Records a request and, when it is `counted`, counts it as a call. Returns the call's number as well.
    pub(crate) fn enter(
        self: &Arc<Self>,
        parts: Parts,
        body: Bytes,
        arrived: Instant,
        counted: bool,
    ) -> (InFlight, usize) {
        let size = body.len();
        let left = Arc::new(AtomicBool::new(false));
        let body = if self.keep_bodies.load(Ordering::Relaxed) { body } else { Bytes::new() };
        // Before the count, so that whoever waits for the count finds the request.
        self.with_entries(|entries| entries.push(Entry { parts, body, arrived, left: Arc::clone(&left) }));
        let mut number = 0;
        if counted {
            self.stats.send_modify(|stats| {
                stats.calls += 1;
                stats.in_flight += 1;
                stats.peak_in_flight = stats.peak_in_flight.max(stats.in_flight);
                stats.max_body = stats.max_body.max(size);
                number = stats.calls;
            });
        }
        (InFlight { ledger: Arc::clone(self), left, counted, finished: false }, number)
    }

    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.with_entries(|entries| entries.list.iter().map(Entry::to_recorded).collect())
    }

    pub(crate) fn stats(&self) -> Stats {
        *self.stats.borrow()
    }

    pub(crate) fn keep_bodies(&self, keep: bool) {
        self.keep_bodies.store(keep, Ordering::Relaxed);
    }

    /// Forgets requests and counts; what is in flight stays in flight.
    pub(crate) fn reset(&self) {
        self.with_entries(|entries| *entries = Entries::default());
        self.stats.send_modify(|stats| {
            let in_flight = stats.in_flight;
            *stats = Stats { in_flight, peak_in_flight: in_flight, ..Stats::default() };
        });
    }

    pub(crate) async fn wait_for(&self, ready: impl FnMut(&Stats) -> bool) {
        // `self` owns the sender, so the channel cannot close while we wait: there is no error to handle.
        self.stats.subscribe().wait_for(ready).await.map(drop).ok();
    }

    fn with_entries<T>(&self, work: impl FnOnce(&mut Entries) -> T) -> T {
        work(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

// === impl Entries, Entry ===

impl Entries {
    fn push(&mut self, entry: Entry) {
        self.bytes += entry.body.len();
        self.list.push_back(entry);
        // The newest one always stays, whatever its size.
        while self.list.len() > 1 && (self.list.len() > MAX_RECORDS || self.bytes > MAX_RECORDED_BYTES) {
            if let Some(oldest) = self.list.pop_front() {
                self.bytes -= oldest.body.len();
            }
        }
    }
}

impl Entry {
    fn to_recorded(&self) -> Recorded {
        Recorded::new(&self.parts, self.body.clone(), self.arrived, self.left.load(Ordering::Acquire))
    }
}

// === impl InFlight ===

impl InFlight {
    /// Marks the answer as complete, or as ended by the vendor itself.
    pub(crate) fn finish(&mut self) {
        self.end(false);
    }

    fn end(&mut self, client_left: bool) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        // Before the count, so that whoever waits for the count finds the mark.
        self.left.store(client_left, Ordering::Release);
        if self.counted {
            self.ledger.stats.send_modify(|stats| {
                stats.in_flight = stats.in_flight.saturating_sub(1);
                stats.disconnects += usize::from(client_left);
            });
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.end(true);
    }
}
