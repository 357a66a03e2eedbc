//! One completion: the choice of the model, the cache, the budget, attempts and who answers instead.

pub mod attempt;
pub mod budget;
pub mod cache;
mod choose;
mod complete;
pub mod completion;
mod cost;
pub mod delivery;
pub mod error;
pub mod events;
pub mod fallback;
pub mod health;
#[expect(clippy::module_inception, reason = "the struct after which the crate is named")]
pub mod inference;
pub mod load;
mod metrics;
pub mod question;
mod record;
pub mod routing;
mod run_task;
mod runs;
pub mod scope;
