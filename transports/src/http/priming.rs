//! Who is sent the event that opens a stream: an id, no data, and the time after which to connect again.
//!
//! Revision 2025-11-25 introduced it (<https://modelcontextprotocol.io/specification/2025-11-25/basic/transports>, "Sending Messages to
//! the Server"). Clients of earlier revisions parse the empty data as a message and fail, and then show no tools: the TypeScript SDK
//! does so in its versions 1.12 to 1.23. The SDK decides for a whole service and its session manager, so there are two of each.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use exai_server::ServerHandle;
use rmcp::{
    ServerHandler,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};

use super::{McpSettings, normalize::Initialize, open_sessions::OpenSessions, sessions};

/// The first revision with the event.
const FIRST: &str = "2025-11-25";

/// Whether clients of this revision know the event. A text that is no revision says nothing of its client, which gets no such event.
fn is_known_in(revision: &str) -> bool {
    let is_date = revision.len() == FIRST.len()
        && revision.bytes().zip(FIRST.bytes()).all(|(found, form)| match form {
            b'-' => found == b'-',
            _ => found.is_ascii_digit(),
        });
    is_date && revision >= FIRST
}

type Service<H> = StreamableHttpService<H, LocalSessionManager>;

/// The protocol for both kinds of clients.
pub(super) struct Services<H> {
    primed: Service<H>,
    bare: Service<H>,
    open: OpenSessions,
}

impl<H> Clone for Services<H> {
    fn clone(&self) -> Self {
        Self { primed: self.primed.clone(), bare: self.bare.clone(), open: self.open.clone() }
    }
}

impl<H> Services<H>
where
    H: ServerHandler + Clone + Send + Sync + 'static,
{
    pub(super) fn new(handler: H, open: OpenSessions, settings: &McpSettings, server: &ServerHandle) -> Self {
        // The server checks host and origin before, for every route alike.
        let config = StreamableHttpServerConfig::default()
            .disable_allowed_hosts()
            .disable_allowed_origins()
            .with_legacy_session_mode(settings.sessions.all > 0)
            .with_max_request_body_bytes(server.body.bytes)
            .with_cancellation_token(server.streams.clone());
        let service = |handler: H, manager: &Arc<LocalSessionManager>, config| {
            StreamableHttpService::new(move || Ok(handler.clone()), Arc::clone(manager), config)
        };
        Self {
            primed: service(handler.clone(), &open.primed, config.clone()),
            bare: service(handler, &open.bare, config.with_sse_retry(None)),
            open,
        }
    }

    async fn of(&self, session: Option<String>, opens: Option<Initialize>) -> &Service<H> {
        let is_primed = match session {
            Some(id) => self.open.is_primed(&id).await,
            // Without a session only what opens one begins with the event.
            None => opens.and_then(|opens| opens.revision).is_some_and(|revision| is_known_in(&revision)),
        };
        if is_primed { &self.primed } else { &self.bare }
    }
}

/// Answers a request of the protocol.
pub(super) async fn served<H>(State(services): State<Services<H>>, request: Request) -> Response
where
    H: ServerHandler + Clone + Send + Sync + 'static,
{
    let (session, opens) =
        (sessions::id(request.headers()), request.extensions().get::<Initialize>().cloned());
    services.of(session, opens).await.handle(request).await.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_later_revisions_know_the_event() {
        for revision in ["2025-11-25", "2026-07-28", "2099-01-01"] {
            assert!(is_known_in(revision), "{revision}");
        }
        let others =
            ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-24", "", "1.0", "zzzz-zz-zz", "2026-07-28x"];
        for revision in others {
            assert!(!is_known_in(revision), "{revision}");
        }
    }
}
