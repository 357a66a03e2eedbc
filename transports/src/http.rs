//! MCP over HTTP, for any handler: streamable HTTP in both eras on one path, WebSocket, and the older HTTP+SSE. One listener, one guard
//! before every route.
//!
//! Revisions before 2026-07-28 have sessions, later ones have none; the SDK tells them apart by the request
//! (<https://modelcontextprotocol.io/specification/2026-07-28/basic/transports>).

mod accept;
mod auth;
mod body;
mod duplex_session;
mod early_response;
mod guard;
mod health;
mod identity;
mod in_flight;
mod keys;
mod legacy_sse;
mod listener;
mod metrics;
mod normalize;
mod op;
mod places;
mod preface_timeout;
mod rate;
mod request_id;
mod sessions;
mod strangers;
mod tls;
mod websocket;

#[cfg(test)]
mod tests;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use exai_core::{SystemClock, auth::Authenticator, rate::RateLimiter};
use rmcp::{
    ServerHandler,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use self::{
    duplex_session::Attach,
    in_flight::InFlight,
    sessions::Sessions,
    strangers::Strangers,
    websocket::{dialect::Dialect, mcp::Mcp},
};
pub use self::{
    guard::Allowed,
    health::Health,
    keys::{Credential, Credentials, check_key},
    listener::Listener,
    places::SessionLimits,
    rate::{LocalRates, RateLimits},
    strangers::StrangerLimits,
    tls::{Tls, TlsError},
};

/// The path of the protocol.
pub const MCP_PATH: &str = "/mcp";
/// As some clients write it.
const MCP_PATH_AS_WELL: &str = "/mcp/";

/// The path of MCP over WebSocket.
pub const WEBSOCKET_PATH: &str = "/ws";
/// The paths of the older HTTP+SSE transport.
pub const SSE_PATH: &str = "/sse";
const MESSAGES_PATH: &str = "/messages";

/// How the door behaves. `Default` is what the documentation promises.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Which `Host` and `Origin` are let through.
    pub allowed: Allowed,
    /// Knows the callers by their keys. The default has no keys and asks for none.
    pub authenticator: Arc<dyn Authenticator>,
    /// The most bytes of a message: of a request's body, and on a WebSocket once it is known who sends it.
    pub max_body_bytes: usize,
    /// The most connections at once; more wait to be accepted.
    pub max_connections: usize,
    /// The most WebSockets at once, which are no longer counted as connections; more are refused.
    pub max_websockets: usize,
    /// The most connections of clients that have shown no key.
    pub strangers: StrangerLimits,
    /// The most sessions at once. With none at all, requests of the revisions that know sessions are served each on its own, as those of
    /// the later revisions are.
    pub sessions: SessionLimits,
    /// How often callers may call. The default counts in this process.
    pub rate: Arc<dyn RateLimiter>,
    /// How long a session without a message lives. A call that reports no progress is no message: this must be longer than calls may
    /// take.
    pub session_idle: Duration,
    /// How long a request may take to send its head, how long a connection may be idle before one, and how long a connection lasts
    /// that shows no key where one is needed.
    pub header_wait: Duration,
    /// The longest that a call may take, as clients are told that ask nothing else about it.
    pub call_limit: Duration,
    /// How long calls may take to finish once the end was asked for.
    pub drain: Duration,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            allowed: Allowed::default(),
            authenticator: Arc::new(Credentials::default()),
            max_body_bytes: 4 * 1024 * 1024,
            max_connections: 10_000,
            max_websockets: 10_000,
            strangers: StrangerLimits::default(),
            sessions: SessionLimits::default(),
            rate: Arc::new(LocalRates::new(RateLimits::default())),
            session_idle: Duration::from_secs(30 * 60),
            header_wait: Duration::from_secs(60),
            call_limit: Duration::from_secs(600),
            drain: Duration::from_secs(30),
        }
    }
}

/// What the door hears and tells about its end.
#[derive(Debug, Clone, Default)]
pub struct HttpLifecycle {
    /// Cancel it to end: nothing new is accepted, calls under way may finish.
    pub shutdown: CancellationToken,
    /// Cancelled when the time for that is over; handlers answer what is still open.
    pub closing: CancellationToken,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Calls that were still open when the limit was reached.
    pub cut_short: usize,
}

/// Serves until the shutdown is asked for and over. Never takes longer than `settings.drain` and a second for that.
pub async fn serve<H>(
    handler: H,
    listener: Listener,
    health: Arc<dyn Health>,
    settings: HttpSettings,
    lifecycle: HttpLifecycle,
) -> Drained
where
    H: ServerHandler + Clone + Send + Sync + 'static,
{
    let in_flight = InFlight::default();
    let streams = CancellationToken::new();
    let draining = lifecycle.shutdown.clone();
    let connections = accept::Connections::new(&settings);
    let open = Arc::new(connections.counter());
    let router = router(handler, (health, open), &settings, &in_flight, &streams, draining);
    connections.accept(listener, router, lifecycle.shutdown.clone()).await;
    // Nothing new comes in from here on.
    connections.heard(Duration::from_millis(100)).await;
    let finished = tokio::time::timeout(settings.drain, in_flight.none_left()).await.is_ok();
    let cut_short = if finished { 0 } else { in_flight.count() };
    lifecycle.closing.cancel();
    // Whoever was told of the end gets that answer out; a client that does not read is not waited for.
    drop(tokio::time::timeout(Duration::from_millis(500), in_flight.none_left()).await);
    streams.cancel();
    connections.close(Duration::from_millis(400)).await;
    Drained { cut_short }
}

fn router<H>(
    handler: H,
    (health, open): (Arc<dyn Health>, Arc<dyn Fn() -> usize + Send + Sync>),
    settings: &HttpSettings,
    in_flight: &InFlight,
    streams: &CancellationToken,
    draining: CancellationToken,
) -> Router
where
    H: ServerHandler + Clone + Send + Sync + 'static,
{
    let mut manager = LocalSessionManager::default();
    manager.session_config.keep_alive = Some(settings.session_idle);
    let manager = Arc::new(manager);
    // Host and origin are checked before, for every route alike.
    let config = StreamableHttpServerConfig::default()
        .disable_allowed_hosts()
        .disable_allowed_origins()
        .with_legacy_session_mode(settings.sessions.all > 0)
        .with_max_request_body_bytes(settings.max_body_bytes)
        .with_cancellation_token(streams.clone());
    let attach = Attach::new(handler.clone(), settings, in_flight.clone(), draining.clone());
    let op = op::Op::new(
        attach.clone(),
        Arc::clone(&settings.authenticator),
        Arc::clone(&health),
        Arc::new(SystemClock),
        op::OpLimits { sessions: sessions_of_dialects(settings), call: settings.call_limit },
    );
    let places = Arc::new(Semaphore::new(settings.max_websockets));
    let connections = {
        let (places, most) = (Arc::clone(&places), settings.max_websockets);
        Arc::new(move || open() + most.saturating_sub(places.available_permits()))
    };
    let gauges = metrics::Gauges { connections, sessions: Arc::clone(&manager), dialects: op.registry() };
    // The first that claims a connection has it, so the last one takes whatever is left.
    let dialects: [Arc<dyn Dialect>; 2] = [Arc::new(Mcp::new(attach.clone())), Arc::new(op)];
    let sockets = websocket::Sockets {
        dialects: dialects.into(),
        max_bytes: settings.max_body_bytes,
        first_wait: settings.header_wait,
        places,
        strangers: Strangers::new(settings.strangers.websockets, settings.max_websockets / 2),
    };
    let bounds = body::Bounds { bytes: settings.max_body_bytes, wait: settings.header_wait };
    let connections = legacy_sse::Connections::new(attach.clone(), settings.sessions.all, bounds);
    let service = StreamableHttpService::new(move || Ok(handler.clone()), Arc::clone(&manager), config);
    let sessions = Sessions::new(manager, settings.sessions);
    let limits = (bounds, in_flight.clone());
    // What must happen before a service is a layer of its routes: nothing compares paths a second time, and perhaps otherwise.
    let mcp = Router::new()
        .route_service(MCP_PATH, service.clone())
        .route_service(MCP_PATH_AS_WELL, service)
        .route_layer(from_fn_with_state(sessions, sessions::bind))
        .route_layer(from_fn_with_state(limits, normalize::normalize));
    let with_key = Router::new()
        .merge(mcp)
        .route(SSE_PATH, get(legacy_sse::open).with_state(connections.clone()))
        .route(MESSAGES_PATH, post(legacy_sse::message).with_state(connections))
        .merge(metrics::route(Arc::clone(&health), gauges))
        .route_layer(from_fn_with_state(Arc::clone(&settings.rate), rate::limit))
        .route_layer(from_fn_with_state(Arc::clone(&settings.authenticator), auth::identify));
    let sockets = Router::new()
        .route(WEBSOCKET_PATH, get(websocket::upgrade).with_state(sockets))
        .route_layer(from_fn_with_state(Arc::clone(&settings.authenticator), auth::identify_or_wait));
    Router::new()
        .merge(with_key)
        .merge(sockets)
        .merge(health::routes(health, draining))
        .fallback(not_found)
        .layer(DefaultBodyLimit::max(settings.max_body_bytes))
        .layer(from_fn_with_state(settings.allowed.clone(), guard::check))
        .layer(from_fn(guard::catch_panics))
        .layer(from_fn(request_id::name))
}

/// A dialect's session is its way back to a result, whether or not the older revisions of MCP get sessions.
fn sessions_of_dialects(settings: &HttpSettings) -> SessionLimits {
    if settings.sessions.all > 0 { settings.sessions } else { SessionLimits::default() }
}

async fn not_found() -> Response {
    let text = format!("there is nothing here; MCP is at {MCP_PATH}");
    guard::problem(StatusCode::NOT_FOUND, "not_found", &text).into_response()
}

/// Whether an address is reached from this machine only.
#[must_use]
pub fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}
