//! What is spoken on a WebSocket. The first frame decides which dialect it is; another one is another implementation.

use std::borrow::Cow;

use async_trait::async_trait;
use axum::body::Bytes;
use exai_core::{Identity, Principal, auth::Validity};
use tokio::sync::mpsc;

use crate::Pace;

/// Frames on their way in each direction; a side that does not read slows the other down.
pub(super) const FRAMES: usize = 8;

/// The last frame of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goodbye {
    /// The close code (RFC 6455, 7.4).
    pub code: u16,
    /// Why, in at most 123 bytes.
    pub reason: Cow<'static, str>,
}

impl Goodbye {
    /// A code and why.
    #[must_use]
    pub fn new(code: u16, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { code, reason: reason.into() }
    }
}

/// The first frame is no message of any dialect.
pub const NOT_UNDERSTOOD: u16 = 4000;
/// The first frame is a message, but not the one that comes first.
pub const WRONG_START: u16 = 4001;
/// Nothing was said in time.
pub const TOO_LATE: u16 = 4002;
/// The client should come again later (RFC 6455 registry).
pub const TRY_AGAIN_LATER: u16 = 1013;
/// The client has shown no valid key.
pub const UNAUTHORIZED: u16 = 4003;

/// What goes out.
#[derive(Debug)]
pub enum Outgoing {
    /// A text frame.
    Text(String),
    /// The client has shown who it is, and how long it may stay: from the next message on it may say more. Meant for the connection, not
    /// for the client.
    Known(Identity, Validity),
    /// The end of the connection.
    Close(Goodbye),
}

/// A dialect's side of a connection. Pings, limits and the silence of the other side are no concern of a dialect; how often a client calls
/// is, because only a dialect knows what is a call and how one is refused.
#[derive(Debug)]
pub struct Link {
    /// What the client says; ends with the connection.
    pub frames: mpsc::Receiver<Bytes>,
    /// What is sent to it; the connection is closed when this is dropped and everything was sent.
    pub answers: mpsc::Sender<Outgoing>,
    /// Asked for each call.
    pub pace: Pace,
}

/// A way of speaking.
#[async_trait]
pub trait Dialect: Send + Sync {
    /// Whether a connection that begins like this speaks it.
    fn claims(&self, first: &[u8]) -> bool;

    /// Speaks it until one side ends. Dropped when the client is gone. `who` is absent when the client has shown no key yet where one
    /// is needed: nothing more is read from it until the dialect has found out and said [`Outgoing::Known`].
    async fn run(&self, first: Bytes, link: Link, who: Option<Principal>);
}
