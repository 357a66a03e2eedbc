//! How soon a caller's next call may go on: a burst waits for its turn, one after the other, and is refused only after that. The same
//! counts for every door and session of a caller.

use std::{collections::HashMap, sync::Arc, time::Duration};

use exai_core::{
    Identity, Principal,
    rate::{Rate, RateLimiter},
};
use parking_lot::Mutex;
use tokio::{
    sync::Mutex as Turn,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::strangers::Address;

/// How long a call waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most calls of one caller that wait. More at once are no burst but a flood, and cost nothing but their refusal.
const MOST_WAITING: usize = 256;
/// The group of callers that are known by their address alone.
const ADDRESSES: &str = "address";

/// Why a call may not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooFast {
    /// It has waited, and its turn has not come.
    Burst {
        /// When its caller may try again.
        retry_after: Duration,
    },
    /// So many wait already that it is refused at once.
    Flood {
        /// When its caller may try again.
        retry_after: Duration,
    },
}

impl TooFast {
    /// When its caller may try again.
    #[must_use]
    pub fn retry_after(self) -> Duration {
        match self {
            Self::Burst { retry_after } | Self::Flood { retry_after } => retry_after,
        }
    }
}

/// Who is counted: the caller whose key was shown, or the address where no key is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counted(pub(super) Identity);

impl Counted {
    pub(super) fn of(who: &Principal, address: Address, needs_key: bool) -> Self {
        Self(if needs_key { who.identity.clone() } else { of_address(address) })
    }
}

/// An address as one that is counted.
pub(super) fn of_address(address: Address) -> Identity {
    Identity::new(ADDRESSES, address.to_string().as_str())
}

/// The calls of all callers. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Admission(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    rates: Arc<dyn RateLimiter>,
    lines: Mutex<HashMap<Identity, Line>>,
    /// The server is ending: nobody waits any more.
    ending: CancellationToken,
}

/// The calls of one caller that have not gone on. The first of them asks, the others wait behind it in the order in which they came.
#[derive(Debug, Default)]
struct Line {
    turn: Arc<Turn<()>>,
    count: usize,
}

/// One of them, until this is dropped.
struct Waiting<'a> {
    shared: &'a Shared,
    who: &'a Identity,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut lines = self.shared.lines.lock();
        if let Some(line) = lines.get_mut(self.who) {
            line.count -= 1;
            if line.count == 0 {
                lines.remove(self.who);
            }
        }
    }
}

impl Admission {
    /// Nobody waits any more once `ending` is cancelled.
    pub(super) fn new(rates: Arc<dyn RateLimiter>, ending: CancellationToken) -> Self {
        Self(Arc::new(Shared { rates, lines: Mutex::default(), ending }))
    }

    /// Waits until a call that came at this moment may go on, for five seconds at most.
    ///
    /// # Errors
    /// It may not, and says when to try again.
    pub(super) async fn enter(&self, who: &Identity, came: Instant) -> Result<(), TooFast> {
        if !self.0.rates.is_bounded() {
            return Ok(());
        }
        let until = came + PATIENCE;
        let turn = {
            let mut lines = self.0.lines.lock();
            let line = lines.entry(who.clone()).or_default();
            if line.count >= MOST_WAITING {
                return Err(TooFast::Flood { retry_after: PATIENCE });
            }
            line.count += 1;
            Arc::clone(&line.turn)
        };
        let _waiting = Waiting { shared: &self.0, who };
        let passed = async {
            let Ok(_turn) = timeout_at(until, turn.lock()).await else {
                return Err(TooFast::Burst { retry_after: PATIENCE });
            };
            loop {
                match self.0.rates.take(who).await {
                    Rate::Allowed => return Ok(()),
                    Rate::Wait(wait) if Instant::now() + wait > until => {
                        return Err(TooFast::Burst { retry_after: wait });
                    }
                    Rate::Wait(wait) => sleep(wait).await,
                }
            }
        };
        tokio::select! {
            biased;
            passed = passed => passed,
            () = self.0.ending.cancelled() => Err(TooFast::Burst { retry_after: PATIENCE }),
        }
    }

    /// The same for a call that does not wait.
    pub(super) async fn enter_now(&self, who: &Identity) -> Result<(), TooFast> {
        match self.0.rates.take(who).await {
            Rate::Allowed => Ok(()),
            Rate::Wait(retry_after) => Err(TooFast::Burst { retry_after }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::{LocalRates, RateLimits};

    /// Lets one call pass each time somebody may.
    #[derive(Debug)]
    struct Slow(Mutex<Option<Instant>>);

    #[async_trait::async_trait]
    impl RateLimiter for Slow {
        async fn take(&self, _: &Identity) -> Rate {
            let (now, mut next) = (Instant::now(), self.0.lock());
            match next.filter(|next| *next > now) {
                Some(next) => Rate::Wait(next - now),
                None => {
                    *next = Some(now + Duration::from_millis(100));
                    Rate::Allowed
                }
            }
        }
    }

    fn slow() -> Admission {
        Admission::new(Arc::new(Slow(Mutex::default())), CancellationToken::new())
    }

    fn caller(owner: &str) -> Identity {
        Identity::new("team", owner)
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_waits_in_order() {
        let (admission, who, begun) = (slow(), caller("one"), Instant::now());
        let passed = Mutex::new(Vec::new());
        let calls = (0..100).map(|number| {
            let (admission, who, passed) = (&admission, &who, &passed);
            async move {
                let entered = admission.enter(who, begun).await;
                passed.lock().push((number, entered));
            }
        });
        futures::future::join_all(calls).await;
        let passed = passed.into_inner();
        let allowed: Vec<_> =
            passed.iter().filter(|(_, entered)| entered.is_ok()).map(|(number, _)| *number).collect();
        assert_eq!(allowed, (0..51).collect::<Vec<_>>(), "as many as five seconds let pass");
        assert!(passed.iter().all(|(_, entered)| !matches!(entered, Err(TooFast::Flood { .. }))));
        assert_eq!(begun.elapsed(), PATIENCE, "the others were refused then");
        assert!(admission.0.lines.lock().is_empty(), "nothing is kept of a caller that has none");
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_refused_at_once() {
        let (admission, who, begun) = (slow(), caller("one"), Instant::now());
        let mut waiting: Vec<_> = (0..MOST_WAITING).map(|_| Box::pin(admission.enter(&who, begun))).collect();
        // One passes, and makes room for another.
        assert_eq!(futures::poll!(&mut waiting[0]), std::task::Poll::Ready(Ok(())));
        for call in &mut waiting[1..] {
            assert!(futures::poll!(call).is_pending());
        }
        let one_more = admission.enter(&who, begun);
        tokio::pin!(one_more);
        assert!(futures::poll!(&mut one_more).is_pending());
        assert!(matches!(admission.enter(&who, begun).await, Err(TooFast::Flood { .. })));
        drop(waiting);
        assert_eq!(one_more.await, Ok(()), "callers that have gone are not waited for");
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_delays_nobody_else() {
        let rates = Arc::new(LocalRates::new(RateLimits { all: 0, each: 1 }));
        let admission = Admission::new(rates, CancellationToken::new());
        let (busy, calm, begun) = (caller("busy"), caller("calm"), Instant::now());
        assert_eq!(admission.enter(&busy, begun).await, Ok(()));
        let waiting = admission.enter(&busy, begun);
        tokio::pin!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
        assert_eq!(admission.enter(&calm, begun).await, Ok(()));
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    /// The system may suspend a thread at any moment, and with it the first of the line.
    #[tokio::test(start_paused = true)]
    async fn without_a_bound_nobody_waits() {
        let rates = Arc::new(LocalRates::new(RateLimits { all: 0, each: 0 }));
        let (admission, who) = (Admission::new(rates, CancellationToken::new()), caller("one"));
        let line = Line { count: MOST_WAITING, ..Line::default() };
        let _first = Arc::clone(&line.turn).lock_owned().await;
        admission.0.lines.lock().insert(who.clone(), line);
        assert_eq!(admission.enter(&who, Instant::now()).await, Ok(()));
    }

    /// Whoever changes its address within its network is still the same.
    #[test]
    fn one_network_is_one_caller() {
        let of = |text: &str| of_address(Address::from(text.parse::<IpAddr>().unwrap()));
        assert_eq!(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff::2"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        let (who, address) = (Principal::local(), Address::from(IpAddr::from([192, 0, 2, 1])));
        assert_eq!(Counted::of(&who, address, true).0, who.identity);
        assert_eq!(Counted::of(&who, address, false).0, of("192.0.2.1"));
    }
}
