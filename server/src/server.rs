//! Routes of any kind behind one listener: what every request passes before it reaches them, and the orderly end.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware::{from_fn, from_fn_with_state},
    routing::get,
};
use exai_core::{
    auth::Authenticator,
    event::{EventBus, NoEvents},
};
use tokio::{sync::Semaphore, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_http::catch_panic::CatchPanicLayer;

use super::{
    accept::Connections,
    admission::Admission,
    auth::{self, Doorman},
    body::BodyLimits,
    guard::{self, Guard, PageHeaders},
    health::{self, Health},
    in_flight,
    listener::Listener,
    metrics::{self, Gauges, SessionCount},
    places::{SessionLimits, SessionPlaces},
    problem, rate, request_id,
    settings::ServerSettings,
    strangers::Strangers,
    websocket::{self, Sockets, WebSocketRoute},
    wrong_keys::WrongKeys,
};

/// How long connections that were just accepted have to say something once the end was asked for.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long the answers of requests that were cut short have to get out.
const LAST_ANSWERS: Duration = Duration::from_millis(500);
/// How long connections have to end.
const LAST_CONNECTIONS: Duration = Duration::from_millis(400);

/// The signals between the server's end and the rest of the program.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    /// Cancel it to end: nothing new is accepted, requests in flight may finish.
    pub shutdown: CancellationToken,
    /// Cancelled by the server when the time for that is over; handlers answer what is still open.
    pub closing: CancellationToken,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Requests that were still open when the limit was reached.
    pub cut_short: usize,
}

/// What routes share with the server that serves them.
#[derive(Clone)]
pub struct ServerHandle {
    /// What the end waits for. Requests are counted already; connections of another kind take a token.
    pub in_flight: TaskTracker,
    /// Cancelled when the end begins.
    pub shutdown: CancellationToken,
    /// Cancelled when streams that are not counted have to end.
    pub streams: CancellationToken,
    /// Knows the callers, for dialects in which a key comes with a message.
    pub authenticator: Arc<dyn Authenticator>,
    /// How the program is.
    pub health: Arc<dyn Health>,
    /// Where it is told what happens.
    pub events: Arc<dyn EventBus>,
    /// What a body may take.
    pub body: BodyLimits,
    /// How long requests may take to finish once the end was asked for.
    pub drain: Duration,
}

/// Routes that are put together, and then served.
///
/// Every request, whatever its route, passes the checks of host and origin, has a name, and is answered when its handler panics. No
/// route may have a fallback, and no path may be served twice: putting such routes together panics.
pub struct Server {
    settings: ServerSettings,
    lifecycle: Lifecycle,
    handle: ServerHandle,
    with_key: Router,
    pacing: Router,
    without_key: Router,
    websockets: Vec<WebSocketRoute>,
    sessions: Vec<Arc<dyn SessionCount>>,
    page_headers: Vec<PageHeaders>,
    not_found: String,
}

impl Server {
    /// A server with nothing but the routes of health and metrics.
    #[must_use]
    pub fn new(settings: ServerSettings, health: Arc<dyn Health>, lifecycle: Lifecycle) -> Self {
        let handle = ServerHandle {
            in_flight: TaskTracker::new(),
            shutdown: lifecycle.shutdown.clone(),
            streams: CancellationToken::new(),
            authenticator: Arc::clone(&settings.authenticator),
            health,
            events: Arc::clone(&settings.events),
            body: settings.body(),
            drain: settings.drain,
        };
        Self {
            settings,
            lifecycle,
            handle,
            with_key: Router::new(),
            pacing: Router::new(),
            without_key: Router::new(),
            websockets: Vec::new(),
            sessions: Vec::new(),
            page_headers: Vec::new(),
            not_found: "there is nothing here".to_owned(),
        }
    }

    /// What routes need to know of the server.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Adds routes for callers that have shown a key where one is needed. Their requests find the caller as
    /// [`Principal`](exai_core::Principal) in their extensions, come no faster than the rate allows (a burst waits, and is refused with 429 after that), and are waited for at the end, until
    /// the last byte of the answer; an answer with [`StaysOpen`](super::StaysOpen) in its extensions is not.
    #[must_use]
    pub fn with_key(mut self, routes: Router) -> Self {
        self.with_key = self.with_key.merge(routes);
        self
    }

    /// Adds routes as [`Self::with_key`] does, which refuse a call that comes too fast in their own words: they find
    /// [`TooFast`](super::TooFast) in the extensions of such a request.
    #[must_use]
    pub fn with_key_and_pace(mut self, routes: Router) -> Self {
        self.pacing = self.pacing.merge(routes);
        self
    }

    /// Adds routes for every client that the guard lets through. They are waited for at the end, too.
    #[must_use]
    pub fn without_key(mut self, routes: Router) -> Self {
        self.without_key = self.without_key.merge(routes);
        self
    }

    /// Adds a path of WebSockets. Clients show their key with the handshake, or in the first frame of a dialect that reads it there.
    #[must_use]
    pub fn websocket(mut self, route: WebSocketRoute) -> Self {
        self.websockets.push(route);
        self
    }

    /// Adds sessions to those that the metrics count.
    #[must_use]
    pub fn counting(mut self, sessions: Arc<dyn SessionCount>) -> Self {
        self.sessions.push(sessions);
        self
    }

    /// Lets pages of allowed origins use headers of a protocol.
    #[must_use]
    pub fn page_headers(mut self, headers: PageHeaders) -> Self {
        self.page_headers.push(headers);
        self
    }

    /// What clients get to read at a path without a route.
    #[must_use]
    pub fn not_found(mut self, text: impl Into<String>) -> Self {
        self.not_found = text.into();
        self
    }

    /// Serves until the end was asked for and is over. Never takes longer than [`ServerSettings::drain`] and a second and a half for that.
    pub async fn serve(self, listener: Listener) -> Drained {
        let (handle, lifecycle) = (self.handle.clone(), self.lifecycle.clone());
        let connections = Connections::new(&self.settings);
        let websockets = TaskTracker::new();
        let router = self.into_router(Arc::new(connections.counter()), &websockets);
        connections.accept(listener, router, lifecycle.shutdown).await;
        // Nothing new comes in from here on.
        handle.in_flight.close();
        connections.heard(LAST_WORDS).await;
        let finished = timeout(handle.drain, handle.in_flight.wait()).await.is_ok();
        let cut_short = if finished { 0 } else { handle.in_flight.len() };
        lifecycle.closing.cancel();
        // Clients whose requests were cut short get that answer; one that does not read is not waited for.
        drop(timeout(LAST_ANSWERS, handle.in_flight.wait()).await);
        handle.streams.cancel();
        // A connection that has become a WebSocket is none of these, and its client is told that it is over.
        websockets.close();
        let goodbyes = timeout(LAST_CONNECTIONS, websockets.wait());
        let ((), _told) = tokio::join!(connections.close(LAST_CONNECTIONS), goodbyes);
        Drained { cut_short }
    }

    fn into_router(self, open: Arc<dyn Fn() -> usize + Send + Sync>, websockets: &TaskTracker) -> Router {
        let (settings, handle) = (self.settings, self.handle);
        let places = Arc::new(Semaphore::new(settings.max_websockets));
        let connections = {
            let (places, most) = (Arc::clone(&places), settings.max_websockets);
            Arc::new(move || open() + most.saturating_sub(places.available_permits()))
        };
        let gauges = Gauges { connections, sessions: self.sessions.into() };
        let count = from_fn_with_state(handle.in_flight.clone(), in_flight::count);
        let admission = Admission::new(Arc::clone(&settings.rate), handle.shutdown.clone());
        let doorman = Doorman {
            authenticator: Arc::clone(&settings.authenticator),
            wrong_keys: WrongKeys::new(handle.shutdown.clone()),
            streams: places_of(settings.max_connections, settings.client_streams),
        };
        let each = places_of(settings.max_websockets, settings.client_websockets);
        let mut with_key = self
            .with_key
            .merge(metrics::route(Arc::clone(&handle.health), gauges))
            .route_layer(count.clone())
            .route_layer(from_fn_with_state(admission.clone(), rate::limit));
        if self.pacing.has_routes() {
            let pacing = self.pacing.route_layer(count.clone());
            with_key =
                with_key.merge(pacing.route_layer(from_fn_with_state(admission.clone(), rate::pass_on)));
        }
        let with_key = with_key.route_layer(from_fn_with_state(doorman.clone(), auth::identify));
        let mut without_key = self.without_key;
        if without_key.has_routes() {
            without_key = without_key.route_layer(count);
        }
        let strangers = Strangers::new(settings.strangers.websockets, settings.max_websockets / 2);
        let mut router = Router::new().merge(with_key).merge(without_key);
        for route in self.websockets {
            let path = route.path;
            let sockets = Sockets {
                route: Arc::new(route),
                max_bytes: settings.max_body_bytes,
                first_wait: settings.header_wait,
                places: Arc::clone(&places),
                admission: admission.clone(),
                each: each.clone(),
                doorman: doorman.clone(),
                strangers: strangers.clone(),
                open: websockets.clone(),
            };
            let upgrade = get(websocket::upgrade).with_state(sockets);
            let identify = from_fn_with_state(doorman.clone(), auth::identify_or_wait);
            router = router.merge(Router::new().route(path, upgrade).route_layer(identify));
        }
        let not_found: Arc<str> = self.not_found.into();
        let guard = Guard::new(settings.allowed, &self.page_headers);
        router
            .merge(health::routes(handle.health, handle.shutdown))
            .fallback(async move || problem(StatusCode::NOT_FOUND, "not_found", &not_found))
            .layer(DefaultBodyLimit::max(settings.max_body_bytes))
            .layer(from_fn_with_state(guard, guard::check))
            .layer(CatchPanicLayer::custom(guard::panicked))
            .layer(from_fn(request_id::name))
    }
}

/// Places of connections that are no sessions of a protocol, so that nobody is told of them.
fn places_of(all: usize, each: usize) -> SessionPlaces {
    SessionPlaces::new(SessionLimits { all, each }, Arc::new(NoEvents))
}
