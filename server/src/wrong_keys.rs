//! Keys that are none, by the address that shows them: each further one waits longer for its refusal, and the log tells of them. A valid key
//! is never delayed, because many clients may share an address.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    admission::{Admission, TooFast, of_address},
    rate::{LocalRates, RateLimits},
    strangers::Address,
};

/// Refusals a second of one address.
const EACH: u32 = 2;
/// Between lines of the log about one address.
const TOLD: Duration = Duration::from_secs(60);
/// The most addresses that are told apart in the log.
const MOST: usize = 1_000;

/// All of them. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct WrongKeys {
    admission: Admission,
    told: Arc<Mutex<HashMap<Address, Told>>>,
}

/// What the log has said of an address, and how many keys it has shown since.
#[derive(Debug)]
struct Told {
    at: Instant,
    since: u64,
}

impl WrongKeys {
    pub(super) fn new(ending: CancellationToken) -> Self {
        let rates = LocalRates::new(RateLimits { all: 0, each: EACH });
        Self { admission: Admission::new(Arc::new(rates), ending), told: Arc::default() }
    }

    /// One was shown: returns when it may be refused.
    ///
    /// # Errors
    /// Too many wait for that already.
    pub(super) async fn shown(&self, address: Address) -> Result<(), TooFast> {
        let now = Instant::now();
        if let Some(keys) = self.count(address, now) {
            tracing::warn!(%address, keys, "a key was shown that is none");
        }
        match self.admission.enter(&of_address(address), now).await {
            Ok(()) | Err(TooFast::Burst { .. }) => Ok(()),
            Err(flood @ TooFast::Flood { .. }) => Err(flood),
        }
    }

    /// How many keys there were since the log has told of this address, when it is time to tell again.
    fn count(&self, address: Address, now: Instant) -> Option<u64> {
        let mut told = self.told.lock();
        if told.len() >= MOST && !told.contains_key(&address) {
            told.retain(|_, told| now < told.at + TOLD);
            if told.len() >= MOST {
                return None;
            }
        }
        let Some(before) = told.get_mut(&address) else {
            told.insert(address, Told { at: now, since: 0 });
            return Some(1);
        };
        before.since += 1;
        if now < before.at + TOLD {
            return None;
        }
        before.at = now;
        Some(std::mem::take(&mut before.since))
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn address(number: u32) -> Address {
        IpAddr::from(Ipv4Addr::from_bits(number)).into()
    }

    #[tokio::test(start_paused = true)]
    async fn the_log_is_told_once_a_minute() {
        let (keys, start) = (WrongKeys::new(CancellationToken::new()), Instant::now());
        assert_eq!(keys.count(address(1), start), Some(1));
        assert_eq!(keys.count(address(1), start), None);
        assert_eq!(keys.count(address(2), start), Some(1));
        assert_eq!(keys.count(address(1), start + TOLD), Some(2));
        assert_eq!(keys.count(address(1), start + TOLD), None);
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_are_bounded() {
        let (keys, start) = (WrongKeys::new(CancellationToken::new()), Instant::now());
        for number in 0..2 * u32::try_from(MOST).unwrap() {
            keys.count(address(number), start);
        }
        assert_eq!(keys.told.lock().len(), MOST);
        assert_eq!(keys.count(address(u32::MAX), start + TOLD), Some(1), "old ones make room");
    }
}
