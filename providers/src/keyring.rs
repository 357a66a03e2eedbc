//! The keys of an endpoint, used in turns. One that is refused, out of money or asked to slow down rests while others are used.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use exai_core::{Kind, provider::ProviderError};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::origin::Origin;

/// How long a key rests that is refused or out of money, when the vendor does not say.
const LONG_REST: Duration = Duration::from_secs(300);
/// How long it rests after it was asked to slow down, when the vendor does not say.
const SHORT_REST: Duration = Duration::from_secs(5);

/// One origin a key; a single one without a key when there is none.
pub(crate) struct Keyring {
    origins: Vec<Arc<Origin>>,
    resting: Mutex<Vec<Option<Instant>>>,
    turn: AtomicUsize,
}

impl Keyring {
    /// At least one origin.
    pub(crate) fn new(first: Origin, others: Vec<Origin>) -> Self {
        let origins: Vec<Arc<Origin>> = std::iter::once(first).chain(others).map(Arc::new).collect();
        Self { resting: Mutex::new(vec![None; origins.len()]), origins, turn: AtomicUsize::new(0) }
    }

    /// The next key that does not rest, else the one that rests the shortest.
    pub(crate) fn pick(&self) -> (usize, &Arc<Origin>) {
        let now = Instant::now();
        let resting = self.resting.lock();
        let count = self.origins.len();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let rest = |place: usize| resting.get(place).copied().flatten().filter(|until| *until > now);
        let place =
            (0..count).map(|step| (turn + step) % count).min_by_key(|place| rest(*place)).unwrap_or_default();
        // There is at least one, and every place is below the count.
        (place, self.origins.get(place).unwrap_or_else(|| self.first()))
    }

    /// For what concerns no key.
    pub(crate) fn first(&self) -> &Arc<Origin> {
        &self.origins[0]
    }

    /// Lets a key rest when a failure is about it. When another one does not rest, the failure passes by asking again.
    pub(crate) fn judge(&self, place: usize, mut failure: ProviderError) -> ProviderError {
        let usual = match failure.kind() {
            Kind::Auth | Kind::Quota => LONG_REST,
            Kind::RateLimited => SHORT_REST,
            _ => return failure,
        };
        let until = Instant::now() + failure.retry_after.unwrap_or(usual);
        let mut resting = self.resting.lock();
        if let Some(slot) = resting.get_mut(place) {
            *slot = Some(until);
        }
        let now = Instant::now();
        if resting.iter().any(|until| until.is_none_or(|until| until <= now)) {
            failure.kind = Kind::RateLimited;
            failure.retry_after = Some(Duration::ZERO);
            failure.message.push_str("; the next key is used");
        }
        failure
    }

    /// Keys in all, and those that rest.
    pub(crate) fn count(&self) -> (usize, usize) {
        let now = Instant::now();
        let all = self.origins.iter().filter(|origin| origin.key.is_some()).count();
        (all, self.resting.lock().iter().flatten().filter(|until| **until > now).count())
    }
}

#[cfg(test)]
mod tests {
    use exai_core::secret::SecretString;

    use super::*;
    use crate::vendor::VendorKind;

    fn ring(count: usize) -> Keyring {
        let origin = |number: usize| Origin {
            provider: "glm".into(),
            vendor: VendorKind::Glm.facts(),
            key: Some(SecretString::from(format!("key-{number}"))),
            key_origin: "GLM_API_KEY".to_owned(),
            secrets: crate::secrets::Secrets::default(),
        };
        Keyring::new(origin(0), (1..count).map(origin).collect())
    }

    fn failure(kind: Kind, wait: Option<u64>) -> ProviderError {
        ProviderError {
            retry_after: wait.map(Duration::from_secs),
            ..ProviderError::new("glm".into(), kind, "no")
        }
    }

    #[tokio::test(start_paused = true)]
    async fn keys_are_used_in_turns_and_rest() {
        let ring = ring(3);
        let picks = |count: usize| (0..count).map(|_| ring.pick().0).collect::<Vec<_>>();
        assert_eq!(picks(4), [0, 1, 2, 0]);
        let judged = ring.judge(1, failure(Kind::Auth, None));
        assert_eq!(
            (judged.kind, judged.retry_after),
            (Kind::RateLimited, Some(Duration::ZERO)),
            "another key may do it"
        );
        assert!(!picks(6).contains(&1));
        assert_eq!(ring.count(), (3, 1));
        ring.judge(0, failure(Kind::RateLimited, Some(7)));
        let last = ring.judge(2, failure(Kind::Quota, Some(60)));
        assert_eq!(
            (last.kind, last.retry_after),
            (Kind::Quota, Some(Duration::from_secs(60))),
            "none is left"
        );
        assert_eq!(picks(2), [0, 0], "the one that rests the shortest");
        tokio::time::advance(Duration::from_secs(300)).await;
        assert_eq!(ring.count(), (3, 0));
    }

    #[tokio::test]
    async fn a_single_key_changes_nothing() {
        let ring = ring(1);
        let judged = ring.judge(0, failure(Kind::Auth, None));
        assert_eq!((judged.kind, judged.message.as_str()), (Kind::Auth, "no"));
        assert_eq!(ring.judge(0, failure(Kind::Unavailable, None)).kind, Kind::Unavailable);
    }
}
