//! The MCP clients of a machine: which are known, where each keeps the entries of its servers, how strictly it reads them, and what can be
//! seen of an entry without trying it.
//!
//! Starts nothing, calls nothing, and is handed the environment. [`fit`] knows how much of an answer each client shows.

mod clients;
mod entry;
mod finding;
pub mod fit;
mod format;
mod shape;

pub use clients::{CLIENTS, Client, PROJECT_VARIABLE, named};
pub use entry::{Entry, Environment, Found, Start, Way, all, client_of, of_file};
pub use finding::{Finding, Weight};
pub use format::Format;
