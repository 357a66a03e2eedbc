//! exai-mcp: the composition root. The only crate that names concrete adapters.
//!
//! Programs that embed the server build an [`App`] from a [`Config`] and serve [`App::server`] over any transport.

mod app;
pub mod cli;
mod commands;
mod event_log;
mod exit;
mod lifecycle;
mod telemetry;
mod terminal;

pub use app::{App, AppBuilder, ServeMode};
pub use exai_config as config;
pub use exai_config::Config;
