//! The engine's limits. Every duration and bound of the engine is named here; none is hidden in code.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use exai_context::git::GitSettings;
use exai_core::ProviderId;
use exai_prompts::Wording;

use crate::{
    clink::ClinkSettings,
    inference::{budget::BudgetSettings, health::BreakerSettings, preferences::Preferences},
};

/// How the engine behaves. `Default` is what the documentation promises.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Other agents on this machine.
    pub clink: ClinkSettings,
    /// The words of the system prompts.
    pub wording: Arc<Wording>,
    /// What the user prefers at the start.
    pub preferences: Preferences,
    /// The longest a consultation may take.
    pub call_limit: Duration,
    /// The longest that one model of a consensus may take.
    pub consensus_limit: Duration,
    /// How long a reply waits for its turns to be durable.
    pub commit_wait: Duration,
    /// Parallel upstream attempts and retries.
    pub attempts: AttemptSettings,
    /// The answer cache.
    pub cache: CacheSettings,
    /// The most tokens of one file; `None` lets a file take what the budget allows.
    pub file_tokens: Option<u32>,
    /// The most tokens of history, as a share of the input budget.
    pub history_share: f32,
    /// The most turns of a thread, to tell the client how many remain.
    pub max_turns: u32,
    /// How git is run.
    pub git: GitSettings,
    /// What consultations may cost.
    pub budget: BudgetSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            clink: ClinkSettings::default(),
            wording: Arc::new(Wording::built_in()),
            preferences: Preferences::default(),
            call_limit: Duration::from_secs(900),
            consensus_limit: Duration::from_secs(300),
            commit_wait: Duration::from_millis(250),
            attempts: AttemptSettings::default(),
            cache: CacheSettings::default(),
            file_tokens: None,
            history_share: 0.4,
            max_turns: 200,
            git: GitSettings::default(),
            budget: BudgetSettings::default(),
        }
    }
}

/// Permits and retries.
#[derive(Debug, Clone)]
pub struct AttemptSettings {
    /// Upstream attempts at once over all providers.
    pub global_permits: usize,
    /// Upstream attempts at once for one provider; others have only the global limit.
    pub provider_permits: BTreeMap<ProviderId, usize>,
    /// How long an attempt waits for its permits.
    pub permit_wait: Duration,
    /// Attempts after the first.
    pub retries: u32,
    /// The first back-off; doubles each time, with full jitter.
    pub backoff: Duration,
    /// The longest back-off of our own.
    pub backoff_cap: Duration,
    /// The longest wait that a vendor may ask for.
    pub retry_after_cap: Duration,
    /// Whether a request that takes unusually long gets a second one beside it.
    pub hedge: bool,
    /// When a failing model is left alone.
    pub breaker: BreakerSettings,
}

impl Default for AttemptSettings {
    fn default() -> Self {
        Self {
            global_permits: 24,
            provider_permits: BTreeMap::from([("glm".into(), 4), ("kimi".into(), 6)]),
            permit_wait: Duration::from_secs(30),
            retries: 2,
            backoff: Duration::from_millis(500),
            backoff_cap: Duration::from_secs(8),
            retry_after_cap: Duration::from_secs(60),
            hedge: false,
            breaker: BreakerSettings::default(),
        }
    }
}

/// The answer cache.
#[derive(Debug, Clone)]
pub struct CacheSettings {
    /// How long an answer may be given again.
    pub lifetime: Duration,
    /// The most bytes of answers.
    pub max_bytes: u64,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self { lifetime: Duration::from_secs(600), max_bytes: 64 * 1024 * 1024 }
    }
}
