//! What an MCP client sees: the tools, their schemas, their answers.
//!
//! A tool is one file: its arguments and one thin `#[tool]` function over the engine. Knows no vendor, no SQL and no transport.

mod args;
mod ask_user;
mod budget;
mod call;
mod completion;
mod deadline;
mod heartbeat;
mod kept;
mod listing;
mod moments;
mod names;
mod outliving;
pub mod profile;
mod prompts;
mod reference;
mod reply;
mod resources;
mod roots;
mod schema;
mod server;
mod session_calls;
mod tasks;
mod tool;
mod workflow;

pub use budget::OWN_CLIENT;
pub use reference::reference;
pub use reply::error_reference;
pub use roots::RootPolicy;
pub use server::{ExaiServer, OnDisconnect, ServerParts, VendorFact};
