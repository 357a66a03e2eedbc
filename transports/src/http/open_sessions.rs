//! The open sessions of streamable HTTP, of two kinds, because the SDK begins all streams of one kind alike.

use std::{sync::Arc, time::Duration};

use rmcp::transport::streamable_http_server::session::{
    SessionManager as _,
    local::{LocalSessionManager, LocalSessionManagerError},
};

/// The sessions of streamable HTTP.
#[derive(Clone)]
pub(super) struct OpenSessions {
    /// Of clients that are sent the event that opens a stream.
    pub(super) primed: Arc<LocalSessionManager>,
    /// Of the others.
    pub(super) bare: Arc<LocalSessionManager>,
}

impl OpenSessions {
    pub(super) fn new(idle: Duration) -> Self {
        let mut primed = LocalSessionManager::default();
        primed.session_config.keep_alive = Some(idle);
        let mut bare = LocalSessionManager::default();
        bare.session_config.keep_alive = Some(idle);
        bare.session_config.sse_retry = None;
        Self { primed: Arc::new(primed), bare: Arc::new(bare) }
    }

    pub(super) async fn count(&self) -> usize {
        self.primed.sessions.read().await.len() + self.bare.sessions.read().await.len()
    }

    /// The ids of all open sessions.
    pub(super) async fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> =
            self.primed.sessions.read().await.keys().map(ToString::to_string).collect();
        ids.extend(self.bare.sessions.read().await.keys().map(ToString::to_string));
        ids
    }

    /// Ends a session, whichever kind it is.
    pub(super) async fn close(&self, id: &str) -> Result<(), LocalSessionManagerError> {
        self.of(id).await.close_session(&id.into()).await
    }

    pub(super) async fn is_primed(&self, id: &str) -> bool {
        self.primed.sessions.read().await.contains_key(id)
    }

    async fn of(&self, id: &str) -> &LocalSessionManager {
        if self.is_primed(id).await { &self.primed } else { &self.bare }
    }
}
