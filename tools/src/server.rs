//! The MCP server: what it offers, and how a request reaches what answers it.

mod admission;
pub(crate) mod aliases;
mod answers;
pub(crate) mod ask_user;
mod call;
mod call_events;
mod caller;
mod cancel_registry;
mod completion;
mod deadline;
mod detached;
mod handler;
mod heartbeat;
mod panics;
mod parts;
pub mod profile;
mod prompts;
mod resources;
mod roots;
mod router;
mod state;
mod tasks;
pub(crate) mod tool_list;

pub use roots::RootPolicy;
pub use state::{ExaiServer, OnDisconnect, ServerParts, VendorFact};
