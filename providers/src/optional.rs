//! Fields of a request that its vendor may refuse: recognised from the error, left out, and remembered for a day.
//!
//! Servers and gateways speak a format in part. What they do not know of it differs from model to model, and no list says it; the
//! error does.

mod body;
mod cap;
mod phrases;
mod recognise;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use exai_core::ModelId;
use parking_lot::Mutex;
use tokio::time::Instant;

pub(crate) use self::recognise::Rejected;

/// How long a refusal is remembered: a server may be replaced by one that knows more.
const MEMORY: Duration = Duration::from_secs(24 * 60 * 60);
/// The most models whose refusals are remembered at one endpoint.
const MOST_MODELS: usize = 512;
/// The most fields that are left out of one request, one after the other.
pub(crate) const MOST_FIELDS: usize = 8;

/// What is done about one refused field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Omission {
    /// It is left out.
    Field(&'static str),
    /// The cap on the answer goes by its other name.
    RenamedCap,
    /// There is no cap on the answer.
    Cap,
    /// The cap on the answer is at most so many tokens.
    CapAt(u64),
    /// The system prompt becomes the beginning of the first message.
    System,
}

/// What is left out of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Omissions(BTreeSet<Omission>);

impl Omissions {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn has(&self, omission: Omission) -> bool {
        self.0.contains(&omission)
    }

    fn add(&mut self, omission: Omission) {
        if matches!(omission, Omission::CapAt(_)) {
            self.0.retain(|known| !matches!(known, Omission::CapAt(_)));
        }
        self.0.insert(omission);
        // Without a stream there is nothing to say about it.
        if omission == Omission::Field("stream") {
            self.0.insert(Omission::Field("stream_options"));
        }
    }

    /// The body without what is left out.
    pub(crate) fn applied(&self, body: Vec<u8>) -> Vec<u8> {
        if self.is_empty() { body } else { body::without(body, self) }
    }

    /// These and what a refusal of `body` names besides; `None` when it names no field that can be left out.
    pub(crate) fn with(&self, rejected: &Rejected, body: &[u8], has_system: bool) -> Option<Self> {
        let named = rejected.names(&body::fields(body), has_system && !self.has(Omission::System))?;
        // Under both names it was refused.
        let is_renamed = named == Omission::RenamedCap && self.has(named);
        let omission = if is_renamed { Omission::Cap } else { named };
        let mut more = self.clone();
        more.add(omission);
        (more != *self).then_some(more)
    }
}

/// What the models of one endpoint have refused.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<BTreeMap<ModelId, (Omissions, Instant)>>);

impl Memory {
    /// What is left out of a request for a model.
    pub(crate) fn of(&self, model: &ModelId) -> Omissions {
        let mut all = self.0.lock();
        match all.get(model) {
            Some((omissions, until)) if *until > Instant::now() => omissions.clone(),
            Some(_) => {
                all.remove(model);
                Omissions::default()
            }
            None => Omissions::default(),
        }
    }

    /// A request without these was taken.
    pub(crate) fn learn(&self, model: &ModelId, omissions: Omissions) {
        let now = Instant::now();
        let mut all = self.0.lock();
        if all.len() >= MOST_MODELS && !all.contains_key(model) {
            all.retain(|_, (_, until)| *until > now);
        }
        if all.len() >= MOST_MODELS
            && let Some(oldest) =
                all.iter().min_by_key(|(_, (_, until))| *until).map(|(model, _)| model.clone())
        {
            all.remove(&oldest);
        }
        all.insert(model.clone(), (omissions, now + MEMORY));
    }
}

#[cfg(test)]
mod tests;
