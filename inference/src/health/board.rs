//! The breakers of this process.

use std::collections::HashMap;

use exai_core::breaker::{BreakerBoard, BreakerPass, BreakerState, BreakerView, ModelKey};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::breaker::{Breaker, BreakerSettings, State};

/// Breakers in this process's memory. There is one for each model that was asked, so there are no more than models are configured.
#[derive(Debug, Default)]
pub struct LocalBreakers {
    settings: BreakerSettings,
    breakers: Mutex<HashMap<ModelKey, Breaker>>,
}

impl LocalBreakers {
    /// Breakers that are all closed.
    #[must_use]
    pub fn new(settings: BreakerSettings) -> Self {
        Self { settings, breakers: Mutex::default() }
    }

    fn with<T>(&self, key: &ModelKey, with: impl FnOnce(&mut Breaker, Instant) -> T) -> T {
        let mut breakers = self.breakers.lock();
        with(breakers.entry(key.clone()).or_insert_with(Breaker::new), Instant::now())
    }
}

impl BreakerBoard for LocalBreakers {
    fn pass(&self, key: &ModelKey) -> BreakerPass {
        self.with(key, |breaker, now| match breaker.closed_for(now, &self.settings) {
            Some(wait) => BreakerPass::Refused(wait),
            None if breaker.pass() => BreakerPass::Trial,
            None => BreakerPass::Open,
        })
    }

    fn succeeded(&self, key: &ModelKey) -> bool {
        self.with(key, |breaker, _| {
            let was_open = breaker.state() != State::Closed;
            breaker.succeeded();
            was_open
        })
    }

    fn failed(&self, key: &ModelKey, was_trial: bool) -> bool {
        self.with(key, |breaker, now| {
            let before = breaker.state();
            breaker.failed(was_trial, now, &self.settings);
            before != breaker.state() && matches!(breaker.state(), State::Open { .. })
        })
    }

    fn left(&self, key: &ModelKey, was_trial: bool) {
        self.with(key, |breaker, now| breaker.left(was_trial, now));
    }

    fn view(&self, key: &ModelKey) -> BreakerView {
        let breakers = self.breakers.lock();
        let breaker = breakers.get(key).copied().unwrap_or_else(Breaker::new);
        BreakerView {
            state: match breaker.state() {
                State::Closed => BreakerState::Closed,
                State::Open { .. } => BreakerState::Open,
                State::Probing => BreakerState::Probing,
            },
            failures: breaker.failures(),
            closed_for: breaker.closed_for(Instant::now(), &self.settings),
        }
    }
}
