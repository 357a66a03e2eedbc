//! A bound on what is under way at once, shared out fairly among those who want a part of it.
//!
//! Nobody's work is interrupted for another's, so a share has to be left free before somebody comes for it: an owner takes another place
//! only while what it has is less than three times what is free. Alone it gets three quarters, the next one about three quarters of the
//! rest, and of what comes back whoever has least takes first. That rule is known from switches that share a buffer ("dynamic
//! thresholds", Choudhury and Hahne, IEEE/ACM Transactions on Networking 6(2), 1998).

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use exai_core::Identity;
use parking_lot::Mutex;
use tokio::sync::oneshot;

/// How many times what is free an owner may have.
const SHARE: usize = 3;

/// Who may take how much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Everybody as much as there is: there is one owner only.
    #[default]
    Whole,
    /// Everybody a share, so that something is left for others.
    Fair,
}

/// A number of places. Clones share them.
#[derive(Debug, Clone)]
pub struct FairLimit(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    places: usize,
    sharing: Sharing,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    free: usize,
    /// What each owner has; without those who have none.
    taken: BTreeMap<Identity, usize>,
    /// Who waits, by owner; without empty queues.
    waiting: BTreeMap<Identity, VecDeque<Waiter>>,
    /// How many have waited so far.
    arrivals: u64,
}

#[derive(Debug)]
struct Waiter {
    arrival: u64,
    sender: oneshot::Sender<Place>,
}

/// One place; given back on drop, and by nothing else.
#[derive(Debug)]
pub struct Place {
    limit: Arc<Shared>,
    who: Identity,
}

impl FairLimit {
    /// So many places; 0 means 1, because 0 would never answer.
    #[must_use]
    pub fn new(places: usize, sharing: Sharing) -> Self {
        let places = places.max(1);
        let state = State { free: places, taken: BTreeMap::new(), waiting: BTreeMap::new(), arrivals: 0 };
        Self(Arc::new(Shared { places, sharing, state: Mutex::new(state) }))
    }

    /// How many there are.
    #[must_use]
    pub fn places(&self) -> usize {
        self.0.places
    }

    /// How many are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.0.places - self.0.state.lock().free
    }

    /// A place, where one may be taken at this moment.
    #[must_use]
    pub fn try_take(&self, who: &Identity) -> Option<Place> {
        let mut state = self.0.state.lock();
        // Behind those of the same owner who came before.
        (!state.has_waiting(who) && state.allows(who, self.0.sharing)).then(|| self.0.take(&mut state, who))
    }

    /// A place, as soon as one may be taken. Among those who may, whoever has least goes first, then whoever came first. Dropping the
    /// future gives the turn up.
    pub async fn take(&self, who: &Identity) -> Place {
        let turn = {
            let mut state = self.0.state.lock();
            if !state.has_waiting(who) && state.allows(who, self.0.sharing) {
                return self.0.take(&mut state, who);
            }
            let (sender, turn) = oneshot::channel();
            state.arrivals += 1;
            let waiter = Waiter { arrival: state.arrivals, sender };
            let queue = state.waiting.entry(who.clone()).or_default();
            // Those who gave up are not kept until their turn comes, and are not looked for each time.
            if queue.len().is_power_of_two() {
                queue.retain(|waiter| !waiter.sender.is_closed());
            }
            queue.push_back(waiter);
            turn
        };
        match turn.await {
            Ok(place) => place,
            // The queue lives as long as the limit, which this future borrows.
            Err(_closed) => std::future::pending().await,
        }
    }
}

impl Shared {
    fn take(self: &Arc<Self>, state: &mut State, who: &Identity) -> Place {
        state.free -= 1;
        *state.taken.entry(who.clone()).or_default() += 1;
        Place { limit: Arc::clone(self), who: who.clone() }
    }
}

impl State {
    fn has_waiting(&self, who: &Identity) -> bool {
        self.waiting.get(who).is_some_and(|queue| queue.iter().any(|waiter| !waiter.sender.is_closed()))
    }

    fn allows(&self, who: &Identity, sharing: Sharing) -> bool {
        let taken = self.taken.get(who).copied().unwrap_or_default();
        self.free > 0 && (sharing == Sharing::Whole || taken < SHARE.saturating_mul(self.free))
    }

    /// The one whose turn it is.
    fn next(&mut self, sharing: Sharing) -> Option<(Identity, oneshot::Sender<Place>)> {
        self.waiting.retain(|_, queue| {
            while queue.pop_front_if(|waiter| waiter.sender.is_closed()).is_some() {}
            !queue.is_empty()
        });
        let rank = |(who, queue): &(&Identity, &VecDeque<Waiter>)| {
            let taken = self.taken.get(*who).copied().unwrap_or_default();
            (taken, queue.front().map(|waiter| waiter.arrival))
        };
        let may = self.waiting.iter().filter(|(who, _)| self.allows(who, sharing));
        let who = may.min_by_key(rank)?.0.clone();
        let waiter = self.waiting.get_mut(&who)?.pop_front()?;
        Some((who, waiter.sender))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut turns = Vec::new();
        {
            let mut state = self.limit.state.lock();
            state.free += 1;
            if let Some(taken) = state.taken.get_mut(&self.who) {
                *taken -= 1;
                if *taken == 0 {
                    state.taken.remove(&self.who);
                }
            }
            while let Some((who, sender)) = state.next(self.limit.sharing) {
                turns.push((sender, self.limit.take(&mut state, &who)));
            }
        }
        // Outside of the lock: a place that nobody takes any more comes back here.
        for (sender, place) in turns {
            drop(sender.send(place));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn who(name: &str) -> Identity {
        Identity::new("team", name)
    }

    fn take_all(limit: &FairLimit, name: &str) -> Vec<Place> {
        std::iter::from_fn(|| limit.try_take(&who(name))).collect()
    }

    #[test]
    fn greed_leaves_something_for_others() {
        for (places, shares) in [(4, [3, 1, 0]), (8, [6, 2, 0]), (24, [18, 5, 1]), (256, [192, 48, 12])] {
            let limit = FairLimit::new(places, Sharing::Fair);
            let taken = ["a", "b", "c"].map(|name| take_all(&limit, name));
            assert_eq!(taken.map(|places| places.len()), shares, "{places}");
            assert_eq!(limit.taken(), 0, "all came back");
        }
        assert_eq!(take_all(&FairLimit::new(24, Sharing::Whole), "a").len(), 24);
    }

    #[tokio::test]
    async fn who_has_least_goes_first() {
        let limit = FairLimit::new(4, Sharing::Fair);
        let mut first = take_all(&limit, "a");
        let _second = limit.try_take(&who("b")).unwrap();
        assert_eq!((first.len(), limit.taken()), (3, 4));
        let (a, b, c) = (who("a"), who("b"), who("c"));
        let mut waiting = [limit.take(&a).boxed(), limit.take(&b).boxed(), limit.take(&c).boxed()];
        for one in &mut waiting {
            assert!(one.now_or_never().is_none());
        }
        first.pop();
        let [a, b, c] = &mut waiting;
        assert!(a.now_or_never().is_none() && b.now_or_never().is_none());
        assert!(c.now_or_never().is_some(), "who has nothing goes first, though it came last");
    }

    #[tokio::test]
    async fn who_gave_up_is_passed_over() {
        let limit = FairLimit::new(1, Sharing::Fair);
        let (a, b) = (who("a"), who("b"));
        let only = limit.try_take(&a).unwrap();
        let mut gone = limit.take(&a).boxed();
        let mut next = limit.take(&b).boxed();
        assert!((&mut gone).now_or_never().is_none() && (&mut next).now_or_never().is_none());
        drop(gone);
        drop(only);
        assert!(next.now_or_never().is_some());
        assert_eq!(limit.taken(), 0, "the place of a future that was dropped with it is free");
    }
}
