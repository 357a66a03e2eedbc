//! How completions behave.

use std::{sync::Arc, time::Duration};

use crate::{
    attempt::AttemptSettings,
    budget::BudgetSettings,
    cache::CacheSettings,
    routing::{Makers, Preferences},
};

/// How completions behave. `Default` is what the documentation promises.
#[derive(Debug, Clone)]
pub struct InferenceSettings {
    /// The longest a run may take.
    pub call_limit: Duration,
    /// Parallel upstream attempts and retries.
    pub attempts: AttemptSettings,
    /// The answer cache.
    pub cache: CacheSettings,
    /// What runs may cost.
    pub budget: BudgetSettings,
    /// What the user prefers at the start.
    pub preferences: Preferences,
    /// The system prompt of the model that picks among models.
    pub selector_prompt: Arc<str>,
    /// Whose a name is, of providers that are not configured.
    pub makers: Makers,
}

impl Default for InferenceSettings {
    fn default() -> Self {
        Self {
            call_limit: Duration::from_secs(900),
            attempts: AttemptSettings::default(),
            cache: CacheSettings::default(),
            budget: BudgetSettings::default(),
            preferences: Preferences::default(),
            selector_prompt: "".into(),
            makers: Makers::default(),
        }
    }
}
