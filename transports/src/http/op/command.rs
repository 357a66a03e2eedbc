//! What connections tell their session.

use std::fmt;

use axum::body::Bytes;
use serde_json::Value;

use super::delivery::Socket;

/// An event of a connection.
pub(super) enum Command {
    /// It was opened; `seen` is the newest result that the client says it has.
    Connect { socket: Socket, greeting: Value, seen: Option<u64> },
    /// The client has sent a frame.
    Frame { number: u64, frame: Bytes },
}

impl fmt::Debug for Command {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The greeting holds the session's token.
            Self::Connect { socket, greeting: _, seen } => out
                .debug_struct("Connect")
                .field("socket", socket)
                .field("seen", seen)
                .finish_non_exhaustive(),
            // A frame may hold keys.
            Self::Frame { number, frame } => {
                out.debug_struct("Frame").field("number", number).field("bytes", &frame.len()).finish()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn debug_shows_neither_token_nor_frame() {
        let (answers, _heard) = tokio::sync::mpsc::channel(1);
        let socket = Socket { number: 1, answers };
        let connect = Command::Connect { socket, greeting: json!({"resume_token": "secret"}), seen: Some(9) };
        let frame = Command::Frame { number: 2, frame: Bytes::from_static(b"secret") };
        let shown = format!("{connect:?} {frame:?}");
        assert!(
            shown.contains("Some(9)") && shown.contains("bytes: 6") && !shown.contains("secret"),
            "{shown}"
        );
        assert!(!shown.contains(&format!("{:?}", b"secret")), "{shown}");
    }
}
