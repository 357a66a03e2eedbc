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

/// What is wrong, in words without names and contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Calls are answered, and something is missing: monitors should know, and clients need not be kept away.
    Degraded(String),
    /// Calls cannot be answered.
    Unable(String),
}

impl Trouble {
    /// What monitors are told: the state in a word, and why.
    #[must_use]
    pub fn words(trouble: Option<&Self>) -> (&'static str, Option<&str>) {
        match trouble {
            None => ("ready", None),
            Some(Self::Degraded(why)) => ("degraded", Some(why)),
            Some(Self::Unable(why)) => ("not ready", Some(why)),
        }
    }

    /// Of a database that says nothing in time.
    #[must_use]
    pub fn silent_database() -> Self {
        Self::Degraded("the database does not answer".to_owned())
    }
}

/// Knows whether the work can be done.
#[async_trait]
pub trait Health: Send + Sync {
    /// What keeps the work from being done, wholly or in part; `None` when nothing does.
    async fn trouble(&self) -> Option<Trouble>;

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
        Some(Trouble::Unable("the server is ending".to_owned()))
    } else {
        let looked = tokio::time::timeout(LIMIT, health.trouble()).await;
        looked.unwrap_or_else(|_elapsed| Some(Trouble::silent_database()))
    };
    let status = match &trouble {
        // Whoever asks whether calls may be sent here is told yes; whoever asks how the server is, that it is not well.
        Some(Trouble::Degraded(_)) if !whole => StatusCode::OK,
        Some(_) => StatusCode::SERVICE_UNAVAILABLE,
        None => StatusCode::OK,
    };
    let (word, why) = Trouble::words(trouble.as_ref());
    let mut body = json!({ "status": word });
    if let Some(trouble) = why {
        body["trouble"] = json!(trouble);
    }
    if whole {
        body["figures"] = health.figures();
    }
    (status, Json(body)).into_response()
}
