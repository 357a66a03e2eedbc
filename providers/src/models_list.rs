//! The models that an endpoint itself lists. The only request that is repeated here: reading a list twice changes nothing.

use exai_core::{
    Kind, ModelId,
    provider::{CallCtx, ProviderError},
};
use reqwest::{Response, StatusCode};
use reqwest_middleware::ClientBuilder;
use reqwest_retry::{
    RetryTransientMiddleware, Retryable, RetryableStrategy, default_on_request_failure,
    policies::ExponentialBackoff,
};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use crate::{
    base_url,
    classify::{Failure, classify, hidden_error, without_bom},
    http::{Http, collect, headers, stopped, unsent},
    origin::Origin,
    wait::Wait,
};

/// Repeats what passes by itself. 429 is left out: it may be an empty account.
struct Passing;

impl RetryableStrategy for Passing {
    fn handle(&self, result: &Result<Response, reqwest_middleware::Error>) -> Option<Retryable> {
        match result {
            Ok(response) => matches!(
                response.status(),
                StatusCode::INTERNAL_SERVER_ERROR
                    | StatusCode::BAD_GATEWAY
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::GATEWAY_TIMEOUT
            )
            .then_some(Retryable::Transient),
            Err(error) => default_on_request_failure(error),
        }
    }
}

pub(crate) async fn fetch(
    http: &Http,
    origin: &Origin,
    base: &Url,
    call: &CallCtx,
) -> Result<Vec<ModelId>, ProviderError> {
    let url = base_url::operation(base, "models");
    let (shortest, longest) = http.settings.list_retry_pause;
    let policy = ExponentialBackoff::builder()
        .retry_bounds(shortest, longest.max(shortest))
        .build_with_max_retries(http.settings.list_retries);
    let client = ClientBuilder::new(http.client(origin, &url)?)
        .with(RetryTransientMiddleware::new_with_policy_and_strategy(policy, Passing))
        .build();
    let wait = Wait::new(call);
    let until = Instant::now() + http.settings.first_byte;
    let sending = client.get(url.clone()).headers(headers(origin, call)).send();
    let response = match wait.until(until, sending).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(unanswered(origin, &url, error)),
        Err(stop) => return Err(stopped(origin, stop, http.settings.first_byte)),
    };
    let (status, headers) = (response.status(), response.headers().clone());
    let cap = if status.is_success() { http.settings.max_list_bytes } else { http.settings.max_error_bytes };
    let body = collect(response, &wait, until, cap).await.map_err(|broken| broken.into_error(origin))?;
    if !status.is_success() {
        let failure = Failure::reply(status.as_u16(), &headers, &body, None).at(http.clock.now());
        return Err(classify(origin, &failure));
    }
    let unclear = || {
        origin.error(Kind::Protocol, "the endpoint's list of models cannot be understood; check the base URL")
    };
    let list: Value = serde_json::from_slice(without_bom(&body)).map_err(|_| unclear())?;
    if let Some(error) = hidden_error(None, &list) {
        return Err(classify(origin, &Failure::inside(error, None)));
    }
    ids(&list).ok_or_else(unclear)
}

fn unanswered(origin: &Origin, url: &Url, error: reqwest_middleware::Error) -> ProviderError {
    use reqwest_middleware::Error;
    use reqwest_retry::RetryError;

    match error {
        Error::Reqwest(error) => unsent(origin, url, error),
        Error::Middleware(error) => match error.downcast::<RetryError>() {
            Ok(RetryError::WithRetries { err, .. } | RetryError::Error(err)) => unanswered(origin, url, err),
            Err(error) => origin.caused(
                Kind::Unreachable,
                "the list of models cannot be fetched; check the base URL and the network",
                <Box<dyn std::error::Error + Send + Sync>>::from(error),
            ),
        },
    }
}

/// `{data: [{id}]}` as OpenAI has it, `{models: [{name}]}`, or a bare list. Gemini writes `models/` before its names
/// (<https://ai.google.dev/api/models>) and takes them without.
pub(crate) fn ids(list: &Value) -> Option<Vec<ModelId>> {
    let items = list.get("data").or_else(|| list.get("models")).unwrap_or(list).as_array()?;
    let name = |item: &Value| -> Option<ModelId> {
        let text =
            item.as_str().or_else(|| item.get("id")?.as_str()).or_else(|| item.get("name")?.as_str())?;
        let text = text.strip_prefix("models/").unwrap_or(text);
        (!text.is_empty()).then(|| text.into())
    };
    Some(items.iter().filter_map(name).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_come_in_three_shapes() {
        let both = vec![ModelId::from("a"), ModelId::from("b")];
        assert_eq!(ids(&json!({"data": [{"id": "a"}, {"id": "b"}, {"id": ""}]})), Some(both.clone()));
        assert_eq!(ids(&json!({"models": [{"name": "a"}, {"name": "b"}]})), Some(both.clone()));
        assert_eq!(ids(&json!({"models": [{"name": "models/a"}, {"name": "models/b"}]})), Some(both.clone()));
        assert_eq!(ids(&json!(["a", "b"])), Some(both));
        assert_eq!(ids(&json!({"object": "list"})), None);
    }
}
