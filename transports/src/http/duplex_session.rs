//! A connection that carries messages both ways, whatever carries it: behind it the same service that serves standard input and
//! output, so that bad messages, limits, panics and the end are treated alike.

use std::{io, sync::Arc, time::Duration};

use exai_core::{Principal, run::Door};
use exai_server::ServerHandle;
use rmcp::ServerHandler;
use tokio::io::{AsyncWrite, AsyncWriteExt as _, DuplexStream};

use crate::jsonrpc::{self, ConnectionSettings, Lifecycle};

/// Bytes on their way in each direction; a side that does not read slows the other down.
const BUFFER: usize = 256 * 1024;
/// What is copied at once of a message.
const PIECE: usize = 16 * 1024;
/// Requests at once on one connection; the handler behind it has a limit of its own for all connections.
const MAX_IN_FLIGHT: usize = 256;

/// Begins a service for a caller who came through an entrance, and gives the caller's end: one message a line, both ways.
#[derive(Clone)]
pub(super) struct Attach(Arc<dyn Fn(Principal, Door) -> DuplexStream + Send + Sync>);

impl Attach {
    pub(super) fn new<H>(handler: H, server: &ServerHandle) -> Self
    where
        H: ServerHandler + Clone + Send + Sync + 'static,
    {
        let limits = ConnectionSettings {
            max_line_bytes: server.body.bytes,
            max_in_flight: MAX_IN_FLIGHT,
            // A client that has gone is owed no answer, and what outlives it has a task of its own.
            grace: Duration::ZERO,
            abandon_after: Duration::from_millis(300),
            hard_limit: Duration::from_millis(450),
            more_at_shutdown: server.drain,
            ..ConnectionSettings::default()
        };
        let (in_flight, shutdown) = (server.in_flight.clone(), server.shutdown.clone());
        Self(Arc::new(move |who, door| {
            let (ours, theirs) = tokio::io::duplex(BUFFER);
            let (handler, limits, open) = (handler.clone(), limits.clone(), in_flight.token());
            let lifecycle = Lifecycle {
                shutdown: shutdown.clone(),
                identity: Some(who),
                door: Some(door),
                ..Lifecycle::default()
            };
            tokio::spawn(async move {
                let served =
                    Box::pin(jsonrpc::serve(handler, tokio::io::split(ours), limits, lifecycle)).await;
                if let Err(error) = served {
                    tracing::debug!("a connection ended: {error}");
                }
                drop(open);
            });
            theirs
        }))
    }

    pub(super) fn begin(&self, who: Principal, door: Door) -> DuplexStream {
        (self.0)(who, door)
    }
}

/// Writes a message as one line: line ends between its parts mean nothing in JSON, and within its texts they are escaped. The message
/// may be large, so it is copied by the piece.
///
/// # Errors
/// The other end reads no more.
pub(super) async fn write_line(to: &mut (impl AsyncWrite + Unpin), message: &[u8]) -> io::Result<()> {
    let mut piece = Vec::with_capacity(message.len().min(PIECE));
    for part in message.chunks(PIECE) {
        piece.clear();
        piece.extend(part.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
        to.write_all(&piece).await?;
    }
    to.write_all(b"\n").await
}
