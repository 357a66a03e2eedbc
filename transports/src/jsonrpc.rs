//! MCP over a pair of streams, one message a line, with an orderly end.
//!
//! The SDK's own transport drops lines that it cannot read, and waits five seconds for running calls when the client goes. This one
//! answers every line that may be answered, bounds everything that a client can pile up, and ends within
//! [`ConnectionSettings::hard_limit`].

mod connection;
pub(crate) mod framer;
mod in_flight;
mod outbox;
mod service;
mod transport;

#[cfg(test)]
mod tests;

use std::{pin::pin, sync::Arc, time::Duration};

use exai_core::{Principal, run::Door};
use rmcp::{
    ServerHandler,
    service::{QuitReason, ServerInitializeError, serve_server},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use self::{connection::Connection, service::Guarded, transport::LineTransport};
use crate::{TransportError, parent_death};

/// Limits and times of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// Longest line that is read, in bytes without the line feed. Longer ones are answered with an error. 8 MiB: reading
    /// one takes up to eight times its length.
    pub max_line_bytes: usize,
    /// Most requests that are open at a time; pings are not counted. 256.
    pub max_in_flight: usize,
    /// When a client that was refused over [`Self::max_in_flight`] should try again. 1 s.
    pub retry_after: Duration,
    /// Unwritten bytes above which no more is read and senders wait. 1 MiB.
    pub max_unwritten_bytes: usize,
    /// How long after the end of the input open requests may take as usual. Then [`Lifecycle::closing`] is cancelled. 1 s.
    pub grace: Duration,
    /// How long after the end of the input handlers are waited for at all. Those that have not returned then are dropped
    /// and their requests answered with an error. 1.5 s.
    pub abandon_after: Duration,
    /// How long after the end of the input the service is over whatever happens. 1.9 s.
    pub hard_limit: Duration,
    /// How much more time than after the end of the input there is for all of this when [`Lifecycle::shutdown`] ends the service, and
    /// the client is still there to be answered. None.
    pub more_at_shutdown: Duration,
    /// Whether the end of the process that started this one ends the service. No.
    pub watch_parent: bool,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            max_line_bytes: 8 * 1024 * 1024,
            max_in_flight: 256,
            retry_after: Duration::from_secs(1),
            max_unwritten_bytes: 1024 * 1024,
            grace: Duration::from_secs(1),
            abandon_after: Duration::from_millis(1500),
            hard_limit: Duration::from_millis(1900),
            more_at_shutdown: Duration::ZERO,
            watch_parent: false,
        }
    }
}

/// The signals between a connection and the rest of the program.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    /// Cancelled from outside to end the service in order.
    pub shutdown: CancellationToken,
    /// Cancelled by the service as soon as its end begins: nothing new should be started.
    pub ending: CancellationToken,
    /// Cancelled by the service when the time for open requests is up: they should be answered with an error now.
    pub closing: CancellationToken,
    /// Who the client is, when the server has found that out. Handlers find it in the extensions of each request and notification, together
    /// with the [`ConnectionId`](exai_core::ConnectionId) of this connection.
    pub identity: Option<Principal>,
    /// The entrance that the client came through. Handlers find it in the same place.
    pub door: Option<Door>,
}

/// Why the service came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The client sends no more.
    InputClosed,
    /// The client reads no more.
    OutputClosed,
    /// [`Lifecycle::shutdown`] was cancelled.
    Shutdown,
    /// The process that started this one ended.
    ParentEnded,
}

/// How the service came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
    /// Why it ended.
    pub cause: Cause,
    /// Requests that have no answer: the hard limit came first. Their handlers may still hold threads, so the runtime
    /// must be shut down without waiting for them.
    pub unanswered: usize,
}

/// Serves one client over the two streams until one of the ends that [`Cause`] names.
///
/// Both lifecycles of MCP are spoken: the `initialize` handshake,
/// and the stateless requests of 2026-07-28.
///
/// The end: [`Lifecycle::ending`] is cancelled and no more is read; open requests have [`ConnectionSettings::grace`];
/// [`Lifecycle::closing`] is cancelled; handlers that do not return by [`ConnectionSettings::abandon_after`] are dropped and
/// answered for; what was answered is written; by [`ConnectionSettings::hard_limit`] it is over. It is over at once when no
/// request is open. A client that has closed our output is owed nothing, so there the grace is skipped.
///
/// # Errors
/// When the handshake fails, the input cannot be read, or the protocol loop dies.
pub async fn serve<H, R, W>(
    handler: H,
    io: (R, W),
    settings: ConnectionSettings,
    lifecycle: Lifecycle,
) -> Result<Ended, TransportError>
where
    H: ServerHandler,
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let (input, output) = io;
    let connection = Arc::new(Connection::new(&settings));
    let mut writer = AbortOnDropHandle::new(tokio::spawn({
        let connection = connection.clone();
        async move { connection.write_to(output).await }
    }));
    let versions = handler.supported_protocol_versions().into_owned();
    let transport = LineTransport::new(input, connection.clone(), &settings, versions);
    let mut service = pin!(run(Guarded::new(handler, connection.clone(), &lifecycle), transport));

    let (mut outcome, cause) = tokio::select! {
        biased;
        cause = end_of(&connection, &lifecycle, settings.watch_parent) => (None, cause),
        outcome = &mut service => {
            // The loop ends by itself only when one of the two streams has ended, or with an error.
            let input_ended = connection.input_ended.is_cancelled();
            (Some(outcome), if input_ended { Cause::InputClosed } else { Cause::OutputClosed })
        }
    };
    tracing::debug!(?cause, "the connection is ending");
    let more = if cause == Cause::Shutdown { settings.more_at_shutdown } else { Duration::ZERO };
    let begin = Instant::now() + more;
    lifecycle.ending.cancel();
    connection.stop.cancel();
    let grace = if cause == Cause::OutputClosed { Duration::ZERO } else { settings.grace };
    for (after, signal) in [(grace, &lifecycle.closing), (settings.abandon_after, &connection.abandon)] {
        if outcome.is_none() {
            outcome = timeout_at(begin + after.min(settings.hard_limit), &mut service).await.ok();
        }
        signal.cancel();
    }
    let deadline = begin + settings.hard_limit;
    if outcome.is_none() {
        outcome = timeout_at(deadline, &mut service).await.ok();
    }
    let unanswered = connection.in_flight.owed();
    connection.outbox.close();
    if timeout_at(deadline, &mut writer).await.is_err() {
        tracing::warn!("the client does not read: answers were not delivered");
    }
    if unanswered > 0 {
        tracing::warn!(unanswered, "requests were left without an answer");
    }
    outcome.unwrap_or(Ok(()))?;
    connection
        .take_read_error()
        .map_or(Ok(Ended { cause, unanswered }), |error| Err(TransportError::Read(error)))
}

/// Waits for the first reason to end.
async fn end_of(connection: &Connection, lifecycle: &Lifecycle, watch_parent: bool) -> Cause {
    let parent = async { if watch_parent { parent_death().await } else { std::future::pending().await } };
    tokio::select! {
        biased;
        () = lifecycle.shutdown.cancelled() => Cause::Shutdown,
        () = connection.output_ended.cancelled() => Cause::OutputClosed,
        () = connection.input_ended.cancelled() => Cause::InputClosed,
        () = parent => Cause::ParentEnded,
    }
}

/// Runs the SDK's protocol loop. When this is dropped, the loop gives up by itself a few seconds later.
async fn run<H, R>(service: Guarded<H>, transport: LineTransport<R>) -> Result<(), TransportError>
where
    H: ServerHandler,
    R: AsyncRead + Send + Unpin + 'static,
{
    let running = match serve_server(service, transport).await {
        Ok(running) => running,
        // The client went before a session was open: an end like any other.
        Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::TransportError { .. }) => {
            return Ok(());
        }
        Err(error) => return Err(TransportError::Handshake(Box::new(error))),
    };
    match running.waiting().await {
        Ok(QuitReason::JoinError(error)) | Err(error) => Err(TransportError::Loop(error)),
        Ok(_) => Ok(()),
    }
}
