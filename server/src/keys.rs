//! Static keys from the configuration, kept as hashes.

use std::{collections::HashMap, fmt, sync::Arc};

use async_trait::async_trait;
use exai_core::{
    Principal,
    auth::{AuthError, Authenticator, KeyProblem, PresentedKey, Replaced, RotateError, Validity},
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
    validity: Validity,
}

impl Credential {
    /// A key as it is configured.
    #[must_use]
    pub fn new(key: &str, principal: Principal) -> Self {
        Self { hash: hash(PresentedKey::new(key)), principal, validity: Validity::default() }
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
pub struct Credentials(Arc<RwLock<All>>);

#[derive(Debug, Default)]
struct All {
    keys: Vec<Credential>,
    /// What stands in place of each key that was rotated: the configuration may have the old one, which others may know.
    rotated: HashMap<blake3::Hash, blake3::Hash>,
    /// Of callers that are let in without a key.
    without: Validity,
}

/// The keys would be none, and everybody would be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no key would be left, and every program could connect")]
pub struct NoKeyLeft;

impl Credentials {
    /// These keys.
    #[must_use]
    pub fn new(all: Vec<Credential>) -> Self {
        Self(Arc::new(RwLock::new(All { keys: all, ..All::default() })))
    }

    /// All keys, as hashes.
    #[must_use]
    pub fn all(&self) -> Vec<Credential> {
        self.0.read().keys.clone()
    }

    /// Has these keys from now on. What was opened with a key that is not among them, or that belongs to somebody else now, is closed; so is
    /// what was opened without a key where one is needed now. A key that was rotated stays rotated. How many were added, and removed.
    ///
    /// # Errors
    /// There were keys, and there would be none.
    pub fn replace(&self, mut new: Vec<Credential>) -> Result<(usize, usize), NoKeyLeft> {
        let mut all = self.0.write();
        if new.is_empty() && !all.keys.is_empty() {
            return Err(NoKeyLeft);
        }
        for credential in &mut new {
            if let Some(current) = all.rotated.get(&credential.hash) {
                credential.hash = *current;
            }
        }
        let is_kept = |old: &Credential, new: &Credential| {
            let (before, now) = (&old.principal, &new.principal);
            old.hash == new.hash
                && (&before.identity, &before.roles, &before.key_id)
                    == (&now.identity, &now.roles, &now.key_id)
        };
        let (mut added, mut removed) = (0, 0);
        for credential in &mut new {
            match all.keys.iter().find(|old| is_kept(old, credential)) {
                Some(old) => credential.validity = old.validity.clone(),
                None => added += 1,
            }
        }
        for old in &all.keys {
            if !new.iter().any(|credential| is_kept(old, credential)) {
                old.validity.end();
                removed += 1;
            }
        }
        if !new.is_empty() {
            all.without.end();
        }
        all.keys = new;
        Ok((added, removed))
    }
}

#[async_trait]
impl Authenticator for Credentials {
    fn needs_key(&self) -> bool {
        !self.0.read().keys.is_empty()
    }

    async fn authenticate(&self, key: PresentedKey<'_>) -> Result<Principal, AuthError> {
        let shown = hash(key);
        // Every key is compared, so that the time does not tell which one was near.
        let matching = |found, known: &Credential| {
            if known.hash == shown { Some(known.principal.clone()) } else { found }
        };
        self.0.read().keys.iter().fold(None, matching).ok_or(AuthError::Unknown)
    }

    fn validity(&self, key: Option<PresentedKey<'_>>) -> Validity {
        let all = self.0.read();
        let Some(key) = key else { return all.without.clone() };
        let shown = hash(key);
        let known = all.keys.iter().find(|known| known.hash == shown);
        known.map_or_else(
            || {
                let over = Validity::default();
                over.end();
                over
            },
            |known| known.validity.clone(),
        )
    }

    async fn rotate(&self, old: PresentedKey<'_>, new: PresentedKey<'_>) -> Result<Replaced, RotateError> {
        check_key(new.expose())?;
        let (old, new) = (hash(old), hash(new));
        let mut all = self.0.write();
        // A caller without a key must not learn which keys are taken.
        let at = all.keys.iter().position(|known| known.hash == old).ok_or(RotateError::Unknown)?;
        // The key of the configuration that was given up may be known to others.
        if all.keys.iter().any(|known| known.hash == new) || all.rotated.contains_key(&new) {
            return Err(RotateError::Taken);
        }
        let known = all.keys.get_mut(at).ok_or(RotateError::Unknown)?;
        known.hash = new;
        let before = std::mem::take(&mut known.validity);
        // Every key that was given up leads to the one that is valid: the configuration may have any of them by now.
        for current in all.rotated.values_mut().filter(|current| **current == old) {
            *current = new;
        }
        all.rotated.insert(old, new);
        Ok(Replaced::new(before))
    }
}

fn hash(key: PresentedKey<'_>) -> blake3::Hash {
    blake3::hash(key.expose().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(key: &str, owner: &str) -> Credential {
        Credential::new(key, Principal::new("team", owner))
    }

    async fn owner(all: &Credentials, key: &str) -> Option<String> {
        let found = all.authenticate(PresentedKey::new(key)).await;
        found.ok().map(|who| who.identity.owner.to_string())
    }

    #[tokio::test]
    async fn removed_keys_are_over() {
        let all = Credentials::new(Vec::new());
        let without = all.validity(None);
        assert_eq!(all.replace(vec![credential("key-one", "one"), credential("key-two", "two")]), Ok((2, 0)));
        assert!(without.is_over(), "a key is needed now");
        let [one, two] = ["key-one", "key-two"].map(|key| all.validity(Some(PresentedKey::new(key))));
        assert_eq!(
            all.replace(vec![credential("key-two", "two"), credential("key-three", "three")]),
            Ok((1, 1))
        );
        assert!(one.is_over() && !two.is_over());
        assert_eq!(
            (owner(&all, "key-one").await, owner(&all, "key-three").await),
            (None, Some("three".into()))
        );
        assert_eq!(all.replace(vec![credential("key-two", "other")]), Ok((1, 2)));
        assert!(two.is_over(), "it belongs to somebody else");
        assert_eq!(all.replace(Vec::new()), Err(NoKeyLeft));
        assert!(all.needs_key() && all.validity(Some(PresentedKey::new("no such key"))).is_over());
    }

    /// The environment of a process does not change: its configuration has the old key for ever.
    #[tokio::test]
    async fn a_rotated_key_stays_rotated() {
        let all = Credentials::new(vec![credential("the-first-of-all-keys", "one")]);
        let steps = [
            ("the-first-of-all-keys", "the-second-of-the-keys"),
            ("the-second-of-the-keys", "the-third-of-the-keys"),
        ];
        for (old, new) in steps {
            let before = all.validity(Some(PresentedKey::new(old)));
            let replaced = all.rotate(PresentedKey::new(old), PresentedKey::new(new)).await.unwrap();
            assert!(!before.is_over(), "whoever asked for it is still to be told");
            drop(replaced);
            assert!(before.is_over() && !all.validity(Some(PresentedKey::new(new))).is_over());
        }
        assert_eq!(all.replace(vec![credential("the-first-of-all-keys", "one")]), Ok((0, 0)));
        // Somebody wrote the second one into the configuration before it was given up as well.
        assert_eq!(all.replace(vec![credential("the-second-of-the-keys", "one")]), Ok((0, 0)));
        assert_eq!(owner(&all, "the-second-of-the-keys").await, None);
        assert_eq!(owner(&all, "the-first-of-all-keys").await, None);
        assert_eq!(owner(&all, "the-third-of-the-keys").await, Some("one".into()));
        let (third, first) =
            (PresentedKey::new("the-third-of-the-keys"), PresentedKey::new("the-first-of-all-keys"));
        assert_eq!(all.rotate(third, first).await.unwrap_err(), RotateError::Taken);
    }

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
