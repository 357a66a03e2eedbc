//! Sessions of the older revisions: not too many, and each for the one who opened it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use exai_core::{ConnectionId, Principal};
use rmcp::transport::streamable_http_server::session::{SessionManager as _, local::LocalSessionManager};

use super::{conform::Initialize, guard};

const SESSION_ID: &str = "mcp-session-id";
/// How long somebody waits before opening a session again.
const RETRY_AFTER: &str = "5";

/// What is known of a session.
#[derive(Debug)]
struct Session {
    owner: Principal,
    connection: ConnectionId,
}

/// Who opened which session.
#[derive(Clone)]
pub(super) struct Sessions {
    manager: Arc<LocalSessionManager>,
    known: Arc<Mutex<HashMap<String, Session>>>,
    /// Sessions that are being opened, by who opens them.
    opening: Arc<Mutex<Vec<Principal>>>,
    most: (usize, usize),
}

impl Sessions {
    pub(super) fn new(manager: Arc<LocalSessionManager>, most: (usize, usize)) -> Self {
        Self { manager, known: Arc::default(), opening: Arc::default(), most }
    }

    /// The connection that a session is, when it may be used by this caller. A session that is not known is left to the SDK.
    fn connection(&self, id: &str, who: &Principal) -> Option<ConnectionId> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(id) {
            Some(session) => (session.owner == *who).then_some(session.connection),
            None => Some(ConnectionId::new()),
        }
    }

    /// A place for one more, as long as it is being opened; a burst must not get past the bound. Sessions that have ended are forgotten on
    /// the way.
    async fn place(&self, who: &Principal) -> Option<Opening> {
        let open = self.manager.sessions.read().await;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|id, _| open.contains_key(id.as_str()));
        let mut opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, own) = self.most;
        // Those that are being opened may be among the open ones already.
        let total = known.len() + open.len().saturating_sub(known.len()).max(opening.len());
        let owners = known.values().map(|session| &session.owner);
        let of_owner = owners.chain(opening.iter()).filter(|owner| *owner == who).count();
        if total >= all || of_owner >= own {
            return None;
        }
        opening.push(who.clone());
        Some(Opening { opening: Arc::clone(&self.opening), who: who.clone() })
    }

    /// Ends a session that was opened without a place. That cannot be as long as the SDK opens sessions by `initialize` alone.
    async fn refuse(&self, id: String) -> Response {
        tracing::error!("a session was opened that has no place");
        if let Err(error) = self.manager.close_session(&id.into()).await {
            tracing::debug!("a session without a place did not end in order: {error}");
        }
        too_many()
    }

    fn opened(&self, id: String, session: Session) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(id, session);
    }
}

/// A session that is being opened.
struct Opening {
    opening: Arc<Mutex<Vec<Principal>>>,
    who: Principal,
}

impl Drop for Opening {
    fn drop(&mut self) {
        let mut opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = opening.iter().position(|who| *who == self.who) {
            opening.swap_remove(at);
        }
    }
}

pub(super) async fn bind(State(sessions): State<Sessions>, mut request: Request, next: Next) -> Response {
    let who = request.extensions().get::<Principal>().cloned().unwrap_or_else(Principal::local);
    let named = id(request.headers());
    // A request without a session is a connection of its own.
    let connection =
        named.as_ref().map_or_else(|| Some(ConnectionId::new()), |id| sessions.connection(id, &who));
    let Some(connection) = connection else {
        // The same words as for one that never was.
        let text = "there is no such session; initialize a new one";
        return guard::problem(StatusCode::NOT_FOUND, "no_session", text).into_response();
    };
    request.extensions_mut().insert(connection);
    let opens = named.is_none() && request.extensions().get::<Initialize>().is_some();
    if !opens || sessions.most.0 == 0 {
        let response = next.run(request).await;
        return match id(response.headers()).filter(|_| named.is_none()) {
            Some(id) => sessions.refuse(id).await,
            None => response,
        };
    }
    let Some(place) = sessions.place(&who).await else { return too_many() };
    // To its end even when the client goes away meanwhile: otherwise the session would be there and nobody's.
    let opening = tokio::spawn(async move {
        let response = next.run(request).await;
        if let Some(id) = id(response.headers()) {
            sessions.opened(id, Session { owner: who, connection });
        }
        drop(place);
        response
    });
    opening.await.unwrap_or_else(|_panic| {
        let text = "internal error; the server goes on";
        guard::problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", text).into_response()
    })
}

fn too_many() -> Response {
    let text = "too many sessions are open; end one, or try again later";
    let refusal = guard::problem(StatusCode::SERVICE_UNAVAILABLE, "too_many_sessions", text);
    ([(header::RETRY_AFTER, RETRY_AFTER)], refusal).into_response()
}

fn id(headers: &HeaderMap) -> Option<String> {
    headers.get(SESSION_ID).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
