//! How many upstream attempts may be under way at once.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use exai_core::{ProviderId, provider::CallCtx};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use crate::{error::EngineError, settings::AttemptSettings};

/// A global limit and one for each provider that has its own.
pub struct Permits {
    /// With the number of its permits.
    global: (Arc<Semaphore>, usize),
    providers: BTreeMap<ProviderId, (Arc<Semaphore>, usize)>,
}

/// Permits in use and in all: of the server, and by name of each provider that has a limit of its own.
pub(crate) type InUse = ((usize, usize), Vec<(String, usize, usize)>);

/// The right to make one attempt; given back on drop, and by nothing else.
#[derive(Debug)]
pub struct Permit {
    _provider: Option<OwnedSemaphorePermit>,
    _global: OwnedSemaphorePermit,
}

impl Permits {
    /// The limits of `settings`; a limit of 0 means 1, because 0 would never answer.
    #[must_use]
    pub fn new(settings: &AttemptSettings) -> Self {
        let semaphore = |permits: usize| {
            let permits = permits.clamp(1, Semaphore::MAX_PERMITS);
            (Arc::new(Semaphore::new(permits)), permits)
        };
        Self {
            global: semaphore(settings.global_permits),
            providers: settings.provider_permits.iter().map(|(id, n)| (id.clone(), semaphore(*n))).collect(),
        }
    }

    /// Permits in use and in all: of the server, and of each provider with a limit of its own.
    pub(crate) fn in_use(&self) -> InUse {
        let used = |semaphore: &Semaphore, all: usize| all.saturating_sub(semaphore.available_permits());
        let providers = self
            .providers
            .iter()
            .map(|(id, (semaphore, all))| (id.as_str().to_owned(), used(semaphore, *all), *all));
        ((used(&self.global.0, self.global.1), self.global.1), providers.collect())
    }

    /// A permit that is free at this moment.
    pub(super) fn try_acquire(&self, provider: &ProviderId) -> Option<Permit> {
        let own = match self.providers.get(provider) {
            Some((semaphore, _)) => Some(Arc::clone(semaphore).try_acquire_owned().ok()?),
            None => None,
        };
        let global = Arc::clone(&self.global.0).try_acquire_owned().ok()?;
        Some(Permit { _provider: own, _global: global })
    }

    /// Waits for the provider's permit, then for a global one: a call that waits for a busy provider must not hold back the others.
    ///
    /// # Errors
    /// [`EngineError::OverCapacity`] after the wait, [`EngineError::Cancelled`].
    pub async fn acquire(
        &self,
        provider: &ProviderId,
        settings: &AttemptSettings,
        ctx: &CallCtx,
    ) -> Result<Permit, EngineError> {
        let until = ctx.deadline.min(Instant::now() + settings.permit_wait);
        let own = match self.providers.get(provider) {
            Some((semaphore, _)) => {
                Some(wait(semaphore, until, provider.as_str(), settings.permit_wait, ctx).await?)
            }
            None => None,
        };
        let global = wait(&self.global.0, until, "the server", settings.permit_wait, ctx).await?;
        Ok(Permit { _provider: own, _global: global })
    }
}

async fn wait(
    semaphore: &Arc<Semaphore>,
    until: Instant,
    name: &str,
    waited: Duration,
    ctx: &CallCtx,
) -> Result<OwnedSemaphorePermit, EngineError> {
    let over_capacity = || EngineError::OverCapacity {
        waiting_for: name.to_owned(),
        waited,
        retry_after: Duration::from_secs(5),
    };
    tokio::select! {
        biased;
        () = ctx.cancel.cancelled() => Err(EngineError::Cancelled),
        permit = timeout_at(until, Arc::clone(semaphore).acquire_owned()) => match permit {
            Ok(Ok(permit)) => Ok(permit),
            // The semaphore is never closed, so only the time-out can happen.
            Ok(Err(_)) | Err(_) => Err(over_capacity()),
        },
    }
}
