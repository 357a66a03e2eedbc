//! OpenAI's Responses interface: for models that speak nothing else, and for the vendor's own web search.
//!
//! By the public API reference (platform.openai.com/docs/api-reference/responses). Nothing is stored at the vendor's.

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
    let body = request::body(&origin.provider, origin.vendor.quirks.names_cache, model, request)
        .map_err(|error| unwritten(origin, error))?;
    Ok(Written { url: base_url::operation(base, "responses"), body })
}
