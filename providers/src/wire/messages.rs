//! Anthropic's Messages, by its public API reference (docs.anthropic.com/en/api/messages).

mod blocks;
mod decode;
mod request;

pub(crate) use decode::Decoder;
use exai_core::{chat::Request, function_calling::ToolChoice, model::ModelSpec, provider::ProviderError};
use url::Url;

use crate::{
    base_url,
    origin::Origin,
    wire::{Written, unwritten},
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
