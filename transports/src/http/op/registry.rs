//! The sessions of the dialect: who opened which, and how to come back to one.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use exai_core::Identity;
use exai_server::{SessionPlace, SessionPlaces};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::command::Command;

/// A session as others see it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) commands: mpsc::Sender<Command>,
    /// No client is connected and nothing is under way: it is only kept for a client that might come back.
    pub(super) idle: Arc<AtomicBool>,
    pub(super) end: CancellationToken,
}

/// A session in the registry, and its place there.
#[derive(Debug)]
struct Kept {
    entry: Entry,
    place: SessionPlace,
}

/// All sessions of one listener. Tokens are kept as hashes.
#[derive(Debug, Clone)]
pub(in crate::http) struct Registry {
    sessions: Arc<Mutex<HashMap<blake3::Hash, Kept>>>,
    places: SessionPlaces,
}

/// A session that was just opened.
pub(super) struct Opened {
    pub(super) entry: Entry,
    /// The token that leads back to it.
    pub(super) token: String,
    /// Keeps it in the registry.
    pub(super) registered: Registered,
}

impl Registry {
    pub(super) fn new(places: SessionPlaces) -> Self {
        Self { sessions: Arc::default(), places }
    }

    pub(in crate::http) fn count(&self) -> usize {
        self.sessions.lock().len()
    }

    /// Notes a session; `None` when there are too many. One of the same caller that is only kept makes room.
    pub(super) fn open(&self, id: String, who: &Identity, commands: mpsc::Sender<Command>) -> Option<Opened> {
        let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let key = blake3::hash(token.as_bytes());
        let mut sessions = self.sessions.lock();
        let place = self.places.take(who).or_else(|| {
            let spare = |(_, kept): &(&blake3::Hash, &Kept)| {
                kept.place.belongs_to(who) && kept.entry.idle.load(Ordering::Relaxed)
            };
            let spare = *sessions.iter().find(spare)?.0;
            sessions.remove(&spare)?.entry.end.cancel();
            self.places.take(who)
        })?;
        let entry = Entry { id, commands, idle: Arc::default(), end: CancellationToken::new() };
        sessions.insert(key, Kept { entry: entry.clone(), place });
        let registered = Registered { registry: self.clone(), key };
        Some(Opened { entry, token, registered })
    }

    /// The session behind a token, for the caller that opened it under that name.
    pub(super) fn find(&self, id: &str, token: &str, who: &Identity) -> Option<Entry> {
        let sessions = self.sessions.lock();
        let kept = sessions.get(&blake3::hash(token.as_bytes()))?;
        (kept.entry.id == id && kept.place.belongs_to(who)).then(|| kept.entry.clone())
    }
}

/// Takes the session out of the registry when it has ended.
#[derive(Debug)]
pub(super) struct Registered {
    registry: Registry,
    key: blake3::Hash,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.registry.sessions.lock().remove(&self.key);
    }
}
