//! What is known of each model's service from how it has answered: whether it may be asked now, and how fast it was.
//!
//! A breaker stands before each model of each provider, and a vendor that asks to slow down is left alone as long as it says. Money
//! that is used up and a refused key are remembered for the choice between models; whoever names a model may try, because the
//! account may have been put in order meanwhile.

mod board;
mod breaker;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use exai_core::{
    Kind, ModelId, ProviderId,
    breaker::{BreakerBoard, BreakerPass, ModelKey},
    event::{Event, EventBus},
    provider::ProviderError,
};
use parking_lot::Mutex;
use tokio::time::Instant;

pub use self::{board::LocalBreakers, breaker::BreakerSettings};

/// So many times of answers are kept, and so many are needed to say what is usual.
const RECENT: usize = 200;
const ENOUGH: usize = 50;
/// How much a new observation counts in the averages.
const WEIGHT: f64 = 0.2;
/// How long money that is used up is believed to be, when the vendor does not say; then one call may look.
const QUOTA_PAUSE: Duration = Duration::from_secs(300);
/// How long a refused key keeps a provider from being chosen.
const KEY_PAUSE: Duration = Duration::from_secs(300);

/// The service of all models, shared by all clones.
#[derive(Clone)]
pub struct Health {
    breakers: Arc<dyn BreakerBoard>,
    events: Arc<dyn EventBus>,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    models: BTreeMap<ModelKey, Observed>,
    providers: BTreeMap<ProviderId, (Kind, Instant)>,
    under_way: BTreeMap<ProviderId, usize>,
}

#[derive(Debug)]
struct Observed {
    /// The vendor asked for no call before this moment.
    not_before: Option<Instant>,
    latency_ms: Option<f64>,
    error_rate: f64,
    /// Times of the latest answers, in milliseconds.
    recent: VecDeque<u64>,
}

/// Whether a call may be made.
pub(crate) enum Admission {
    /// It may.
    Go(Pass),
    /// It may after a while that the vendor asked for.
    After(Duration),
    /// The service has failed several times in a row; when it is worth another try.
    Refused(Duration),
}

/// The right to one call. Dropped without an outcome it says nothing about the service.
pub(crate) struct Pass {
    health: Health,
    key: ModelKey,
    is_trial: bool,
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
    pub(crate) fn new(breakers: Arc<dyn BreakerBoard>, events: Arc<dyn EventBus>) -> Self {
        Self { breakers, events, known: Arc::default() }
    }

    /// Asks for a call.
    pub(crate) fn admit(&self, provider: &ProviderId, model: &ModelId) -> Admission {
        let now = Instant::now();
        let key = model_key(provider, model);
        let mut known = self.known.lock();
        let observed = known.models.entry(key.clone()).or_insert_with(Observed::new);
        let pause = observed.not_before.and_then(|until| until.checked_duration_since(now));
        if let Some(wait) = pause.filter(|wait| !wait.is_zero()) {
            return Admission::After(wait);
        }
        let is_trial = match self.breakers.pass(&key) {
            BreakerPass::Refused(wait) => return Admission::Refused(wait),
            passed => passed == BreakerPass::Trial,
        };
        *known.under_way.entry(provider.clone()).or_default() += 1;
        Admission::Go(Pass { health: self.clone(), key, is_trial, is_over: false })
    }

    /// Why a model is better not chosen now.
    pub(crate) fn objection(&self, provider: &ProviderId, model: &ModelId) -> Option<Kind> {
        let now = Instant::now();
        let known = self.known.lock();
        if let Some((kind, until)) = known.providers.get(provider)
            && *until > now
        {
            return Some(*kind);
        }
        let key = model_key(provider, model);
        let observed = known.models.get(&key)?;
        if observed.not_before.is_some_and(|until| until > now) {
            return Some(Kind::RateLimited);
        }
        self.breakers.view(&key).closed_for.map(|_| Kind::Unavailable)
    }

    /// Average time of a model's answers in milliseconds, and the share of its attempts that failed.
    pub(crate) fn averages(&self, provider: &ProviderId, model: &ModelId) -> (Option<f64>, f64) {
        let known = self.known.lock();
        known
            .models
            .get(&model_key(provider, model))
            .map_or((None, 0.0), |entry| (entry.latency_ms, entry.error_rate))
    }

    /// After how long an answer is unusually late: the 95th percentile of the latest, at least one and a half times their median and
    /// at most three times. `None` before there are enough to say.
    pub(crate) fn unusual(&self, provider: &ProviderId, model: &ModelId) -> Option<Duration> {
        let mut recent: Vec<u64> = {
            let known = self.known.lock();
            let entry = known.models.get(&model_key(provider, model))?;
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
        self.known.lock().under_way.get(provider).copied().unwrap_or(0)
    }

    /// Every model that was asked since the start.
    pub(crate) fn conditions(&self) -> Vec<Condition> {
        let now = Instant::now();
        let known = self.known.lock();
        let condition = |(key, observed): (&ModelKey, &Observed)| {
            let breaker = self.breakers.view(key);
            let pause = || observed.not_before.and_then(|until| until.checked_duration_since(now));
            Condition {
                provider: key.provider.clone(),
                model: key.model.clone(),
                breaker: breaker.state.as_str(),
                failures: breaker.failures,
                closed_for: breaker.closed_for.or_else(pause),
                latency_ms: observed.latency_ms,
                error_rate: observed.error_rate,
            }
        };
        known.models.iter().map(condition).collect()
    }

    /// Providers that are left alone: the code of the reason, and for how long.
    pub(crate) fn closed_providers(&self) -> Vec<(String, &'static str, Duration)> {
        let now = Instant::now();
        let known = self.known.lock();
        let closed = known.providers.iter().filter(|(_, (_, until))| *until > now);
        closed.map(|(provider, (kind, until))| (provider.to_string(), kind.code(), *until - now)).collect()
    }
}

impl Observed {
    fn new() -> Self {
        Self { not_before: None, latency_ms: None, error_rate: 0.0, recent: VecDeque::new() }
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
        if self.health.breakers.succeeded(&self.key) {
            let ModelKey { provider, model } = self.key.clone();
            self.health.events.publish(Event::BreakerClosed { provider, model });
        }
        let mut known = self.health.known.lock();
        known.providers.remove(&self.key.provider);
        let Some(observed) = known.models.get_mut(&self.key) else { return };
        observed.not_before = None;
        observed.observe(false);
        if observed.recent.len() == RECENT {
            observed.recent.pop_front();
        }
        observed.recent.push_back(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        let took = took.as_secs_f64() * 1e3;
        observed.latency_ms = Some(observed.latency_ms.map_or(took, |known| known + WEIGHT * (took - known)));
    }

    /// The call failed. What the caller did wrong, or stopped, says nothing about the service.
    pub(crate) fn failed(mut self, failure: &ProviderError) {
        let now = Instant::now();
        self.is_over = true;
        if counts(failure.kind()) {
            self.count_failure();
        } else {
            self.health.breakers.left(&self.key, self.is_trial);
        }
        let mut known = self.health.known.lock();
        let provider = self.key.provider.clone();
        match failure.kind() {
            Kind::Quota => {
                let until = now + failure.retry_after.unwrap_or(QUOTA_PAUSE);
                known.providers.insert(provider, (Kind::Quota, until));
            }
            Kind::Auth => drop(known.providers.insert(provider, (Kind::Auth, now + KEY_PAUSE))),
            _ => {}
        }
        let Some(observed) = known.models.get_mut(&self.key) else { return };
        if counts(failure.kind()) {
            observed.observe(true);
        } else if failure.kind() == Kind::RateLimited {
            observed.not_before = failure.retry_after.map(|wait| now + wait);
        }
    }

    fn count_failure(&self) {
        if self.health.breakers.failed(&self.key, self.is_trial) {
            let ModelKey { provider, model } = self.key.clone();
            let wait = self.health.breakers.view(&self.key).closed_for.unwrap_or_default();
            let for_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            self.health.events.publish(Event::BreakerOpened { provider, model, for_ms });
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut known = self.health.known.lock();
        if let Some(count) = known.under_way.get_mut(&self.key.provider) {
            *count = count.saturating_sub(1);
        }
        drop(known);
        if !self.is_over {
            self.health.breakers.left(&self.key, self.is_trial);
        }
    }
}

fn model_key(provider: &ProviderId, model: &ModelId) -> ModelKey {
    ModelKey { provider: provider.clone(), model: model.clone() }
}

/// Whether a failure is the service's and not the caller's, the key's or the money's. A vendor that asks to slow down works.
fn counts(kind: Kind) -> bool {
    matches!(kind, Kind::Unavailable | Kind::Unreachable | Kind::Timeout | Kind::Protocol)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordination::LocalEvents;

    fn health() -> Health {
        Health::new(Arc::new(LocalBreakers::default()), Arc::new(LocalEvents::default()))
    }

    fn failure(kind: Kind, retry_after: Option<u64>) -> ProviderError {
        ProviderError {
            retry_after: retry_after.map(Duration::from_secs),
            ..ProviderError::new("p".into(), kind, "x")
        }
    }

    fn pass(health: &Health) -> Pass {
        match health.admit(&"p".into(), &"m".into()) {
            Admission::Go(pass) => pass,
            Admission::After(wait) | Admission::Refused(wait) => panic!("expected a pass, got {wait:?}"),
        }
    }

    /// A service that fails is left alone and one call looks again.
    #[tokio::test(start_paused = true)]
    async fn a_failing_service_is_left_alone() {
        let health = health();
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

    /// Pace, money and keys are not failures of the service.
    #[tokio::test(start_paused = true)]
    async fn limits_and_keys_are_no_failures() {
        let health = health();
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

    #[test]
    fn breakers_tell_when_they_change() {
        let events = Arc::new(LocalEvents::default());
        let health = Health::new(Arc::new(LocalBreakers::default()), events.clone());
        let mut told = events.subscribe();
        let most = BreakerSettings::default().failures;
        for _ in 0..most {
            pass(&health).failed(&failure(Kind::Unavailable, None));
        }
        let opened = told.try_recv().unwrap();
        assert!(matches!(&*opened, Event::BreakerOpened { for_ms, .. } if *for_ms > 29_000), "{opened:?}");
        assert!(told.try_recv().is_err(), "once");
    }
}
