//! What tells one caller from another.

use std::sync::Arc;

use exai_core::Principal;

/// The part of a principal that rates, sessions and connections belong to: a caller whose roles change keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CallerKey {
    tenant: Arc<str>,
    owner: Arc<str>,
}

impl From<&Principal> for CallerKey {
    fn from(who: &Principal) -> Self {
        Self { tenant: Arc::clone(&who.tenant), owner: Arc::clone(&who.owner) }
    }
}
