//! One completion of a model: who is asked, what it may cost, whether it is known already, how often it is tried, who answers instead,
//! and what is stored of it.
//!
//! Sees the outside world only through the ports of `exai_core`; knows no provider by name, no file and no MCP,
//! and of a thread only its id and which models answered in it.

pub mod attempt;
mod attempt_log;
pub mod budget;
pub mod cache;
mod choose;
mod complete;
mod continuation;
pub mod coordination;
mod cost;
pub mod delivery;
pub mod error;
pub mod events;
pub mod fair;
pub mod fallback;
pub mod health;
mod inference;
pub mod load;
mod metrics;
pub mod question;
mod record;
pub mod routing;
mod run_task;
mod runs;
pub mod scope;
mod settings;

pub use inference::{Inference, InferenceParts};
pub use settings::InferenceSettings;
