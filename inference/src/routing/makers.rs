//! Providers that are known and not configured: a model that is named after one of them must not reach another.

use std::{fmt, sync::Arc};

/// The provider of a name, where it is known and not configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maker {
    /// Whether the name says so itself, as `provider/model`.
    pub is_named: bool,
    /// What is missing, as a sentence without its end, such as `GLM is not configured: set GLM_API_KEY`.
    pub missing: String,
}

type Find = dyn Fn(&str) -> Option<Maker> + Send + Sync;

/// Says of a name whose it is. Only for providers that are not configured.
#[derive(Clone)]
pub struct Makers(Arc<Find>);

impl Makers {
    /// Asks `find` for each name.
    pub fn new(find: impl Fn(&str) -> Option<Maker> + Send + Sync + 'static) -> Self {
        Self(Arc::new(find))
    }

    /// Whose a name is; `None` when nobody knows, or the provider is configured.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<Maker> {
        (self.0)(name)
    }
}

impl Default for Makers {
    /// Knows none.
    fn default() -> Self {
        Self::new(|_| None)
    }
}

impl fmt::Debug for Makers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Makers")
    }
}
