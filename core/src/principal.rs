//! Who asks. Every stored row belongs to a tenant and an owner from the first day.

use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use serde::{Deserialize, Serialize};

use crate::KeyId;

/// Whose data it is: the key of every row, session, cached answer and rate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The team.
    pub tenant: Arc<str>,
    /// The person or program within the team.
    pub owner: Arc<str>,
}

impl Identity {
    /// The caller on stdio and on unauthenticated loopback.
    #[must_use]
    pub fn local() -> Self {
        static LOCAL: LazyLock<Identity> = LazyLock::new(|| Identity::new("local", "local"));
        LOCAL.clone()
    }

    /// This owner of this tenant.
    #[must_use]
    pub fn new(tenant: &str, owner: &str) -> Self {
        Self { tenant: tenant.into(), owner: owner.into() }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.owner)
    }
}

/// A caller as the server recognised it.
///
/// There is no `Eq` and no `Hash`: a change of roles or of the key must neither orphan what belongs to the identity nor pass
/// unnoticed, so every comparison says which part it means.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Principal {
    /// Whose data the caller reads and writes.
    #[serde(flatten)]
    pub identity: Identity,
    /// What the caller may do; empty means the ordinary rights of an owner.
    #[serde(default)]
    pub roles: Vec<Arc<str>>,
    /// The key that the caller showed; `None` where no key is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<KeyId>,
}

impl Principal {
    /// The caller on stdio and on unauthenticated loopback.
    #[must_use]
    pub fn local() -> Self {
        Identity::local().into()
    }

    /// A caller without special roles.
    #[must_use]
    pub fn new(tenant: &str, owner: &str) -> Self {
        Identity::new(tenant, owner).into()
    }
}

impl From<Identity> for Principal {
    /// A caller without special roles, recognised without a key.
    fn from(identity: Identity) -> Self {
        Self { identity, roles: Vec::new(), key_id: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_is_written_flat() {
        let plain = r#"{"tenant":"team","owner":"ann","roles":[]}"#;
        assert_eq!(serde_json::to_string(&Principal::new("team", "ann")).unwrap(), plain);
        let read: Principal =
            serde_json::from_str(r#"{"tenant":"team","owner":"ann","roles":["admin"],"key_id":"ci"}"#)
                .unwrap();
        assert_eq!(read.identity, Identity::new("team", "ann"));
        assert_eq!((read.roles, read.key_id), (vec!["admin".into()], Some("ci".into())));
    }
}
