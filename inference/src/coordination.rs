//! What several instances of the server share, and the same within one process.

mod events;
mod leases;

use std::sync::Arc;

use exai_core::{breaker::BreakerBoard, event::EventBus, lease::Lease, response_cache::ResponseCache};

pub use self::{events::LocalEvents, leases::LocalLeases};
use crate::{cache::MemoryCache, health::LocalBreakers, settings::InferenceSettings};

/// The ports to what is shared.
#[derive(Clone)]
pub struct Coordination {
    /// Answers that may be given again.
    pub cache: Arc<dyn ResponseCache>,
    /// Circuit breakers.
    pub breakers: Arc<dyn BreakerBoard>,
    /// Work that only one may do at a time.
    pub leases: Arc<dyn Lease>,
    /// What happens.
    pub events: Arc<dyn EventBus>,
}

impl Coordination {
    /// Everything in this process's memory.
    #[must_use]
    pub fn in_process(settings: &InferenceSettings) -> Self {
        Self {
            cache: Arc::new(MemoryCache::new(&settings.cache)),
            breakers: Arc::new(LocalBreakers::new(settings.attempts.breaker)),
            leases: Arc::new(LocalLeases::default()),
            events: Arc::new(LocalEvents::default()),
        }
    }
}
