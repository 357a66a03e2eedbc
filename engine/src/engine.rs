//! The engine: what every tool calls.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use exai_core::{Clock, model::ModelSpec, provider::Provider, store::Store};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    inference::{
        attempt::{Attempts, Jitter},
        budget::Budget,
        cache::AnswerCache,
        expert::Expert,
        live_models::Reading,
        preferences::Present,
        recall::Recall,
        routing::{Models, Turns, Verdicts},
        run::Runs,
    },
    settings::Settings,
    threads::Threads,
    window,
};

/// What the engine is built from.
pub struct Parts {
    /// The configured vendors and endpoints, in order of configuration.
    pub providers: Vec<Arc<dyn Provider>>,
    /// Durable threads and runs.
    pub store: Arc<dyn Store>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Randomness of back-offs.
    pub jitter: Jitter,
    /// Limits.
    pub settings: Settings,
    /// Cancelled when the process is about to end: what is still open then was interrupted, not cancelled by its caller.
    pub closing: CancellationToken,
}

/// Workflow, chat, models, cache and runs behind one door. Clones share everything.
#[derive(Clone)]
pub struct Engine {
    pub(crate) settings: Arc<Settings>,
    pub(crate) models: Models,
    pub(crate) preferences: Present,
    pub(crate) threads: Threads,
    pub(crate) expert: Expert,
    pub(crate) turns: Arc<Turns>,
    pub(crate) verdicts: Verdicts,
    pub(crate) reading: Reading,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Engine {
    /// Puts the parts together. Touches neither network nor disk.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { providers, store, clock, jitter, settings, closing } = parts;
        let models = Models::new(providers);
        let expert = Expert {
            budget: Budget::new(settings.budget),
            models: models.clone(),
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            attempts: Arc::new(Attempts::new(settings.attempts.clone(), jitter)),
            cache: AnswerCache::new(&settings.cache),
            recall: Recall::new(settings.cache.lifetime),
            runs: Runs::default(),
            call_limit: settings.call_limit,
            serial: Arc::new(AtomicU64::new(0)),
            closing,
            epilogue_wait: settings.commit_wait,
        };
        Self {
            models,
            threads: Threads { store, clock: Arc::clone(&clock), commit_wait: settings.commit_wait },
            expert,
            turns: Arc::default(),
            verdicts: Verdicts::default(),
            reading: Reading::default(),
            clock,
            preferences: Present::new(settings.preferences.clone()),
            settings: Arc::new(settings),
        }
    }

    /// The configured models.
    #[must_use]
    pub fn models(&self) -> &Models {
        &self.models
    }

    /// The limits in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Durable threads and runs.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.threads.store
    }

    /// The store with all in it that calls have said so far, for those who read what happened. Waits at most a second for
    /// that: a database that does not answer is told of by whoever asks it next.
    pub async fn settled_store(&self) -> &Arc<dyn Store> {
        const LIMIT: Duration = Duration::from_secs(1);
        let store = self.store();
        store.flush(LIMIT).await;
        store
    }

    /// Wall time.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Waits at most `limit` until runs have ended and what they wrote is durable. False when something is left.
    pub async fn settle(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        let ended = self.expert.runs.ended(limit).await;
        self.threads.store.flush(until.saturating_duration_since(Instant::now())).await && ended
    }

    /// Tokens of history that fit beside everything else.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a token budget"
    )]
    pub(crate) fn history_room(&self, model: &ModelSpec, room: u32) -> u32 {
        let share = window::input_budget(model) as f32 * self.settings.history_share.clamp(0.0, 1.0);
        (share as u32).min(room)
    }
}
