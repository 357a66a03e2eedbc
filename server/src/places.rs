//! Places of sessions: not too many at once, and not too many of one caller.

use std::{collections::HashMap, sync::Arc};

use exai_core::{
    Identity,
    event::{Event, EventBus},
};
use parking_lot::Mutex;

/// The most sessions at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Of all callers together.
    pub all: usize,
    /// Of each caller.
    pub each: usize,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self { all: 1_000, each: 100 }
    }
}

/// The places that are taken; clones share them. A caller without a session is not kept, so there are never more callers than places.
#[derive(Debug, Clone)]
pub struct SessionPlaces(Arc<Places>);

#[derive(Debug)]
struct Places {
    limits: SessionLimits,
    taken: Mutex<Taken>,
    events: Arc<dyn EventBus>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    of_callers: HashMap<Identity, usize>,
}

impl SessionPlaces {
    /// All places are free. `events` tells when one is taken and when it is free again.
    #[must_use]
    pub fn new(limits: SessionLimits, events: Arc<dyn EventBus>) -> Self {
        Self(Arc::new(Places { limits, taken: Mutex::default(), events }))
    }

    /// A place for one session of a caller; `None` when there is none.
    #[must_use]
    pub fn take(&self, who: &Identity) -> Option<SessionPlace> {
        let owner = who.clone();
        let mut taken = self.0.taken.lock();
        let own = taken.of_callers.get(&owner).copied().unwrap_or_default();
        if taken.all >= self.0.limits.all || own >= self.0.limits.each {
            return None;
        }
        taken.all += 1;
        taken.of_callers.insert(owner.clone(), own + 1);
        let open = taken.all;
        drop(taken);
        self.0.events.publish(Event::SessionOpened { who: owner.clone(), open });
        Some(SessionPlace { places: self.clone(), owner })
    }
}

/// One place, free again when this is dropped.
#[derive(Debug)]
pub struct SessionPlace {
    places: SessionPlaces,
    owner: Identity,
}

impl SessionPlace {
    /// Whether it was taken for this caller.
    #[must_use]
    pub fn belongs_to(&self, who: &Identity) -> bool {
        self.owner == *who
    }
}

impl Drop for SessionPlace {
    fn drop(&mut self) {
        let mut taken = self.places.0.taken.lock();
        taken.all = taken.all.saturating_sub(1);
        if let Some(own) = taken.of_callers.get_mut(&self.owner) {
            *own -= 1;
            if *own == 0 {
                taken.of_callers.remove(&self.owner);
            }
        }
        let open = taken.all;
        drop(taken);
        self.places.0.events.publish(Event::SessionClosed { who: self.owner.clone(), open });
    }
}

#[cfg(test)]
mod tests {
    use exai_core::event::NoEvents;

    use super::*;

    #[test]
    fn places_are_bounded_and_come_back() {
        let places = SessionPlaces::new(SessionLimits { all: 3, each: 2 }, Arc::new(NoEvents));
        let [one, two] = ["one", "two"].map(|owner| Identity::new("team", owner));
        let first = places.take(&one).unwrap();
        assert!(first.belongs_to(&one) && !first.belongs_to(&two));
        let _second = places.take(&one).unwrap();
        assert!(places.take(&one).is_none(), "of one caller");
        let third = places.take(&two).unwrap();
        assert!(places.take(&two).is_none(), "of all");
        drop((first, third));
        assert!(!places.0.taken.lock().of_callers.contains_key(&two));
        assert!(places.take(&one).is_some());
    }
}
