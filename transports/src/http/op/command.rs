//! What connections tell their session.

use axum::body::Bytes;
use serde_json::Value;

use super::delivery::Socket;

/// An event of a connection.
#[derive(Debug)]
pub(super) enum Command {
    /// It was opened; `seen` is the newest result that the client says it has.
    Connect { socket: Socket, greeting: Value, seen: Option<u64> },
    /// The client has sent a frame.
    Frame { number: u64, frame: Bytes },
}
