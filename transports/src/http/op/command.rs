//! What connections tell their session.

use axum::body::Bytes;
use serde_json::Value;

use super::delivery::Socket;

/// What a connection tells the session.
#[derive(Debug)]
pub(super) enum Command {
    /// It is there, and how far the client got before.
    Connect { socket: Socket, greeting: Value, seen: Option<u64> },
    /// It has heard something.
    Frame { number: u64, frame: Bytes },
}
