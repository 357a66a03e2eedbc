//! A circuit breaker: after so many failures in a row a model is left alone for a while, then asked by one call alone.
//!
//! Time comes in from outside, so that every order of events can be tried.

use std::time::Duration;

use tokio::time::Instant;

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How long it stays open before one call may try.
    pub open_for: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failures: 5, open_for: Duration::from_secs(30) }
    }
}

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Calls pass.
    Closed,
    /// No call passes before this moment.
    Open { until: Instant },
    /// One call is trying; the others wait for what becomes of it.
    Probing,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Breaker {
    state: State,
    failures: u32,
}

impl Breaker {
    pub(super) fn new() -> Self {
        Self { state: State::Closed, failures: 0 }
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    /// Failures in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// How long no call passes, as far as that is known; `None` when one passes.
    pub(super) fn closed_for(&self, now: Instant, settings: &BreakerSettings) -> Option<Duration> {
        match self.state {
            State::Closed => None,
            State::Open { until } if now >= until => None,
            State::Open { until } => Some(until - now),
            State::Probing => Some(settings.open_for),
        }
    }

    /// Lets a call pass; true when it is the one that tries. To be asked only when one passes.
    pub(super) fn pass(&mut self) -> bool {
        let tries = matches!(self.state, State::Open { .. });
        if tries {
            self.state = State::Probing;
        }
        tries
    }

    /// A call that had passed was answered.
    pub(super) fn succeeded(&mut self) {
        *self = Self::new();
    }

    /// A call that had passed failed in a way that counts.
    pub(super) fn failed(&mut self, was_trying: bool, now: Instant, settings: &BreakerSettings) {
        self.failures = self.failures.saturating_add(1);
        let opens = match self.state {
            State::Closed => self.failures >= settings.failures.max(1),
            State::Probing => was_trying,
            // A call from before it opened.
            State::Open { .. } => false,
        };
        if opens {
            self.state = State::Open { until: now + settings.open_for };
        }
    }

    /// A call that had passed ended in a way that says nothing. When it was the one that tried, another may at once.
    pub(super) fn left(&mut self, was_trying: bool, now: Instant) {
        if was_trying && self.state == State::Probing {
            self.state = State::Open { until: now };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: BreakerSettings = BreakerSettings { failures: 2, open_for: Duration::from_secs(30) };

    /// What can happen. Calls under way are kept in the order in which they passed; the number says which of them ends.
    #[derive(Debug, Clone, Copy)]
    enum Event {
        Ask,
        Succeed(usize),
        Fail(usize),
        Leave(usize),
        Wait(u64),
    }

    const EVENTS: [Event; 9] = [
        Event::Ask,
        Event::Succeed(0),
        Event::Fail(0),
        Event::Leave(0),
        Event::Succeed(1),
        Event::Fail(1),
        Event::Leave(1),
        Event::Wait(29),
        Event::Wait(30),
    ];

    /// The breaker with the calls that have passed, and what must hold of both.
    #[derive(Clone)]
    struct World {
        breaker: Breaker,
        /// Whether each call under way is one that tries.
        under_way: Vec<bool>,
        now: Instant,
        opened: Option<Instant>,
    }

    impl World {
        fn happens(&mut self, event: Event) {
            match event {
                Event::Wait(seconds) => self.now += Duration::from_secs(seconds),
                Event::Ask => {
                    let closed = self.breaker.closed_for(self.now, &SETTINGS);
                    if let Some(opened) = self.opened.filter(|_| closed.is_none()) {
                        assert!(
                            self.now >= opened + SETTINGS.open_for,
                            "nobody passes an open breaker before its time"
                        );
                    }
                    if closed.is_none() {
                        self.under_way.push(self.breaker.pass());
                    }
                }
                Event::Succeed(at) | Event::Fail(at) | Event::Leave(at) => {
                    if at >= self.under_way.len() {
                        return;
                    }
                    let tried = self.under_way.remove(at);
                    let before = self.breaker.state();
                    match event {
                        Event::Succeed(_) => self.breaker.succeeded(),
                        Event::Fail(_) => self.breaker.failed(tried, self.now, &SETTINGS),
                        _ => self.breaker.left(tried, self.now),
                    }
                    self.opened = match (before, self.breaker.state()) {
                        (_, State::Closed) => None,
                        (before, State::Open { until }) if before != (State::Open { until }) => {
                            Some(until - SETTINGS.open_for)
                        }
                        _ => self.opened,
                    };
                }
            }
        }

        fn check(&self) {
            let trying = self.under_way.iter().filter(|tries| **tries).count();
            assert!(trying <= 1 || self.breaker.state() == State::Closed, "one call tries");
            if self.breaker.state() == State::Probing {
                assert_eq!(trying, 1, "somebody tries when it is said");
                assert!(self.breaker.closed_for(self.now, &SETTINGS).is_some());
            }
            if self.breaker.state() == State::Closed {
                assert!(self.breaker.failures() < SETTINGS.failures, "so many failures open it");
            }
        }
    }

    /// Every order of seven events: a little under five million.
    #[test]
    fn every_order_of_events_keeps_the_rules() {
        fn go_on(world: &World, left: usize) {
            world.check();
            if left == 0 {
                return;
            }
            for event in EVENTS {
                let mut next = world.clone();
                next.happens(event);
                go_on(&next, left - 1);
            }
        }
        let world =
            World { breaker: Breaker::new(), under_way: Vec::new(), now: Instant::now(), opened: None };
        go_on(&world, 7);
    }
}
