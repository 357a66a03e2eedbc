//! Who may come in: a key goes in, the caller or a refusal comes out.

use std::fmt;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::Principal;

/// How long a caller may stay that was let in. Clones end together.
#[derive(Debug, Clone, Default)]
pub struct Validity(CancellationToken);

impl Validity {
    /// Ends it: connections that were opened with the key are closed.
    pub fn end(&self) {
        self.0.cancel();
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until it has.
    pub async fn over(&self) {
        self.0.cancelled().await;
    }
}

/// A key that was replaced. What was opened with it ends when this is dropped, so that whoever asked for it can still be told.
#[derive(Debug)]
#[must_use]
pub struct Replaced(Validity);

impl Replaced {
    /// The key that was valid until now.
    pub fn new(validity: Validity) -> Self {
        Self(validity)
    }
}

impl Drop for Replaced {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// A key as a caller showed it. It is never printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PresentedKey<'a>(&'a str);

impl<'a> PresentedKey<'a> {
    /// A key as it was sent.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// Its text, for the one that checks it.
    #[must_use]
    pub fn expose(self) -> &'a str {
        self.0
    }
}

impl fmt::Debug for PresentedKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedKey(…)")
    }
}

/// Why a caller stays unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No caller has this key.
    #[error("the key is not valid")]
    Unknown,
    /// Keys cannot be checked now; the same key may be valid later.
    #[error("keys cannot be checked now")]
    Unavailable,
}

/// Why a text cannot be a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// It can be guessed.
    #[error("a key has at least {least} characters")]
    Short {
        /// The fewest characters of a key.
        least: usize,
    },
    /// A header cannot carry it (RFC 6750, 2.1: a bearer token has no spaces).
    #[error("a key consists of ASCII letters, digits and signs, without spaces")]
    Signs,
}

/// Why a key was not replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RotateError {
    /// The old one is none of the keys.
    #[error("the old key is not valid")]
    Unknown,
    /// The new one already belongs to a caller: two callers with one key would be one.
    #[error("the new key is in use")]
    Taken,
    /// The new one cannot be a key.
    #[error(transparent)]
    Unusable(#[from] KeyProblem),
    /// Keys are issued elsewhere.
    #[error("keys cannot be replaced here")]
    Unsupported,
}

/// Knows the callers by their keys.
#[async_trait]
pub trait Authenticator: fmt::Debug + Send + Sync {
    /// Whether a caller has to show a key. Where none is needed, every caller is [`Principal::local`].
    fn needs_key(&self) -> bool;

    /// The caller whose key this is.
    ///
    /// # Errors
    /// The key belongs to no caller, or that cannot be found out now.
    async fn authenticate(&self, key: PresentedKey<'_>) -> Result<Principal, AuthError>;

    /// How long a caller may stay that has just shown this key, or none where none is needed. A key that is none of the keys any more is
    /// over. Without an end unless an implementation knows of one.
    fn validity(&self, _key: Option<PresentedKey<'_>>) -> Validity {
        Validity::default()
    }

    /// Puts a new key in the place of an old one, as long as this process runs.
    ///
    /// # Errors
    /// Says which of the two keys is wrong, or that keys are not replaced here: that is the answer of an implementation that does not
    /// offer this.
    async fn rotate(&self, _old: PresentedKey<'_>, _new: PresentedKey<'_>) -> Result<Replaced, RotateError> {
        Err(RotateError::Unsupported)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presented_keys_are_never_printed() {
        assert_eq!(format!("{:?}", PresentedKey::new("a secret key")), "PresentedKey(…)");
    }
}
