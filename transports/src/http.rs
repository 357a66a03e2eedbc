//! MCP over HTTP, for any handler: streamable HTTP in both eras on one path, WebSocket, and the older HTTP+SSE.
//!
//! Revisions before 2026-07-28 have sessions, later ones have none; the SDK tells them apart by the request
//! (<https://modelcontextprotocol.io/specification/2026-07-28/basic/transports>).

mod duplex_session;
mod early_response;
mod legacy_sse;
mod mcp_dialect;
mod normalize;
mod op;
mod open_sessions;
mod pacing;
mod priming;
mod sessions;

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    Router,
    http::HeaderName,
    middleware::from_fn_with_state,
    routing::{any, get, post},
};
use exai_core::SystemClock;
use exai_server::{
    PageHeaders, Server, ServerHandle, SessionCount, SessionLimits, SessionPlaces, WebSocketRoute,
};
use rmcp::ServerHandler;

#[cfg(any(test, fuzzing))]
pub use self::op::fuzzing::read_frame;
use self::{
    duplex_session::Attach, mcp_dialect::Mcp, op::Op, open_sessions::OpenSessions, priming::Services,
    sessions::Sessions,
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

/// The subprotocol of MCP on a WebSocket.
const SUBPROTOCOL: &str = "mcp";

/// Headers of MCP that a page may use.
fn page_headers() -> PageHeaders {
    PageHeaders {
        request: ["mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name"]
            .map(HeaderName::from_static)
            .to_vec(),
        response: ["mcp-session-id", "mcp-protocol-version"].map(HeaderName::from_static).to_vec(),
    }
}

/// How MCP over HTTP behaves. `Default` is what the documentation promises.
#[derive(Debug, Clone, Copy)]
pub struct McpSettings {
    /// The most sessions at once. With none at all, requests of the revisions that know sessions are served each on its own, as those of
    /// the later revisions are.
    pub sessions: SessionLimits,
    /// How long a session without a message lives. A call that reports no progress is no message: this must be longer than calls may
    /// take. 30 minutes.
    pub session_idle: Duration,
    /// The longest that a call may take, as the `op` dialect announces it. 10 minutes.
    pub call_limit: Duration,
}

impl Default for McpSettings {
    fn default() -> Self {
        Self {
            sessions: SessionLimits::default(),
            session_idle: Duration::from_secs(30 * 60),
            call_limit: Duration::from_secs(600),
        }
    }
}

/// Adds MCP to a server: streamable HTTP, HTTP+SSE, and WebSockets with the dialects that are spoken there.
#[must_use]
pub fn mount<H>(server: Server, handler: H, settings: &McpSettings) -> Server
where
    H: ServerHandler + Clone + Send + Sync + 'static,
{
    let shared = server.handle();
    let open = OpenSessions::new(settings.session_idle);
    let attach = Attach::new(handler.clone(), &shared);
    let limits = op::OpLimits { sessions: sessions_of_dialects(settings), call: settings.call_limit };
    let op = Op::new(attach.clone(), &shared, Arc::new(SystemClock), limits);
    let sessions = Arc::new(McpSessions { streamable: open.clone(), op: op.registry() });
    let places = SessionPlaces::new(sessions_of_dialects(settings), Arc::clone(&shared.events));
    let connections = legacy_sse::Connections::new(attach.clone(), places, shared.body);
    let router = Router::new()
        .merge(streamable(handler, open, settings, &shared))
        .route(SSE_PATH, get(legacy_sse::open).with_state(connections.clone()))
        .route(MESSAGES_PATH, post(legacy_sse::message).with_state(connections));
    // The first that claims a connection has it, so the last one takes whatever is left.
    let websocket = WebSocketRoute {
        path: WEBSOCKET_PATH,
        dialects: vec![Arc::new(Mcp::new(attach)), Arc::new(op)],
        subprotocol: Some(SUBPROTOCOL),
        hint: "MCP over HTTP is at /mcp",
    };
    server
        .with_key_and_pace(router)
        .websocket(websocket)
        .counting(sessions)
        .page_headers(page_headers())
        .not_found(format!("there is nothing here; MCP is at {MCP_PATH}"))
}

fn streamable<H>(handler: H, open: OpenSessions, settings: &McpSettings, server: &ServerHandle) -> Router
where
    H: ServerHandler + Clone + Send + Sync + 'static,
{
    let services = Services::new(handler, open.clone(), settings, server);
    let sessions = Sessions::new(
        open,
        SessionPlaces::new(settings.sessions, Arc::clone(&server.events)),
        settings.sessions.all > 0,
    );
    let served = any(priming::served::<H>).with_state(services);
    // What must happen before a service is a layer of its routes: nothing compares paths a second time, and perhaps otherwise.
    Router::new()
        .route(MCP_PATH, served.clone())
        .route(MCP_PATH_AS_WELL, served)
        .route_layer(from_fn_with_state(sessions, sessions::bind))
        .route_layer(from_fn_with_state(server.body, normalize::normalize))
}

/// A dialect's session is its way back to a result, and an SSE connection is its client's only one, whether or not streamable HTTP has sessions.
fn sessions_of_dialects(settings: &McpSettings) -> SessionLimits {
    if settings.sessions.all > 0 { settings.sessions } else { SessionLimits::default() }
}

/// Sessions of streamable HTTP and of the `op` dialect.
struct McpSessions {
    streamable: OpenSessions,
    op: op::Registry,
}

#[async_trait]
impl SessionCount for McpSessions {
    async fn count(&self) -> usize {
        self.streamable.count().await + self.op.count()
    }
}
