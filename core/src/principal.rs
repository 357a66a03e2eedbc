//! Who asks. Every stored row belongs to a tenant and an owner from the first day.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The identity that a transport established for a caller.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Principal {
    /// The team whose data this is.
    pub tenant: Arc<str>,
    /// The person or program within the team.
    pub owner: Arc<str>,
    /// What the caller may do; empty means the ordinary rights of an owner.
    #[serde(default)]
    pub roles: Vec<Arc<str>>,
}

impl Principal {
    /// The caller on stdio and on unauthenticated loopback.
    #[must_use]
    pub fn local() -> Self {
        Self::new("local", "local")
    }

    /// A caller without special roles.
    #[must_use]
    pub fn new(tenant: &str, owner: &str) -> Self {
        Self { tenant: tenant.into(), owner: owner.into(), roles: Vec::new() }
    }
}
