//! Carries MCP messages: bytes in, bytes out.
//!
//! Knows the wire and the life of a connection; knows no tools, no models and no storage. Every transport takes any
//! [`rmcp::ServerHandler`].

pub mod bridge;
pub mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod http;
pub mod jsonrpc;
mod message;
pub mod parent;
pub mod stdio;
pub mod target;

pub use error::TransportError;
pub use parent::parent_death;
pub use target::Target;
