//! How often somebody may call: a bound for all and one for each caller, by the generic cell rate algorithm.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use exai_core::Principal;
use governor::{
    DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};

use super::guard;

/// The bounds; `None` bounds nothing. Callers are those of the configuration, so there is nothing to forget.
#[derive(Clone, Default)]
pub(super) struct Rates {
    all: Option<Arc<DefaultDirectRateLimiter>>,
    each: Option<Arc<DefaultKeyedRateLimiter<Principal>>>,
    clock: DefaultClock,
}

impl Rates {
    /// Calls a second, of all together and of each caller; as many may come at once.
    pub(super) fn new((all, each): (u32, u32)) -> Self {
        let quota = |a_second: u32| NonZeroU32::new(a_second).map(Quota::per_second);
        Self {
            all: quota(all).map(|quota| Arc::new(RateLimiter::direct(quota))),
            each: quota(each).map(|quota| Arc::new(RateLimiter::keyed(quota))),
            clock: DefaultClock::default(),
        }
    }

    /// How long to wait; `None` when nobody has to.
    fn wait(&self, who: &Principal) -> Option<Duration> {
        let now = self.clock.now();
        if let Some(Err(early)) = self.each.as_ref().map(|each| each.check_key(who)) {
            return Some(early.wait_time_from(now));
        }
        self.all.as_ref().and_then(|all| all.check().err()).map(|early| early.wait_time_from(now))
    }
}

/// Refuses what comes too fast. Looks at health, the ends of sessions and streams that are only read are not counted.
pub(super) async fn limit(State(rates): State<Rates>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let who = request.extensions().get::<Principal>().cloned().unwrap_or_else(Principal::local);
    let Some(wait) = rates.wait(&who) else { return next.run(request).await };
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let text = format!("too many calls; come again in {seconds} s");
    let refusal = guard::problem(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", &text);
    ([(header::RETRY_AFTER, HeaderValue::from(seconds))], refusal).into_response()
}
