//! OpenAI's chat completions: one request, one streamed answer.

mod decode;
mod params;
mod reasoning;
mod reply;
mod request;

pub(crate) use decode::Decoder;
use exai_core::{chat::Request, model::ModelSpec, provider::ProviderError};
use url::Url;

use crate::{
    base_url,
    origin::Origin,
    vendor::Sampling,
    wire::{Written, unwritten},
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
