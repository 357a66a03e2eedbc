//! The sessions of the dialect: who opened which, and how to come back to one.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use exai_core::Principal;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::session::Command;

/// A session as others see it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) id: String,
    owner: Principal,
    pub(super) commands: mpsc::Sender<Command>,
    /// Nobody is connected and nothing is under way: it is only kept for somebody who might come back.
    pub(super) idle: Arc<AtomicBool>,
    pub(super) end: CancellationToken,
}

/// All sessions of one listener. Tokens are kept as hashes.
#[derive(Debug, Clone)]
pub(in crate::http) struct Registry {
    sessions: Arc<Mutex<HashMap<blake3::Hash, Entry>>>,
    most: (usize, usize),
}

impl Registry {
    /// At most so many, and so many of one owner.
    pub(super) fn new(most: (usize, usize)) -> Self {
        Self { sessions: Arc::default(), most }
    }

    pub(in crate::http) fn count(&self) -> usize {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Notes a session and gives the token that leads back to it; `None` when there are too many. One that is only kept makes room.
    pub(super) fn open(
        &self,
        id: String,
        owner: Principal,
        commands: mpsc::Sender<Command>,
    ) -> Option<(Entry, String, Registered)> {
        let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let key = blake3::hash(token.as_bytes());
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let own = sessions.values().filter(|entry| entry.owner == owner).count();
        if sessions.len() >= self.most.0 || own >= self.most.1 {
            let spare = |(_, entry): &(&blake3::Hash, &Entry)| {
                entry.owner == owner && entry.idle.load(Ordering::Relaxed)
            };
            let (spare, entry) = sessions.iter().find(spare)?;
            entry.end.cancel();
            let spare = *spare;
            sessions.remove(&spare);
        }
        let entry = Entry { id, owner, commands, idle: Arc::default(), end: CancellationToken::new() };
        sessions.insert(key, entry.clone());
        let registered = Registered { registry: self.clone(), key };
        Some((entry, token, registered))
    }

    /// The session behind a token, for the one who opened it under that name.
    pub(super) fn find(&self, id: &str, token: &str, owner: &Principal) -> Option<Entry> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = sessions.get(&blake3::hash(token.as_bytes()))?;
        (entry.id == id && entry.owner == *owner).then(|| entry.clone())
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
        self.registry.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}
