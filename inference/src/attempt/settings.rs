//! How often and how patiently a provider is asked.

use std::{collections::BTreeMap, time::Duration};

use exai_core::ProviderId;

use crate::{fair::Sharing, health::BreakerSettings};

/// Permits and retries.
#[derive(Debug, Clone)]
pub struct AttemptSettings {
    /// Upstream attempts at once over all providers.
    pub global_permits: usize,
    /// Upstream attempts at once for one provider. What is not set here is the provider's own
    /// [`default_permits`](exai_core::provider::Provider::default_permits); others have only the global limit.
    pub provider_permits: BTreeMap<ProviderId, usize>,
    /// Whether owners get shares of the permits, or each as many as there are.
    pub sharing: Sharing,
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
            provider_permits: BTreeMap::new(),
            sharing: Sharing::Whole,
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

impl AttemptSettings {
    /// Sets the limits of providers that have none yet.
    pub(crate) fn add_permits(&mut self, defaults: impl IntoIterator<Item = (ProviderId, usize)>) {
        for (provider, most) in defaults {
            self.provider_permits.entry(provider).or_insert(most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_limit_precedes_the_providers() {
        let mut settings = AttemptSettings {
            provider_permits: BTreeMap::from([("a".into(), 9)]),
            ..AttemptSettings::default()
        };
        settings.add_permits([("a".into(), 4), ("b".into(), 6)]);
        assert_eq!(settings.provider_permits, BTreeMap::from([("a".into(), 9), ("b".into(), 6)]));
    }
}
