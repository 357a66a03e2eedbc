//! Why a transport could not go on.

use rmcp::service::ServerInitializeError;

/// What ends a connection other than its orderly end.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The first messages did not lead to a usable MCP session.
    #[error("the MCP handshake failed: {0}")]
    Handshake(#[source] Box<ServerInitializeError>),
    /// The input could not be read.
    #[error("cannot read from the client")]
    Read(#[source] std::io::Error),
    /// The protocol loop died.
    #[error("the protocol loop ended unexpectedly")]
    Loop(#[source] tokio::task::JoinError),
}
