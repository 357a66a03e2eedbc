//! What an MCP client sees: the tools, their schemas, their answers.
//!
//! A tool is one file: its arguments and one thin `#[tool]` function over the engine. Knows no vendor, no SQL and no transport.

mod args;
mod call;
mod chat;
mod codereview;
mod debug;
mod heartbeat;
mod listmodels;
mod names;
mod planner;
mod reply;
mod roots;
mod schema;
mod server;
mod version;
mod workflow;

pub use roots::RootPolicy;
pub use server::{ExaiServer, ServerParts, VendorFact};
