//! How many upstream attempts may be under way at once.

use std::{collections::BTreeMap, time::Duration};

use exai_core::{Identity, ProviderId, provider::CallCtx};
use tokio::time::{Instant, timeout_at};

use super::settings::AttemptSettings;
use crate::{
    error::InferenceError,
    fair::{FairLimit, Place},
};

/// A global limit and one for each provider that has its own.
pub struct Permits {
    global: FairLimit,
    providers: BTreeMap<ProviderId, FairLimit>,
}

/// Attempts under way, and how many may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InUse {
    /// Under way.
    pub used: usize,
    /// The most at once.
    pub permits: usize,
}

impl InUse {
    fn of(limit: &FairLimit) -> Self {
        Self { used: limit.taken(), permits: limit.places() }
    }
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
    _provider: Option<Place>,
    _global: Place,
}

impl Permits {
    /// The limits of `settings`.
    #[must_use]
    pub fn new(settings: &AttemptSettings) -> Self {
        let limit = |permits: usize| FairLimit::new(permits, settings.sharing);
        let own = settings.provider_permits.iter();
        Self {
            global: limit(settings.global_permits),
            providers: own.map(|(id, permits)| (id.clone(), limit(*permits))).collect(),
        }
    }

    /// How many are in use.
    pub(crate) fn in_use(&self) -> PermitUse {
        let own = self.providers.iter();
        PermitUse {
            global: InUse::of(&self.global),
            providers: own.map(|(id, limit)| (id.to_string(), InUse::of(limit))).collect(),
        }
    }

    /// A permit that is free at this moment.
    pub(super) fn try_acquire(&self, provider: &ProviderId, who: &Identity) -> Option<Permit> {
        let own = match self.providers.get(provider) {
            Some(limit) => Some(limit.try_take(who)?),
            None => None,
        };
        Some(Permit { _provider: own, _global: self.global.try_take(who)? })
    }

    /// Waits for the provider's permit, then for a global one: a call that waits for a busy provider must not hold back the others.
    ///
    /// # Errors
    /// [`InferenceError::OverCapacity`] after the wait, [`InferenceError::Cancelled`].
    pub async fn acquire(
        &self,
        provider: &ProviderId,
        who: &Identity,
        settings: &AttemptSettings,
        ctx: &CallCtx,
    ) -> Result<Permit, InferenceError> {
        let until = ctx.deadline.min(Instant::now() + settings.permit_wait);
        let own = match self.providers.get(provider) {
            Some(limit) => Some(wait(limit, who, until, provider.as_str(), settings.permit_wait, ctx).await?),
            None => None,
        };
        let global = wait(&self.global, who, until, "the server", settings.permit_wait, ctx).await?;
        Ok(Permit { _provider: own, _global: global })
    }
}

async fn wait(
    limit: &FairLimit,
    who: &Identity,
    until: Instant,
    name: &str,
    waited: Duration,
    ctx: &CallCtx,
) -> Result<Place, InferenceError> {
    let over_capacity = || InferenceError::OverCapacity {
        waiting_for: name.to_owned(),
        waited,
        retry_after: Duration::from_secs(5),
    };
    tokio::select! {
        biased;
        () = ctx.cancel.cancelled() => Err(InferenceError::Cancelled),
        place = timeout_at(until, limit.take(who)) => place.map_err(|_elapsed| over_capacity()),
    }
}
