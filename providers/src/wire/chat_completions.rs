//! OpenAI's chat completions: one request, one streamed answer.

mod decode;
mod params;
mod reasoning;
mod reply;
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
    vendor::Sampling,
    wire::{Written, exchange, unwritten},
};

/// How one model is spoken to.
pub(crate) struct Dialect {
    pub(crate) model: ModelSpec,
    /// Apart from the vendor's facts, because at a gateway it follows the model's maker.
    pub(crate) sampling: Sampling,
}

/// Where a request goes, and its body.
pub(crate) fn written(
    origin: &Origin,
    base: &Url,
    dialect: &Dialect,
    request: &Request,
) -> Result<Written, ProviderError> {
    let body = request::body(origin, dialect, request).map_err(|error| unwritten(origin, error))?;
    Ok(Written { url: base_url::operation(base, "chat/completions"), body })
}

/// Asks once. Returns when the answer has begun, so that what fails before fails here.
pub(crate) async fn chat(
    http: &Http,
    origin: &Arc<Origin>,
    base: &Url,
    dialect: &Dialect,
    request: &Request,
    call: &CallCtx,
) -> Result<ReplyStream, ProviderError> {
    let written = written(origin, base, dialect, request)?;
    let model = dialect.model.id.as_str();
    let decoder = Decoder::new(Arc::clone(origin), model.to_owned());
    exchange(http, origin, written, call, model, decoder).await
}
