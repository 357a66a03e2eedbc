//! Identities. Each is a type of its own: a thread id cannot be passed where a run id is meant.

use std::{
    fmt,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that cannot be the identity it was offered as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {what}")]
pub struct InvalidId {
    what: &'static str,
    text: String,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $new:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh identity that no one can guess or has used before.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "a default identity would hide that each one is new")]
            pub fn new() -> Self {
                Self($new)
            }

            /// Wraps an identity that storage hands back.
            #[must_use]
            pub fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The 128 bits, for storage.
            #[must_use]
            pub fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::parse_str(text.trim())
                    .map(Self)
                    .map_err(|_| InvalidId { what: $what, text: text.chars().take(80).collect() })
            }
        }
    };
}

uuid_id!(
    /// A conversation, as clients see it: their `continuation_id`. Random (version 4), because knowing it is part of being
    /// allowed to continue the thread; a time-ordered id would be guessable.
    ThreadId,
    "continuation_id",
    Uuid::new_v4()
);
uuid_id!(
    /// One consultation of a model. Time-ordered (version 7) so that storage keeps runs in the order they began.
    RunId,
    "run id",
    Uuid::now_v7()
);

uuid_id!(
    /// Money that is set aside. Time-ordered (version 7): of two holds the earlier one goes first.
    HoldId,
    "hold id",
    Uuid::now_v7()
);

uuid_id!(
    /// A kept answer, and the task that leads to it. Time-ordered (version 7); never enough to read it, which takes the owner.
    AnswerId,
    "answer id",
    Uuid::now_v7()
);

/// One connection of a client, or one session where a client's connections share one. The transport makes it and puts it where the
/// handler of each message finds it. It means nothing outside of this process, and is never used twice in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);

impl ConnectionId {
    /// A number that no other connection of this process has. A counter, because some clients open a connection for every request and
    /// nothing depends on the number being hard to guess.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a default identity would hide that each one is new")]
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a name; callers have checked it where it entered the program.
            #[must_use]
            pub fn new(name: impl Into<Arc<str>>) -> Self {
                Self(name.into())
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self::new(name)
            }
        }
    };
}

name_id!(
    /// A configured source of models: a vendor such as `openai`, or the name of a custom endpoint.
    ProviderId
);
name_id!(
    /// A model in its provider's own spelling. Spelling is kept exactly: MiniMax's ids are case-sensitive.
    ModelId
);
name_id!(
    /// The name of an API key in the configuration: which key was used can be recorded without the key itself.
    KeyId
);
name_id!(
    /// Correlates one client request over logs, errors and upstream calls.
    RequestId
);

/// Fingerprint of everything that decides an answer (identity, provider, model, parameters, rendered messages), as 64 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RequestHash(pub [u8; 32]);

/// What tells one endpoint from another under the same name: its address and the identity of its keys, hashed. Answers of one are never
/// given as those of the other. It is neither stored nor shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EndpointIdentity(pub [u8; 32]);

impl fmt::Debug for EndpointIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A weak key could be guessed from its hash.
        f.write_str("EndpointIdentity(…)")
    }
}

impl fmt::Display for RequestHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thread_ids_are_random_run_ids_ordered() {
        assert_eq!(ThreadId::new().as_uuid().get_version_num(), 4);
        assert_eq!(RunId::new().as_uuid().get_version_num(), 7);
        assert!(RunId::new() < RunId::new());
    }

    #[test]
    fn bad_ids_are_refused_in_short() {
        let error = "not-a-uuid".repeat(50).parse::<ThreadId>().unwrap_err();
        assert!(error.to_string().len() < 130, "{error}");
    }
}
