//! Gemini's own format, by its public API reference (ai.google.dev/api/generate-content).

mod decode;
mod request;

pub(crate) use decode::Decoder;
use exai_core::{chat::Request, model::ModelSpec, provider::ProviderError};
use url::Url;

use crate::{
    base_url,
    origin::Origin,
    wire::{Written, unwritten},
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
