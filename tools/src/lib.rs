//! What an MCP client sees: the tools, their schemas, their answers.
//!
//! A tool is one file: its arguments and one thin `#[tool]` function over the engine. Knows no vendor, no SQL and no transport.

mod accepted;
mod args;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod near;
mod reference;
mod reply;
mod server;
mod tool;

pub use accepted::{field_of, instead_of};
pub use reference::reference;
pub use reply::{OWN_CLIENT, error_reference};
pub use server::aliases::canonical;
pub use server::{ExaiServer, OnDisconnect, RootPolicy, ServerParts, VendorFact, profile};
