//! Gemini's own format, by its public API reference (ai.google.dev/api/generate-content).

mod decode;
mod request;

use std::sync::Arc;

use exai_core::{
    chat::Request,
    model::ModelSpec,
    provider::{CallCtx, ProviderError, ReplyStream},
};
use url::Url;

use crate::{
    base_url,
    http::Http,
    origin::Origin,
    wire::{exchange, unwritten},
};

/// Asks once. Returns when the answer has begun.
pub(crate) async fn chat(
    http: &Http,
    origin: &Arc<Origin>,
    base: &Url,
    model: &ModelSpec,
    request: &Request,
    call: &CallCtx,
) -> Result<ReplyStream, ProviderError> {
    let body = request::body(model, request).map_err(|error| unwritten(origin, error))?;
    let id = model.id.as_str();
    let mut url = base_url::operation(base, &format!("models/{id}:streamGenerateContent"));
    url.set_query(Some("alt=sse"));
    let decoder = decode::Decoder::new(Arc::clone(origin), id.to_owned());
    exchange(http, origin, &url, body, call, id, decoder).await
}
