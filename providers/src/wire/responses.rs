//! OpenAI's Responses interface: for models that speak nothing else, and for the vendor's own web search.
//!
//! By the public API reference (platform.openai.com/docs/api-reference/responses). Nothing is stored at the vendor's.

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
    let body = request::body(&origin.provider, origin.vendor.quirks.names_cache, model, request)
        .map_err(|error| unwritten(origin, error))?;
    Ok(Written { url: base_url::operation(base, "responses"), body })
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
