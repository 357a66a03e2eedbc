//! Static keys from the configuration, kept as hashes.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use exai_core::{
    Principal,
    auth::{AuthError, Authenticator, KeyProblem, PresentedKey, RotateError},
};
use parking_lot::RwLock;

/// The fewest characters of a key: a shorter one can be guessed.
const LEAST_KEY: usize = 16;

/// Whether a text can be a key.
///
/// # Errors
/// Says why not.
pub fn check_key(key: &str) -> Result<(), KeyProblem> {
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(KeyProblem::Signs);
    }
    if key.len() < LEAST_KEY { Err(KeyProblem::Short { least: LEAST_KEY }) } else { Ok(()) }
}

/// A key and the caller that it belongs to. The key itself is not kept, and its hash is not shown.
#[derive(Clone)]
pub struct Credential {
    /// BLAKE3 of the key. Keys are long and random, so a fast hash is enough; comparing hashes takes the same time for all.
    hash: blake3::Hash,
    principal: Principal,
}

impl Credential {
    /// A key as it is configured.
    #[must_use]
    pub fn new(key: &str, principal: Principal) -> Self {
        Self { hash: hash(PresentedKey::new(key)), principal }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Credential").field("principal", &self.principal).finish_non_exhaustive()
    }
}

/// All keys. Without any, every caller that reaches the listener is the local user. Clones share them: a key that is rotated is rotated
/// everywhere in this process.
#[derive(Debug, Clone, Default)]
pub struct Credentials(Arc<RwLock<Vec<Credential>>>);

impl Credentials {
    /// These keys.
    #[must_use]
    pub fn new(all: Vec<Credential>) -> Self {
        Self(Arc::new(RwLock::new(all)))
    }
}

#[async_trait]
impl Authenticator for Credentials {
    fn needs_key(&self) -> bool {
        !self.0.read().is_empty()
    }

    async fn authenticate(&self, key: PresentedKey<'_>) -> Result<Principal, AuthError> {
        let shown = hash(key);
        // Every key is compared, so that the time does not tell which one was near.
        let matching = |found, known: &Credential| {
            if known.hash == shown { Some(known.principal.clone()) } else { found }
        };
        self.0.read().iter().fold(None, matching).ok_or(AuthError::Unknown)
    }

    async fn rotate(&self, old: PresentedKey<'_>, new: PresentedKey<'_>) -> Result<(), RotateError> {
        check_key(new.expose())?;
        let (old, new) = (hash(old), hash(new));
        let mut all = self.0.write();
        // A caller without a key must not learn which keys are taken.
        let at = all.iter().position(|known| known.hash == old).ok_or(RotateError::Unknown)?;
        if all.iter().any(|known| known.hash == new) {
            return Err(RotateError::Taken);
        }
        if let Some(known) = all.get_mut(at) {
            known.hash = new;
        }
        Ok(())
    }
}

fn hash(key: PresentedKey<'_>) -> blake3::Hash {
    blake3::hash(key.expose().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_key_nor_hash() {
        let key = "a-long-and-random-key";
        let all = Credentials::new(vec![Credential::new(key, Principal::local())]);
        let shown = format!("{all:?}");
        assert!(shown.contains("principal"), "{shown}");
        let hash = hash(PresentedKey::new(key));
        for secret in
            [key.to_owned(), hash.to_string(), format!("{hash:?}"), format!("{:?}", hash.as_bytes())]
        {
            assert!(!shown.contains(&secret), "{shown}");
        }
    }
}
