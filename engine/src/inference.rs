//! One completion: the choice of the model, the cache, the budget, attempts and who answers instead.

pub mod attempt;
pub mod budget;
pub mod cache;
pub mod consulted;
pub mod expert;
pub mod fallback;
pub mod health;
pub(crate) mod live_models;
pub(crate) mod meter;
pub mod preferences;
pub(crate) mod recall;
pub mod routing;
pub(crate) mod run;
pub(crate) mod stale;
