//! What the reader, the writer, the handlers and the closing sequence of one connection share.

use std::io;

use parking_lot::Mutex;
use rmcp::model::{ErrorCode, ErrorData};
use serde_json::json;
use tokio::{io::AsyncWrite, sync::Notify};
use tokio_util::sync::CancellationToken;

use super::{ConnectionSettings, in_flight::InFlight, outbox::Outbox};
use exai_core::Kind;

/// Application error of this server, in the range that JSON-RPC leaves to servers.
const SERVER_ERROR: ErrorCode = ErrorCode(-32000);

/// Shared state of one connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) outbox: Outbox,
    pub(super) in_flight: InFlight,
    /// For the reader: a request was closed or something was written.
    pub(super) changed: Notify,
    /// The client sends no more.
    pub(super) input_ended: CancellationToken,
    /// The client reads no more.
    pub(super) output_ended: CancellationToken,
    /// Read no more.
    pub(super) stop: CancellationToken,
    /// Wait for no handler any more.
    pub(super) abandon: CancellationToken,
    read_error: Mutex<Option<io::Error>>,
}

impl Connection {
    pub(super) fn new(settings: &ConnectionSettings) -> Self {
        Self {
            outbox: Outbox::new(settings.max_unwritten_bytes),
            in_flight: InFlight::new(settings.max_in_flight),
            changed: Notify::new(),
            input_ended: CancellationToken::new(),
            output_ended: CancellationToken::new(),
            stop: CancellationToken::new(),
            abandon: CancellationToken::new(),
            read_error: Mutex::default(),
        }
    }

    /// Whether the reader has to wait until the client has taken some answers.
    pub(super) fn is_congested(&self) -> bool {
        self.in_flight.is_congested() || self.outbox.is_full()
    }

    /// Writes what is put into the outbox, until it is closed or the client reads no more.
    pub(super) async fn write_to(&self, output: impl AsyncWrite + Unpin) {
        if let Err(error) = self.outbox.write_to(output, || self.changed.notify_one()).await {
            tracing::debug!(%error, "the client reads no more");
            self.output_ended.cancel();
            self.changed.notify_one();
        }
    }

    /// Notes why reading failed; [`Self::take_read_error`] gives it back.
    pub(super) fn read_failed(&self, error: io::Error) {
        *self.read_error.lock() = Some(error);
    }

    pub(super) fn take_read_error(&self) -> Option<io::Error> {
        self.read_error.lock().take()
    }
}

/// The answer to a request that was cut off by the end of the connection.
pub(super) fn interrupted() -> ErrorData {
    let data = json!({ "code": Kind::Cancelled.code() });
    ErrorData::new(SERVER_ERROR, "interrupted: the connection is closing", Some(data))
}

/// The answer to a request above the limit.
pub(super) fn over_capacity(limit: usize, retry_after: std::time::Duration) -> ErrorData {
    let retry_after = u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX);
    let data = json!({ "code": Kind::OverCapacity.code(), "retry_after_ms": retry_after });
    ErrorData::new(SERVER_ERROR, format!("too many requests in flight ({limit}); try again"), Some(data))
}
