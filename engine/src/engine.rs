//! The engine: what every tool calls.

use std::{sync::Arc, time::Duration};

use exai_core::{Clock, model::ModelSpec, provider::Provider, store::Store};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{settings::Settings, threads::Threads};
use exai_inference::{
    Inference, InferenceParts,
    attempt::Jitter,
    coordination::Coordination,
    routing::{Models, Preferences},
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
    /// What several instances of the server share.
    pub coordination: Coordination,
    /// Cancelled when the process is about to end: what is still open then was interrupted, not cancelled by its caller.
    pub closing: CancellationToken,
}

/// What every tool calls. Clones share everything.
#[derive(Clone)]
pub struct Engine {
    pub(crate) settings: Arc<Settings>,
    pub(crate) inference: Arc<Inference>,
    pub(crate) threads: Threads,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Engine {
    /// Puts the parts together. Touches neither network nor disk.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { providers, store, clock, jitter, settings, coordination, closing } = parts;
        let inference = Inference::new(InferenceParts {
            providers,
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            jitter,
            settings: settings.inference.clone(),
            coordination,
            closing,
        });
        Self {
            inference: Arc::new(inference),
            threads: Threads { store, clock: Arc::clone(&clock), commit_wait: settings.commit_wait },
            clock,
            settings: Arc::new(settings),
        }
    }

    /// Completions: the choice of the model, the cache, attempts.
    #[must_use]
    pub fn inference(&self) -> &Arc<Inference> {
        &self.inference
    }

    /// The configured models.
    #[must_use]
    pub fn models(&self) -> &Models {
        self.inference.router().models()
    }

    /// The preferences in force now.
    #[must_use]
    pub fn preferences(&self) -> Arc<Preferences> {
        self.inference.router().preferences()
    }

    /// Puts other preferences in force for the calls that begin from now on.
    pub fn prefer(&self, preferences: Preferences) {
        self.inference.router().prefer(preferences);
    }

    /// Reads the endpoints' lists of models again where they are old or were never read. Returns at once; later calls see them.
    pub fn refresh_lists(&self) {
        self.inference.router().refresh_lists();
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

    /// The store, after all that calls have written so far has reached it. Waits at most a second: when the database does not
    /// answer, the next read reports that.
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
        let ended = self.inference.ended(limit).await;
        self.threads.store.flush(until.saturating_duration_since(Instant::now())).await && ended
    }

    /// Tokens of history that fit with everything else.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a token budget"
    )]
    pub(crate) fn history_room(&self, model: &ModelSpec, room: u32) -> u32 {
        let share = model.input_budget() as f32 * self.settings.history_share.clamp(0.0, 1.0);
        (share as u32).min(room)
    }
}
