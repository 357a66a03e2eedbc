//! How often a caller may call: a bound for all and one for each caller, by the generic cell rate algorithm.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    time::{Duration, Instant as Moment},
};

use async_trait::async_trait;
use axum::{
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use exai_core::{
    Identity,
    rate::{Rate, RateLimiter},
};
use governor::{
    DefaultDirectRateLimiter, Quota,
    clock::{Clock as _, DefaultClock},
};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{
    admission::{Admission, Counted, TooFast},
    problem,
};

/// The most callers whose calls are counted at once. A caller takes about 200 bytes, so all of them together take 2 MB; more than this
/// within a second, each with a valid key, is no ordinary load.
const MOST_CALLERS: usize = 10_000;
/// A caller that has been idle for so long may send a whole burst again, so that forgetting it changes nothing.
const FULL_AGAIN: Duration = Duration::from_secs(1);

/// Calls a second; 0 means no bound. As many may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// Of all callers together.
    pub all: u32,
    /// Of each caller.
    pub each: u32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self { all: 50, each: 20 }
    }
}

/// The bounds of this process. `None` bounds nothing.
#[derive(Debug)]
pub struct LocalRates {
    all: Option<DefaultDirectRateLimiter>,
    each: Option<Quota>,
    callers: Mutex<HashMap<Identity, Calls>>,
    most: usize,
}

/// The calls of one caller.
#[derive(Debug)]
struct Calls {
    limiter: DefaultDirectRateLimiter,
    last: Moment,
}

impl LocalRates {
    /// Begins to count.
    #[must_use]
    pub fn new(limits: RateLimits) -> Self {
        Self::with_most(limits, MOST_CALLERS)
    }

    fn with_most(limits: RateLimits, most: usize) -> Self {
        let quota = |a_second: u32| NonZeroU32::new(a_second).map(Quota::per_second);
        let all = quota(limits.all).map(DefaultDirectRateLimiter::direct);
        Self { all, each: quota(limits.each), callers: Mutex::default(), most }
    }

    fn take_own(&self, who: &Identity) -> Rate {
        let Some(quota) = self.each else { return Rate::Allowed };
        let (who, now) = (who.clone(), Moment::now());
        let mut callers = self.callers.lock();
        if callers.len() >= self.most && !callers.contains_key(&who) {
            callers.retain(|_, counted| now.duration_since(counted.last) < FULL_AGAIN);
            if callers.len() >= self.most {
                return Rate::Wait(FULL_AGAIN);
            }
        }
        let counted = callers
            .entry(who)
            .or_insert_with(|| Calls { limiter: DefaultDirectRateLimiter::direct(quota), last: now });
        counted.last = now;
        ask(&counted.limiter)
    }
}

fn ask(limiter: &DefaultDirectRateLimiter) -> Rate {
    match limiter.check() {
        Ok(()) => Rate::Allowed,
        Err(early) => Rate::Wait(early.wait_time_from(DefaultClock::default().now())),
    }
}

#[async_trait]
impl RateLimiter for LocalRates {
    async fn take(&self, who: &Identity) -> Rate {
        match self.take_own(who) {
            Rate::Allowed => self.all.as_ref().map_or(Rate::Allowed, ask),
            wait => wait,
        }
    }

    fn is_bounded(&self) -> bool {
        self.all.is_some() || self.each.is_some()
    }
}

/// Has a call wait for its turn, and refuses what comes too fast. Only POST is counted: looks at health, the ends of sessions and streams
/// that are only read are not.
pub(super) async fn limit(State(admission): State<Admission>, request: Request, next: Next) -> Response {
    match enter(&admission, caller(&request)).await {
        Ok(()) => next.run(request).await,
        Err(too_fast) => refusal(too_fast),
    }
}

/// As [`limit`], for routes that tell their clients in their own words: they find [`TooFast`] in the extensions of the request. A flood
/// does not get that far.
pub(super) async fn pass_on(
    State(admission): State<Admission>,
    mut request: Request,
    next: Next,
) -> Response {
    match enter(&admission, caller(&request)).await {
        Ok(()) => {}
        Err(burst @ TooFast::Burst { .. }) => {
            request.extensions_mut().insert(burst);
        }
        Err(flood @ TooFast::Flood { .. }) => return refusal(flood),
    }
    next.run(request).await
}

/// Whose call it is; none when it does not count.
fn caller(request: &Request) -> Option<Identity> {
    let counted = request.extensions().get::<Counted>().map(|Counted(who)| who.clone());
    (request.method() == Method::POST).then(|| counted.unwrap_or_else(Identity::local))
}

async fn enter(admission: &Admission, who: Option<Identity>) -> Result<(), TooFast> {
    match who {
        Some(who) => admission.enter(&who, Instant::now()).await,
        None => Ok(()),
    }
}

pub(super) fn refusal(too_fast: TooFast) -> Response {
    let wait = too_fast.retry_after();
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let text = format!("too many calls; come again in {seconds} s");
    let refusal = problem(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", &text);
    ([(header::RETRY_AFTER, HeaderValue::from(seconds))], refusal).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(owner: &str) -> Identity {
        Identity::new("team", owner)
    }

    async fn is_allowed(rates: &LocalRates, who: &Identity) -> bool {
        rates.take(who).await == Rate::Allowed
    }

    #[tokio::test]
    async fn each_caller_has_a_bound() {
        let rates = LocalRates::new(RateLimits { all: 0, each: 2 });
        let (one, other) = (caller("one"), caller("other"));
        assert!(is_allowed(&rates, &one).await && is_allowed(&rates, &one).await);
        assert!(!is_allowed(&rates, &one).await);
        assert!(is_allowed(&rates, &other).await);
    }

    #[tokio::test]
    async fn all_callers_share_a_bound() {
        let rates = LocalRates::new(RateLimits { all: 2, each: 0 });
        assert!(is_allowed(&rates, &caller("one")).await && is_allowed(&rates, &caller("two")).await);
        assert!(!is_allowed(&rates, &caller("three")).await);
    }

    /// Keys of another service are as many as it issues: what is counted for them must not grow without an end.
    #[tokio::test]
    async fn idle_callers_are_forgotten() {
        let rates = LocalRates::with_most(RateLimits { all: 0, each: 5 }, 2);
        assert!(is_allowed(&rates, &caller("one")).await && is_allowed(&rates, &caller("two")).await);
        assert_eq!(rates.take(&caller("three")).await, Rate::Wait(FULL_AGAIN));
        assert!(is_allowed(&rates, &caller("one")).await, "one that is counted already goes on");
        for counted in rates.callers.lock().values_mut() {
            counted.last = counted.last.checked_sub(FULL_AGAIN).unwrap();
        }
        assert!(is_allowed(&rates, &caller("three")).await);
        assert_eq!(rates.callers.lock().len(), 1);
    }
}
