//! Finds out who a request comes from, by the key in its head.

use std::sync::Arc;

use axum::{
    body::{Body, HttpBody as _},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use exai_core::{
    Principal,
    auth::{AuthError, Authenticator, PresentedKey, Validity},
    run::Door,
};
use futures::StreamExt as _;

use super::{
    admission::Counted,
    in_flight::StaysOpen,
    places::SessionPlaces,
    problem, rate,
    strangers::{Address, Unknown},
    wrong_keys::WrongKeys,
};

/// The other header that keys come in.
const API_KEY: &str = "x-api-key";

const REFUSAL: &str = r#"{"error":{"code":"unauthorized","message":"a key is needed: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`"}}"#;

/// Who sent a request.
#[derive(Debug, Clone)]
pub(super) enum Caller {
    /// A caller with a valid key, or any caller where no key is needed; and how long that lasts.
    Known(Principal, Validity),
    /// No key was shown.
    Silent,
    /// A key that is none.
    Refused,
    /// A key that cannot be checked now.
    Unchecked,
}

impl Caller {
    pub(super) fn known(self) -> Option<(Principal, Validity)> {
        match self {
            Self::Known(principal, validity) => Some((principal, validity)),
            Self::Silent | Self::Refused | Self::Unchecked => None,
        }
    }

    async fn of(headers: &HeaderMap, known: &dyn Authenticator) -> Self {
        if !known.needs_key() {
            return Self::Known(Principal::local(), known.validity(None));
        }
        let Some(key) = shown(headers) else { return Self::Silent };
        let key = PresentedKey::new(key);
        match known.authenticate(key).await {
            Ok(principal) => Self::Known(principal, known.validity(Some(key))),
            Err(AuthError::Unknown) => Self::Refused,
            Err(AuthError::Unavailable) => Self::Unchecked,
        }
    }
}

fn shown(headers: &HeaderMap) -> Option<&str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION.as_str()).and_then(|value| {
        let (scheme, key) = value.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    bearer.or_else(|| text(API_KEY).map(str::trim)).filter(|key| !key.is_empty())
}

/// Knows the callers, and those who are none.
#[derive(Debug, Clone)]
pub(super) struct Doorman {
    pub(super) authenticator: Arc<dyn Authenticator>,
    pub(super) wrong_keys: WrongKeys,
    /// Answers of each caller that stay open.
    pub(super) streams: SessionPlaces,
}

/// Puts the caller's identity into the request, or refuses it.
pub(super) async fn identify(State(doorman): State<Doorman>, request: Request, next: Next) -> Response {
    let caller = Caller::of(request.headers(), &*doorman.authenticator).await;
    enter(caller, &doorman, request, next).await
}

/// As [`identify`], but a WebSocket that asks for no subprotocol may show its key in its first frame instead: browsers and older
/// programs cannot set a header there.
pub(super) async fn identify_or_wait(
    State(doorman): State<Doorman>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = Caller::of(request.headers(), &*doorman.authenticator).await;
    if matches!(caller, Caller::Silent) && !request.headers().contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
        request.extensions_mut().insert(caller);
        return next.run(request).await;
    }
    enter(caller, &doorman, request, next).await
}

async fn enter(caller: Caller, doorman: &Doorman, mut request: Request, next: Next) -> Response {
    if matches!(caller, Caller::Unchecked) {
        let text = "keys cannot be checked now; try again later";
        return problem(StatusCode::SERVICE_UNAVAILABLE, "keys_unavailable", text);
    }
    let address = request.extensions().get::<Address>().copied();
    let Caller::Known(principal, validity) = &caller else {
        if let (Caller::Refused, Some(address)) = (&caller, address)
            && let Err(flood) = doorman.wrong_keys.shown(address).await
        {
            return rate::refusal(flood);
        }
        // Guessers come in floods, so nothing is put together for them.
        let headers = [
            (header::WWW_AUTHENTICATE, "Bearer realm=\"exai-mcp\""),
            (header::CONTENT_TYPE, "application/json"),
        ];
        return (StatusCode::UNAUTHORIZED, headers, REFUSAL).into_response();
    };
    let (principal, validity) = (principal.clone(), validity.clone());
    if let Some(connection) = request.extensions().get::<Unknown>() {
        connection.is_known_now();
    }
    let needs_key = doorman.authenticator.needs_key();
    let counted = address.map(|address| Counted::of(&principal, address, needs_key));
    if let Some(counted) = counted.clone() {
        request.extensions_mut().insert(counted);
    }
    request.extensions_mut().insert(principal);
    request.extensions_mut().insert(Door("http"));
    request.extensions_mut().insert(caller);
    let response = next.run(request).await;
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    let stays_open = counted.filter(|_| response.extensions().get::<StaysOpen>().is_some());
    let place = stays_open.map(|Counted(who)| doorman.streams.take(&who));
    if matches!(place, Some(None)) {
        let text = "too many streams of this client are open; close one, or try again later";
        return problem(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", text);
    }
    // A stream ends with the key that it was opened with.
    response.map(|body| {
        let over = async move {
            let _place = place;
            validity.over().await;
        };
        Body::from_stream(body.into_data_stream().take_until(over))
    })
}
