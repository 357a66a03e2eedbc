//! `/metrics`: the text format of Prometheus (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    Router,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use metrics::gauge;

use super::{health::Health, problem};

const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Sessions of a protocol that routes speak.
#[async_trait]
pub trait SessionCount: Send + Sync {
    /// How many are open.
    async fn count(&self) -> usize;
}

/// What the server itself counts.
#[derive(Clone)]
pub(super) struct Gauges {
    pub(super) connections: Arc<dyn Fn() -> usize + Send + Sync>,
    pub(super) sessions: Arc<[Arc<dyn SessionCount>]>,
}

pub(super) fn route(health: Arc<dyn Health>, gauges: Gauges) -> Router {
    Router::new().route("/metrics", get(async move || answer(&*health, &gauges).await))
}

async fn answer(health: &dyn Health, gauges: &Gauges) -> Response {
    #[expect(clippy::cast_precision_loss, reason = "counts of connections are far below 2^53")]
    let as_figure = |count: usize| count as f64;
    gauge!("exai_active_connections").set(as_figure((gauges.connections)()));
    let mut sessions = 0;
    for some in gauges.sessions.iter() {
        sessions += some.count().await;
    }
    gauge!("exai_sessions_active").set(as_figure(sessions));
    match health.metrics() {
        Some(text) => ([(header::CONTENT_TYPE, FORMAT)], text).into_response(),
        None => problem(StatusCode::NOT_FOUND, "not_found", "this server keeps no figures"),
    }
}
