//! OpenAI's chat completions: one request, one streamed answer.

mod decode;
mod params;
mod reasoning;
mod reply;
mod request;
mod stream;

use std::sync::Arc;

use exai_core::{
    Kind,
    chat::Request,
    model::ModelSpec,
    provider::{CallCtx, ProviderError, ReplyStream},
};
use futures::StreamExt;
use url::Url;

use crate::{
    base_url,
    http::Http,
    origin::Origin,
    start,
    vendor::{Quirks, Sampling},
};

/// How one model is spoken to.
pub(crate) struct Dialect {
    pub(crate) model: ModelSpec,
    /// Apart from the vendor's facts, because at a gateway it follows the model's maker.
    pub(crate) sampling: Sampling,
}

/// Whether a model can search the web within an answer.
pub(crate) fn searches_web(model: &ModelSpec, quirks: &Quirks) -> bool {
    params::search_engine(model, quirks).is_some()
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
    let body = request::body(origin, dialect, request)
        .map_err(|error| origin.caused(Kind::Internal, "the request cannot be written as JSON", error))?;
    let url = base_url::operation(base, "chat/completions");
    let model = dialect.model.id.as_str();
    let answer = http.post(origin, &url, body, call, model).await?;
    let limits = answer.limits();
    let decoder = decode::Decoder::new(Arc::clone(origin), model.to_owned());
    let reply = stream::reply(answer.chunks().boxed(), decoder, limits);
    let empty = || Err(origin.error(Kind::Protocol, "the answer was empty; try again"));
    start::begun(reply).await.unwrap_or_else(empty)
}
