//! How many further requests a provider may be sent: a provider in trouble must not be sent twice as much.

use std::collections::BTreeMap;

use exai_core::ProviderId;
use parking_lot::Mutex;

/// What a first attempt earns; so further ones are at most this share.
const EARNED: f64 = 0.2;
/// What every provider has at the beginning, for those that are asked rarely.
const AT_FIRST: f64 = 20.0;
/// The most that is saved up.
const MOST: f64 = 100.0;

/// Further requests that may be made, for each provider.
#[derive(Debug, Default)]
pub(super) struct RetryBudget(Mutex<BTreeMap<ProviderId, f64>>);

impl RetryBudget {
    /// A first attempt is made.
    pub(super) fn earn(&self, provider: &ProviderId) {
        let mut all = self.0.lock();
        let saved = all.entry(provider.clone()).or_insert(AT_FIRST);
        *saved = (*saved + EARNED).min(MOST);
    }

    /// Whether a further request may be made; it is then counted.
    pub(super) fn spend(&self, provider: &ProviderId) -> bool {
        let mut all = self.0.lock();
        let saved = all.entry(provider.clone()).or_insert(AT_FIRST);
        let may = *saved >= 1.0;
        if may {
            *saved -= 1.0;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_requests_are_a_fifth() {
        let (budget, provider) = (RetryBudget::default(), ProviderId::from("p"));
        let mut made = 0;
        for _ in 0..10_000 {
            budget.earn(&provider);
            made += u32::from(budget.spend(&provider)) + u32::from(budget.spend(&provider));
        }
        assert!((2_000..=2_021).contains(&made), "{made}");
        assert!(budget.spend(&ProviderId::from("another")), "each provider has its own");
    }
}
