//! What monitors ask: whether the process lives, whether it can do its work, and what is wrong.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    Json, Router,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// The longest that a look may take.
const LIMIT: Duration = Duration::from_secs(1);

/// Knows whether the work can be done.
#[async_trait]
pub trait Health: Send + Sync {
    /// What keeps the work from being done; `None` when nothing does.
    async fn trouble(&self) -> Option<String>;

    /// Figures for people who look. No names and no contents, because they are given without a key.
    fn figures(&self) -> Value;

    /// Everything that is measured, in the text format of Prometheus, for callers with a key where one is needed; `None` when nothing
    /// is measured.
    fn metrics(&self) -> Option<String> {
        None
    }
}

/// `/health`, `/health/live` and `/health/ready`.
pub(super) fn routes(health: Arc<dyn Health>, draining: CancellationToken) -> Router {
    let (whole, ready) = ((Arc::clone(&health), draining.clone()), (health, draining));
    Router::new()
        .route("/health/live", get(async || Json(json!({ "status": "alive" }))))
        .route("/health/ready", get(async move || answer(&ready.0, &ready.1, false).await))
        .route("/health", get(async move || answer(&whole.0, &whole.1, true).await))
}

async fn answer(health: &Arc<dyn Health>, draining: &CancellationToken, whole: bool) -> Response {
    let trouble = if draining.is_cancelled() {
        Some("the server is ending".to_owned())
    } else {
        let looked = tokio::time::timeout(LIMIT, health.trouble()).await;
        looked.unwrap_or_else(|_elapsed| Some("the database does not answer".to_owned()))
    };
    let status = if trouble.is_some() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let word = if trouble.is_some() { "not ready" } else { "ready" };
    let mut body = json!({ "status": word });
    if let Some(trouble) = trouble {
        body["trouble"] = json!(trouble);
    }
    if whole {
        body["figures"] = health.figures();
    }
    (status, Json(body)).into_response()
}
