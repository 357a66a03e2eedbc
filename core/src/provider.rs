//! The port to a model vendor.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::{
    EndpointIdentity, ModelId, ProviderId,
    chat::{Delta, Request},
    files::Files,
    model::ModelSpec,
    web_search::WebSearch,
};

pub use crate::upstream::{CallCtx, ProviderError};

/// A streamed answer. Dropping it closes the upstream request.
pub type ReplyStream = BoxStream<'static, Result<Delta, ProviderError>>;

/// A request as it would be sent, for people. Keys are masked.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// Where it goes.
    pub url: String,
    /// Names and values, without what the HTTP library adds.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: serde_json::Value,
}

/// A vendor, or anything that speaks like one. One call is one attempt: retries are the engine's.
#[async_trait]
pub trait Provider: Send + Sync {
    /// The configured name.
    fn id(&self) -> &ProviderId;

    /// What tells this endpoint from another one that was, or will be, configured under the same name: address and keys.
    fn identity(&self) -> EndpointIdentity;

    /// Models that are known to exist here: those the user configured, the catalogue's, and those of the endpoint's own list, once that
    /// was read.
    fn models(&self) -> Arc<[ModelSpec]>;

    /// Whether a model that is in no list is passed through by name, as custom endpoints do.
    fn accepts_unknown_models(&self) -> bool;

    /// Whether this is the vendor's own endpoint, where retired names may be mapped to their successors.
    fn is_vendor_endpoint(&self) -> bool;

    /// The place, counted from 0, at which the provider is asked when nothing is named. `None` for an endpoint of the user's own, which
    /// comes after those that have a place.
    fn rank(&self) -> Option<u8> {
        None
    }

    /// Whether it is asked behind every other when nothing is named, whatever its place is.
    fn is_last_resort(&self) -> bool {
        false
    }

    /// Attempts at once that the provider bears when the user sets no limit for it; `None` when only the limit of the server counts.
    fn default_permits(&self) -> Option<usize> {
        None
    }

    /// Whether a model can search the web within an answer here; see [`Request::web_search`].
    fn searches_web(&self, _model: &ModelSpec) -> bool {
        false
    }

    /// Whether the model can be told what the request says of calling functions. What cannot be said is left to the model.
    fn takes_tool_choice(&self, _request: &Request) -> bool {
        true
    }

    /// Whether the length of a model's answer can be capped; false once the model has refused every way to say so.
    fn takes_output_cap(&self, _model: &ModelSpec) -> bool {
        true
    }

    /// Keys in all, and those that rest because they were refused, are out of money or were asked to slow down.
    fn keys(&self) -> (usize, usize) {
        (0, 0)
    }

    /// What is known of a model here, also of one that is only passed through. `None` when the provider would refuse it.
    fn model(&self, name: &str) -> Option<ModelSpec>;

    /// Asks `request.model` exactly once. The stream ends with [`Delta::Finished`] or an error. A request that is refused because of an
    /// optional field, before it is answered, may be sent again without that field.
    ///
    /// # Errors
    /// Any failure before the first delta. Later failures arrive in the stream.
    async fn chat(&self, request: &Request, call: &CallCtx) -> Result<ReplyStream, ProviderError>;

    /// The request as it would be sent, without sending it. `None` where there is none, such as for a provider that is scripted.
    ///
    /// # Errors
    /// The model is not known here.
    fn preview(&self, _request: &Request) -> Result<Option<Preview>, ProviderError> {
        Ok(None)
    }

    /// Files at this vendor's; `None` where there are none, or none of use to a model.
    fn files(&self) -> Option<&dyn Files> {
        None
    }

    /// The vendor's own search of the web, outside of an answer.
    fn web_search(&self) -> Option<&dyn WebSearch> {
        None
    }

    /// How long ago the endpoint's own list was read; `None` before that.
    fn list_age(&self) -> Option<Duration> {
        None
    }

    /// The models that the endpoint itself lists for this key; [`Self::models`] knows them from then on. Safe to repeat, so the adapter may retry.
    ///
    /// # Errors
    /// The endpoint is unreachable, refuses the key or has no such list.
    async fn live_models(&self, call: &CallCtx) -> Result<Vec<ModelId>, ProviderError>;
}
