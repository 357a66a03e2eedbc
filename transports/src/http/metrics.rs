//! `/metrics`: the text format of Prometheus (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::sync::Arc;

use axum::{
    Router,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use metrics::gauge;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;

use super::{Health, guard, op::Registry};

const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the door itself counts.
#[derive(Clone)]
pub(super) struct Gauges {
    pub(super) connections: Arc<dyn Fn() -> usize + Send + Sync>,
    pub(super) sessions: Arc<LocalSessionManager>,
    pub(super) dialects: Registry,
}

pub(super) fn route(health: Arc<dyn Health>, gauges: Gauges) -> Router {
    Router::new().route("/metrics", get(async move || answer(&*health, &gauges).await))
}

async fn answer(health: &dyn Health, gauges: &Gauges) -> Response {
    #[expect(clippy::cast_precision_loss, reason = "counts of connections are far below 2^53")]
    let as_figure = |count: usize| count as f64;
    gauge!("exai_active_connections").set(as_figure((gauges.connections)()));
    let sessions = gauges.sessions.sessions.read().await.len() + gauges.dialects.count();
    gauge!("exai_sessions_active").set(as_figure(sessions));
    match health.metrics() {
        Some(text) => ([(header::CONTENT_TYPE, FORMAT)], text).into_response(),
        None => {
            guard::problem(StatusCode::NOT_FOUND, "not_found", "this server keeps no figures").into_response()
        }
    }
}
