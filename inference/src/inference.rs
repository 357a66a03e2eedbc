//! The one struct that owns a completion.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use exai_core::{
    Clock, Identity, Timestamp,
    event::EventBus,
    provider::Provider,
    run::Run,
    store::{Store, StoreError},
};
use tokio_util::sync::CancellationToken;

use crate::{
    attempt::{Attempts, Jitter},
    budget::Budget,
    cache::{AnswerCache, Warmup},
    coordination::Coordination,
    health::Health,
    load::Load,
    routing::{Background, Models, Router},
    runs::Runs,
    settings::InferenceSettings,
};

/// What it is built from.
pub struct InferenceParts {
    /// The configured providers, in order of configuration.
    pub providers: Vec<Arc<dyn Provider>>,
    /// Durable runs.
    pub store: Arc<dyn Store>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Randomness of back-offs.
    pub jitter: Jitter,
    /// Limits.
    pub settings: InferenceSettings,
    /// What several instances of the server share.
    pub coordination: Coordination,
    /// Cancelled when the process is about to end: what is still open then was interrupted, not cancelled by its caller.
    pub closing: CancellationToken,
}

/// Completions: the choice of the model, the cache, the budget, equal runs as one, attempts, and who answers instead.
pub struct Inference {
    pub(crate) router: Router,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) attempts: Attempts,
    pub(crate) health: Health,
    pub(crate) cache: AnswerCache,
    pub(crate) warmup: Warmup,
    pub(crate) runs: Runs,
    pub(crate) budget: Budget,
    pub(crate) call_limit: Duration,
    pub(crate) selector_prompt: Arc<str>,
    pub(crate) events: Arc<dyn EventBus>,
    pub(crate) closing: CancellationToken,
    serial: AtomicU64,
}

impl Inference {
    /// Puts the parts together. Touches neither network nor disk.
    #[must_use]
    pub fn new(parts: InferenceParts) -> Self {
        let InferenceParts { providers, store, clock, jitter, mut settings, coordination, closing } = parts;
        let Coordination { cache, breakers, leases, events } = coordination;
        let permits =
            |provider: &Arc<dyn Provider>| Some((provider.id().clone(), provider.default_permits()?));
        settings.attempts.add_permits(providers.iter().filter_map(permits));
        let (models, runs) = (Models::new(providers).with_makers(settings.makers), Runs::default());
        let health = Health::new(breakers, Arc::clone(&events));
        let budget =
            Budget::new(settings.budget, Arc::clone(&store), Arc::clone(&clock), settings.call_limit);
        Self {
            router: Router::new(
                models,
                settings.preferences,
                health.clone(),
                Background { tasks: runs.tasks().clone(), leases, closing: closing.clone() },
            ),
            store,
            attempts: Attempts::new(settings.attempts, health.clone(), jitter, Arc::clone(&clock)),
            clock,
            health,
            cache: AnswerCache::new(cache),
            warmup: Warmup::new(settings.cache.lifetime),
            runs,
            budget,
            call_limit: settings.call_limit,
            selector_prompt: settings.selector_prompt,
            events,
            closing,
            serial: AtomicU64::new(0),
        }
    }

    /// The choice of the model.
    #[must_use]
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// Where it is told what happens.
    #[must_use]
    pub fn events(&self) -> &Arc<dyn EventBus> {
        &self.events
    }

    /// What is going on at this moment.
    #[must_use]
    pub fn load(&self) -> Load {
        let permits = self.attempts.permits_in_use();
        Load {
            attempts: permits.global,
            providers: permits.providers,
            runs: self.runs.count(),
            cached: self.cache.figures(),
            unwritten: self.store.waiting(),
            models: self.health.conditions(),
            closed: self.health.closed_providers(),
        }
    }

    /// The owner's runs that are under way here, the latest first. Short ones are never stored as running.
    #[must_use]
    pub fn running(&self, who: &Identity) -> Vec<Run> {
        let mut runs: Vec<Run> = self
            .runs
            .under_way()
            .into_iter()
            .filter(|record| record.who() == who)
            .map(|record| record.run().clone())
            .collect();
        runs.sort_by_key(|run| std::cmp::Reverse(run.id));
        runs
    }

    /// What the owner's runs have cost since midnight, UTC; what is under way is not in it.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn spent_today(&self, who: &Identity) -> Result<f64, StoreError> {
        self.budget.spent_today(who).await
    }

    /// Waits at most `limit` until no run is under way. False when one is left.
    pub async fn ended(&self, limit: Duration) -> bool {
        self.runs.ended(limit).await
    }

    /// How long ago a moment was.
    pub(crate) fn age(&self, at: Timestamp) -> Duration {
        Duration::from_millis(self.clock.now().millis_since(at))
    }

    pub(crate) fn next_serial(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::Relaxed)
    }
}
