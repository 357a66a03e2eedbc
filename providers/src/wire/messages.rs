//! Anthropic's Messages, by its public API reference (docs.anthropic.com/en/api/messages).

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
    let url = base_url::operation(base, "messages");
    let decoder = decode::Decoder::new(Arc::clone(origin), model.id.as_str().to_owned());
    exchange(http, origin, &url, body, call, model.id.as_str(), decoder).await
}
