//! The folders that a call may read, and the types of the context that name them: callers know the engine and not that crate.

use std::sync::Arc;

use async_trait::async_trait;

pub use exai_context::{
    files::{RootCandidate, RootOrigin, Roots, file_url_path},
    git::{GitSettings, user_excludes},
};

/// Where the folders come from that a call may read. Asked only when a call names files, because the answer may need the client.
#[async_trait]
pub trait RootSource: Send + Sync {
    /// The folders that may be read for this call.
    async fn roots(&self) -> Arc<Roots>;
}

/// Folders that are known beforehand.
#[derive(Debug, Clone)]
pub struct FixedRoots(pub Arc<Roots>);

#[async_trait]
impl RootSource for FixedRoots {
    async fn roots(&self) -> Arc<Roots> {
        Arc::clone(&self.0)
    }
}
