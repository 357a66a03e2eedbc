//! What is known of each model's service from how it has answered: whether it may be asked now, and how fast it was.
//!
//! A breaker stands before each model of each provider, and a vendor that asks to slow down is left alone as long as it says. Money
//! that is used up and a refused key are remembered for the choice between models; whoever names a model may try, because the
//! account may have been put in order meanwhile.

mod breaker;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use exai_core::{Kind, ModelId, ProviderId, provider::ProviderError};
use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

pub use breaker::BreakerSettings;
use breaker::{Breaker, State};

/// So many times of answers are kept, and so many are needed to say what is usual.
const RECENT: usize = 200;
const ENOUGH: usize = 50;
/// How much a new observation counts in the averages.
const WEIGHT: f64 = 0.2;
/// How long money that is used up is believed to be, when the vendor does not say; then one call may look.
const QUOTA_PAUSE: Duration = Duration::from_secs(300);
/// How long a refused key keeps a provider from being chosen.
const KEY_PAUSE: Duration = Duration::from_secs(300);

type Place = (ProviderId, ModelId);

/// The service of all models, shared by all clones.
#[derive(Debug, Clone, Default)]
pub struct Health {
    settings: BreakerSettings,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    models: BTreeMap<Place, Entry>,
    providers: BTreeMap<ProviderId, (Kind, Instant)>,
    under_way: BTreeMap<ProviderId, usize>,
}

#[derive(Debug)]
struct Entry {
    breaker: Breaker,
    /// The vendor asked for no call before this moment.
    not_before: Option<Instant>,
    latency_ms: Option<f64>,
    error_rate: f64,
    /// Times of the latest answers, in milliseconds.
    recent: VecDeque<u64>,
}

/// Whether a call may be made.
#[derive(Debug)]
pub(crate) enum Admission {
    /// It may.
    Go(Pass),
    /// It may after a while that the vendor asked for.
    After(Duration),
    /// The service has failed several times in a row; when it is worth another try.
    Refused(Duration),
}

/// The right to one call. Dropped without an outcome it says nothing about the service.
#[derive(Debug)]
pub(crate) struct Pass {
    health: Health,
    place: Place,
    tries: bool,
    is_over: bool,
}

/// What is known of a model, for people and for the choice between models.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Who serves it.
    pub provider: ProviderId,
    /// The model.
    pub model: ModelId,
    /// `closed`, `open` or `probing`.
    pub breaker: &'static str,
    /// Failures in a row.
    pub failures: u32,
    /// How long it is not asked.
    pub closed_for: Option<Duration>,
    /// Average time of its answers, in milliseconds.
    pub latency_ms: Option<f64>,
    /// Share of attempts that failed, 0 to 1, the latest counting most.
    pub error_rate: f64,
}

impl Health {
    pub(crate) fn new(settings: BreakerSettings) -> Self {
        Self { settings, known: Arc::default() }
    }

    /// Asks for a call.
    pub(crate) fn admit(&self, provider: &ProviderId, model: &ModelId) -> Admission {
        let now = Instant::now();
        let mut known = self.lock();
        let place = (provider.clone(), model.clone());
        let entry = known.models.entry(place.clone()).or_insert_with(Entry::new);
        if let Some(wait) = entry
            .not_before
            .and_then(|until| until.checked_duration_since(now))
            .filter(|wait| !wait.is_zero())
        {
            return Admission::After(wait);
        }
        if let Some(wait) = entry.breaker.closed_for(now, &self.settings) {
            return Admission::Refused(wait);
        }
        let tries = entry.breaker.pass();
        *known.under_way.entry(provider.clone()).or_default() += 1;
        Admission::Go(Pass { health: self.clone(), place, tries, is_over: false })
    }

    /// Why a model is better not chosen now.
    pub(crate) fn objection(&self, provider: &ProviderId, model: &ModelId) -> Option<Kind> {
        let now = Instant::now();
        let known = self.lock();
        if let Some((kind, until)) = known.providers.get(provider)
            && *until > now
        {
            return Some(*kind);
        }
        let entry = known.models.get(&(provider.clone(), model.clone()))?;
        if entry.not_before.is_some_and(|until| until > now) {
            return Some(Kind::RateLimited);
        }
        entry.breaker.closed_for(now, &self.settings).map(|_| Kind::Unavailable)
    }

    /// Average time of a model's answers in milliseconds, and the share of its attempts that failed.
    pub(crate) fn averages(&self, provider: &ProviderId, model: &ModelId) -> (Option<f64>, f64) {
        let known = self.lock();
        known
            .models
            .get(&(provider.clone(), model.clone()))
            .map_or((None, 0.0), |entry| (entry.latency_ms, entry.error_rate))
    }

    /// After how long an answer is unusually late: the 95th percentile of the latest, at least one and a half times their median and
    /// at most three times. `None` before there are enough to say.
    pub(crate) fn unusual(&self, provider: &ProviderId, model: &ModelId) -> Option<Duration> {
        let mut recent: Vec<u64> = {
            let known = self.lock();
            let entry = known.models.get(&(provider.clone(), model.clone()))?;
            entry.recent.iter().copied().collect()
        };
        if recent.len() < ENOUGH {
            return None;
        }
        recent.sort_unstable();
        let at = |percent: usize| recent.get((recent.len() * percent).div_ceil(100).max(1) - 1).copied();
        let usual = at(50)?;
        // Half as long again as usual is still usual.
        let unusual = at(95)?.min(usual.saturating_mul(3)).max(usual.saturating_mul(3) / 2);
        Some(Duration::from_millis(unusual.max(1)))
    }

    /// Calls of a provider that are under way.
    pub(crate) fn under_way(&self, provider: &ProviderId) -> usize {
        self.lock().under_way.get(provider).copied().unwrap_or(0)
    }

    /// Every model that was asked since the start.
    pub(crate) fn conditions(&self) -> Vec<Condition> {
        let now = Instant::now();
        let known = self.lock();
        let condition = |((provider, model), entry): (&Place, &Entry)| Condition {
            provider: provider.clone(),
            model: model.clone(),
            breaker: match entry.breaker.state() {
                State::Closed => "closed",
                State::Open { .. } => "open",
                State::Probing => "probing",
            },
            failures: entry.breaker.failures(),
            closed_for: entry
                .breaker
                .closed_for(now, &self.settings)
                .or_else(|| entry.not_before.and_then(|until| until.checked_duration_since(now))),
            latency_ms: entry.latency_ms,
            error_rate: entry.error_rate,
        };
        known.models.iter().map(condition).collect()
    }

    /// Providers that are left alone: the code of the reason, and for how long.
    pub(crate) fn closed_providers(&self) -> Vec<(String, &'static str, Duration)> {
        let now = Instant::now();
        let known = self.lock();
        let closed = known.providers.iter().filter(|(_, (_, until))| *until > now);
        closed.map(|(provider, (kind, until))| (provider.to_string(), kind.code(), *until - now)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock()
    }
}

impl Entry {
    fn new() -> Self {
        Self {
            breaker: Breaker::new(),
            not_before: None,
            latency_ms: None,
            error_rate: 0.0,
            recent: VecDeque::new(),
        }
    }

    fn observe(&mut self, failed: bool) {
        let value = if failed { 1.0 } else { 0.0 };
        self.error_rate += WEIGHT * (value - self.error_rate);
    }
}

impl Pass {
    /// The call was answered after so long.
    pub(crate) fn answered(mut self, took: Duration) {
        self.is_over = true;
        let mut known = self.health.lock();
        known.providers.remove(&self.place.0);
        let Some(entry) = known.models.get_mut(&self.place) else { return };
        entry.breaker.succeeded();
        entry.not_before = None;
        entry.observe(false);
        if entry.recent.len() == RECENT {
            entry.recent.pop_front();
        }
        entry.recent.push_back(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        let took = took.as_secs_f64() * 1e3;
        entry.latency_ms = Some(entry.latency_ms.map_or(took, |known| known + WEIGHT * (took - known)));
    }

    /// The call failed. What the caller did wrong, or stopped, says nothing about the service.
    pub(crate) fn failed(mut self, failure: &ProviderError) {
        let now = Instant::now();
        let settings = self.health.settings;
        self.is_over = true;
        let mut known = self.health.lock();
        let provider = self.place.0.clone();
        match failure.kind() {
            Kind::Quota => {
                let until = now + failure.retry_after.unwrap_or(QUOTA_PAUSE);
                known.providers.insert(provider, (Kind::Quota, until));
            }
            Kind::Auth => drop(known.providers.insert(provider, (Kind::Auth, now + KEY_PAUSE))),
            _ => {}
        }
        let Some(entry) = known.models.get_mut(&self.place) else { return };
        if counts(failure.kind()) {
            entry.observe(true);
            entry.breaker.failed(self.tries, now, &settings);
            return;
        }
        if failure.kind() == Kind::RateLimited {
            entry.not_before = failure.retry_after.map(|wait| now + wait);
        }
        entry.breaker.left(self.tries, now);
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut known = self.health.lock();
        if let Some(count) = known.under_way.get_mut(&self.place.0) {
            *count = count.saturating_sub(1);
        }
        if let Some(entry) = known.models.get_mut(&self.place).filter(|_| !self.is_over) {
            entry.breaker.left(self.tries, now);
        }
    }
}

/// Whether a failure is the service's and not the caller's, the key's or the money's. A vendor that asks to slow down works.
fn counts(kind: Kind) -> bool {
    matches!(kind, Kind::Unavailable | Kind::Unreachable | Kind::Timeout | Kind::Protocol)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: Kind, retry_after: Option<u64>) -> ProviderError {
        ProviderError {
            retry_after: retry_after.map(Duration::from_secs),
            ..ProviderError::new("p".into(), kind, "x")
        }
    }

    fn pass(health: &Health) -> Pass {
        match health.admit(&"p".into(), &"m".into()) {
            Admission::Go(pass) => pass,
            other => panic!("expected a pass, got {other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_fails_is_left_alone_and_one_call_looks_again() {
        let health = Health::default();
        for _ in 0..5 {
            assert_eq!(health.objection(&"p".into(), &"m".into()), None);
            pass(&health).failed(&failure(Kind::Unavailable, None));
        }
        assert_eq!(health.objection(&"p".into(), &"m".into()), Some(Kind::Unavailable));
        assert!(
            matches!(health.admit(&"p".into(), &"m".into()), Admission::Refused(wait) if wait == Duration::from_secs(30))
        );
        assert_eq!(health.objection(&"p".into(), &"other".into()), None, "each model has its own");
        tokio::time::advance(Duration::from_secs(30)).await;
        let looking = pass(&health);
        assert!(matches!(health.admit(&"p".into(), &"m".into()), Admission::Refused(_)), "only one");
        drop(looking);
        pass(&health).answered(Duration::from_millis(40));
        assert_eq!(
            (health.conditions()[0].breaker, health.conditions()[0].latency_ms),
            ("closed", Some(40.0))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn pace_money_and_keys_are_not_failures_of_the_service() {
        let health = Health::default();
        for _ in 0..9 {
            pass(&health).failed(&failure(Kind::UpstreamRejected, None));
        }
        pass(&health).failed(&failure(Kind::RateLimited, Some(7)));
        assert!(
            matches!(health.admit(&"p".into(), &"m".into()), Admission::After(wait) if wait == Duration::from_secs(7))
        );
        tokio::time::advance(Duration::from_secs(7)).await;
        pass(&health).failed(&failure(Kind::Auth, None));
        assert_eq!(health.objection(&"p".into(), &"other".into()), Some(Kind::Auth));
        pass(&health).failed(&failure(Kind::Quota, Some(60)));
        assert_eq!(health.objection(&"p".into(), &"other".into()), Some(Kind::Quota));
        assert!(
            matches!(health.admit(&"p".into(), &"other".into()), Admission::Go(_)),
            "whoever names it may try"
        );
        tokio::time::advance(Duration::from_secs(60)).await;
        pass(&health).answered(Duration::ZERO);
        assert_eq!(health.objection(&"p".into(), &"m".into()), None);
        assert_eq!(health.conditions()[0].failures, 0);
    }
}
