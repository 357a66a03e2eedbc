//! What an MCP client sees: the tools, their schemas, their answers.
//!
//! A tool is one file: its arguments and one thin `#[tool]` function over the engine. Knows no vendor, no SQL and no transport.

mod activity;
mod analyze;
mod apilookup;
mod args;
mod ask_user;
mod budget;
mod call;
mod challenge;
mod chat;
mod clink;
mod codereview;
mod completion;
mod consensus;
mod debug;
mod docgen;
mod heartbeat;
mod kept;
mod listing;
mod listmodels;
mod moments;
mod names;
mod outliving;
mod payload_preview;
mod planner;
mod precommit;
pub mod profile;
mod prompts;
mod refactor;
mod reference;
mod reply;
mod resources;
mod roots;
mod route;
mod schema;
mod secaudit;
mod server;
mod status;
mod tasks;
mod testgen;
mod thinkdeep;
mod threads;
mod tracer;
mod usage;
mod version;
mod workflow;

pub use budget::OWN_CLIENT;
pub use reference::reference;
pub use reply::error_reference;
pub use roots::RootPolicy;
pub use server::{ExaiServer, OnDisconnect, ServerParts, VendorFact};
