//! Gemini's own format, by its public API reference (ai.google.dev/api/generate-content).

mod decode;
mod request;

use std::sync::Arc;

pub(crate) use decode::Decoder;
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
    wire::{Written, exchange, unwritten},
};

/// Where a request goes, and its body.
pub(crate) fn written(
    origin: &Origin,
    base: &Url,
    model: &ModelSpec,
    request: &Request,
) -> Result<Written, ProviderError> {
    let body = request::body(&origin.provider, model, request).map_err(|error| unwritten(origin, error))?;
    let mut url = base_url::operation(base, &format!("models/{}:streamGenerateContent", model.id));
    url.set_query(Some("alt=sse"));
    Ok(Written { url, body })
}

/// Asks once. Returns when the answer has begun.
pub(crate) async fn chat(
    http: &Http,
    origin: &Arc<Origin>,
    base: &Url,
    model: &ModelSpec,
    request: &Request,
    call: &CallCtx,
) -> Result<ReplyStream, ProviderError> {
    let written = written(origin, base, model, request)?;
    let decoder = Decoder::new(Arc::clone(origin), model.id.as_str().to_owned());
    exchange(http, origin, written, call, model.id.as_str(), decoder).await
}
