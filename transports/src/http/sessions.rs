//! Sessions of the older revisions: not too many, and each for the one who opened it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use exai_core::{ConnectionId, Identity, Principal};
use exai_server::{SessionPlace, SessionPlaces, problem};
use parking_lot::Mutex;
use uuid::Uuid;

use super::{normalize::Initialize, open_sessions::OpenSessions};

const SESSION_ID: &str = "mcp-session-id";
/// How many seconds a client should wait before it opens a session again.
const RETRY_AFTER: &str = "5";

/// What is known of a session.
#[derive(Debug)]
struct Session {
    connection: ConnectionId,
    /// Says who opened it, and is free again when the session has ended.
    place: SessionPlace,
}

/// Who opened which session.
#[derive(Clone)]
pub(super) struct Sessions {
    open: OpenSessions,
    known: Arc<Mutex<HashMap<String, Session>>>,
    places: SessionPlaces,
    /// Whether there are sessions at all.
    are_served: bool,
}

impl Sessions {
    pub(super) fn new(open: OpenSessions, places: SessionPlaces, are_served: bool) -> Self {
        Self { open, known: Arc::default(), places, are_served }
    }

    /// The connection that a session is, when this caller may use it. A session that is not known is left to the SDK.
    fn connection(&self, id: &str, who: &Identity) -> Option<ConnectionId> {
        match self.known.lock().get(id) {
            Some(session) => session.place.belongs_to(who).then_some(session.connection),
            None => Some(ConnectionId::new()),
        }
    }

    /// A place for one more. It is taken before the session is opened, so that a burst does not get past the bound. Sessions that have
    /// ended give their places back on the way.
    async fn place(&self, who: &Identity) -> Option<SessionPlace> {
        let open: HashSet<String> = self.open.ids().await.into_iter().collect();
        self.known.lock().retain(|id, _| open.contains(id));
        self.places.take(who)
    }

    /// Ends a session that was opened without a place. That cannot be as long as the SDK opens sessions by `initialize` alone.
    async fn refuse(&self, id: String) -> Response {
        tracing::error!("a session was opened that has no place");
        if let Err(error) = self.open.close(&id).await {
            tracing::debug!("a session without a place did not end in order: {error}");
        }
        too_many()
    }
}

pub(super) async fn bind(State(sessions): State<Sessions>, mut request: Request, next: Next) -> Response {
    let who = request.extensions().get::<Principal>().cloned().unwrap_or_else(Principal::local);
    let mut named = id(request.headers());
    // A request without a session is a connection of its own.
    let connection =
        named.as_ref().map_or_else(|| Some(ConnectionId::new()), |id| sessions.connection(id, &who.identity));
    if connection.is_none() {
        // Another caller's session is answered as one that never was, whatever the SDK does with those.
        let absent = Uuid::new_v4().to_string();
        if let Ok(value) = HeaderValue::from_str(&absent) {
            request.headers_mut().insert(SESSION_ID, value);
            named = Some(absent);
        }
    }
    let connection = connection.unwrap_or_else(ConnectionId::new);
    request.extensions_mut().insert(connection);
    let opens = named.is_none() && request.extensions().get::<Initialize>().is_some();
    if !opens || !sessions.are_served {
        let ends = named.clone().filter(|_| request.method() == Method::DELETE);
        let response = next.run(request).await;
        if let Some(id) = ends.filter(|_| response.status().is_success()) {
            // Its place is free now, and not only when another session is opened: listeners on the bus hear of the end at once.
            sessions.known.lock().remove(&id);
        }
        return match id(response.headers()).filter(|_| named.is_none()) {
            Some(id) => sessions.refuse(id).await,
            None => response,
        };
    }
    let Some(place) = sessions.place(&who.identity).await else { return too_many() };
    // To its end even when the client goes away meanwhile: otherwise the session would be there without an owner.
    let opening = tokio::spawn(async move {
        let response = next.run(request).await;
        if let Some(id) = id(response.headers()) {
            sessions.known.lock().insert(id, Session { connection, place });
        }
        response
    });
    opening.await.unwrap_or_else(|_panic| {
        let text = "internal error; the server goes on";
        problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", text)
    })
}

fn too_many() -> Response {
    let text = "too many sessions are open; end one, or try again later";
    let refusal = problem(StatusCode::SERVICE_UNAVAILABLE, "too_many_sessions", text);
    ([(header::RETRY_AFTER, RETRY_AFTER)], refusal).into_response()
}

/// The session that a request or an answer names.
pub(super) fn id(headers: &HeaderMap) -> Option<String> {
    headers.get(SESSION_ID).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
