//! Why an endpoint cannot be built from its settings.

use exai_core::{Kind, ProviderId};

/// Settings that cannot become a provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// Two endpoints have the same name.
    #[error("the endpoint name `{id}` is used twice; give each endpoint its own")]
    DuplicateId {
        /// The name.
        id: ProviderId,
    },
    /// The base URL is missing or may not be used.
    #[error("the base URL of `{id}` {problem}")]
    BaseUrl {
        /// The endpoint.
        id: ProviderId,
        /// What is wrong with it and what to do.
        problem: &'static str,
    },
    /// The key has characters that no HTTP header can carry.
    #[error(
        "the key in {key_origin} contains line breaks or other characters that a header cannot carry; copy it again"
    )]
    Key {
        /// Where the key was read from.
        key_origin: String,
    },
}

impl BuildError {
    /// What the failure means for the next step.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::InvalidInput
    }
}
