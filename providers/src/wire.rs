//! Formats of requests and answers. Each is a folder: what is written, what is read; the bytes between are the same for all.

mod accumulator;
mod cache_key;
pub(crate) mod chat_completions;
mod data_url;
pub(crate) mod decode;
mod effort;
mod ending;
pub(crate) mod generate_content;
mod gzip;
mod lines;
mod mend;
pub(crate) mod messages;
pub(crate) mod responses;
mod spoken;
pub(crate) mod stream;
mod tool_calls;
mod usage;

use std::sync::Arc;

use exai_core::{
    Kind,
    provider::{CallCtx, ProviderError, ReplyStream},
};
use futures::StreamExt as _;
use url::Url;

use self::decode::Decode;
use crate::{http::Http, origin::Origin, start};

/// A request as it is sent.
pub(crate) struct Written {
    pub(crate) url: Url,
    pub(crate) body: Vec<u8>,
}

/// Posts a request once and hands its answer to a decoder. Returns when the answer has begun, so that what fails before fails here.
pub(crate) async fn exchange(
    http: &Http,
    origin: &Arc<Origin>,
    Written { url, body }: Written,
    call: &CallCtx,
    model: &str,
    decoder: impl Decode,
) -> Result<ReplyStream, ProviderError> {
    let answer = http.post(origin, &url, body, call, model).await?;
    let limits = answer.limits();
    let reply = stream::reply(answer.chunks().boxed(), decoder, limits);
    let empty = || Err(origin.error(Kind::Protocol, "the answer was empty; try again"));
    start::begun(reply).await.unwrap_or_else(empty)
}

#[cfg(any(test, fuzzing))]
pub(crate) use stream::reply as read;

fn unwritten(origin: &Origin, error: serde_json::Error) -> ProviderError {
    origin.caused(Kind::Internal, "the request cannot be written as JSON", error)
}

#[cfg(test)]
mod tests;
