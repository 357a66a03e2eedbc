//! Anthropic's Messages, by its public API reference (docs.anthropic.com/en/api/messages).

mod blocks;
mod decode;
mod request;

use std::sync::Arc;

pub(crate) use decode::Decoder;
use exai_core::{
    chat::Request,
    function_calling::ToolChoice,
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

/// Whether what is said of calling functions can be said.
pub(crate) fn takes(model: &ModelSpec, request: &Request) -> bool {
    let left_to_the_model = matches!(request.tools.choice, ToolChoice::Auto | ToolChoice::None);
    left_to_the_model || !request::thinks(model, request)
}

/// Where a request goes, and its body.
pub(crate) fn written(
    origin: &Origin,
    base: &Url,
    model: &ModelSpec,
    request: &Request,
) -> Result<Written, ProviderError> {
    let body = request::body(&origin.provider, model, request).map_err(|error| unwritten(origin, error))?;
    Ok(Written { url: base_url::operation(base, "messages"), body })
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
