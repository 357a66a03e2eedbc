//! How many upstream attempts may be under way at once.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use exai_core::{ProviderId, provider::CallCtx};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use super::settings::AttemptSettings;
use crate::error::InferenceError;

/// A global limit and one for each provider that has its own.
pub struct Permits {
    global: Limit,
    providers: BTreeMap<ProviderId, Limit>,
}

/// One limit.
struct Limit {
    semaphore: Arc<Semaphore>,
    permits: usize,
}

impl Limit {
    /// A limit of 0 means 1, because 0 would never answer.
    fn new(permits: usize) -> Self {
        let permits = permits.clamp(1, Semaphore::MAX_PERMITS);
        Self { semaphore: Arc::new(Semaphore::new(permits)), permits }
    }

    fn in_use(&self) -> InUse {
        let used = self.permits.saturating_sub(self.semaphore.available_permits());
        InUse { used, permits: self.permits }
    }
}

/// Attempts under way, and how many may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InUse {
    /// Under way.
    pub used: usize,
    /// The most at once.
    pub permits: usize,
}

/// Permits of the server, and of each provider that has a limit of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermitUse {
    /// All attempts together.
    pub global: InUse,
    /// By the provider's name.
    pub providers: Vec<(String, InUse)>,
}

/// The right to make one attempt; given back on drop, and by nothing else.
#[derive(Debug)]
pub struct Permit {
    _provider: Option<OwnedSemaphorePermit>,
    _global: OwnedSemaphorePermit,
}

impl Permits {
    /// The limits of `settings`.
    #[must_use]
    pub fn new(settings: &AttemptSettings) -> Self {
        let own = settings.provider_permits.iter();
        Self {
            global: Limit::new(settings.global_permits),
            providers: own.map(|(id, permits)| (id.clone(), Limit::new(*permits))).collect(),
        }
    }

    /// How many are in use.
    pub(crate) fn in_use(&self) -> PermitUse {
        let own = self.providers.iter();
        PermitUse {
            global: self.global.in_use(),
            providers: own.map(|(id, limit)| (id.to_string(), limit.in_use())).collect(),
        }
    }

    /// A permit that is free at this moment.
    pub(super) fn try_acquire(&self, provider: &ProviderId) -> Option<Permit> {
        let own = match self.providers.get(provider) {
            Some(limit) => Some(Arc::clone(&limit.semaphore).try_acquire_owned().ok()?),
            None => None,
        };
        let global = Arc::clone(&self.global.semaphore).try_acquire_owned().ok()?;
        Some(Permit { _provider: own, _global: global })
    }

    /// Waits for the provider's permit, then for a global one: a call that waits for a busy provider must not hold back the others.
    ///
    /// # Errors
    /// [`InferenceError::OverCapacity`] after the wait, [`InferenceError::Cancelled`].
    pub async fn acquire(
        &self,
        provider: &ProviderId,
        settings: &AttemptSettings,
        ctx: &CallCtx,
    ) -> Result<Permit, InferenceError> {
        let until = ctx.deadline.min(Instant::now() + settings.permit_wait);
        let own = match self.providers.get(provider) {
            Some(limit) => {
                Some(wait(&limit.semaphore, until, provider.as_str(), settings.permit_wait, ctx).await?)
            }
            None => None,
        };
        let global = wait(&self.global.semaphore, until, "the server", settings.permit_wait, ctx).await?;
        Ok(Permit { _provider: own, _global: global })
    }
}

async fn wait(
    semaphore: &Arc<Semaphore>,
    until: Instant,
    name: &str,
    waited: Duration,
    ctx: &CallCtx,
) -> Result<OwnedSemaphorePermit, InferenceError> {
    let over_capacity = || InferenceError::OverCapacity {
        waiting_for: name.to_owned(),
        waited,
        retry_after: Duration::from_secs(5),
    };
    tokio::select! {
        biased;
        () = ctx.cancel.cancelled() => Err(InferenceError::Cancelled),
        permit = timeout_at(until, Arc::clone(semaphore).acquire_owned()) => match permit {
            Ok(Ok(permit)) => Ok(permit),
            // The semaphore is never closed, so only the time-out can happen.
            Ok(Err(_)) | Err(_) => Err(over_capacity()),
        },
    }
}
