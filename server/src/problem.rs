//! Refusals outside of any protocol that is spoken over HTTP.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde_json::json;

/// A refusal as JSON: `error` with a `code` for programs and a `message` for people.
#[must_use]
pub fn problem(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({ "error": { "code": code, "message": message } }))).into_response()
}
