//! Finds out who a request comes from, by the key in its head.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use exai_core::{
    Principal,
    auth::{AuthError, Authenticator, PresentedKey},
    run::Door,
};

use super::{problem, strangers::Unknown};

/// The other header that keys come in.
const API_KEY: &str = "x-api-key";

const REFUSAL: &str = r#"{"error":{"code":"unauthorized","message":"a key is needed: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`"}}"#;

/// Who sent a request.
#[derive(Debug, Clone)]
pub(super) enum Caller {
    /// A caller with a valid key, or any caller where no key is needed.
    Known(Principal),
    /// No key was shown.
    Silent,
    /// A key that is none.
    Refused,
    /// A key that cannot be checked now.
    Unchecked,
}

impl Caller {
    pub(super) fn into_principal(self) -> Option<Principal> {
        match self {
            Self::Known(principal) => Some(principal),
            Self::Silent | Self::Refused | Self::Unchecked => None,
        }
    }

    async fn of(headers: &HeaderMap, known: &dyn Authenticator) -> Self {
        if !known.needs_key() {
            return Self::Known(Principal::local());
        }
        let Some(key) = shown(headers) else { return Self::Silent };
        match known.authenticate(PresentedKey::new(key)).await {
            Ok(principal) => Self::Known(principal),
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

/// Puts the caller's identity into the request, or refuses it.
pub(super) async fn identify(
    State(known): State<Arc<dyn Authenticator>>,
    request: Request,
    next: Next,
) -> Response {
    let caller = Caller::of(request.headers(), &*known).await;
    enter(caller, request, next).await
}

/// As [`identify`], but a WebSocket that asks for no subprotocol may show its key in its first frame instead: browsers and older
/// programs cannot set a header there.
pub(super) async fn identify_or_wait(
    State(known): State<Arc<dyn Authenticator>>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = Caller::of(request.headers(), &*known).await;
    if matches!(caller, Caller::Silent) && !request.headers().contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
        request.extensions_mut().insert(caller);
        return next.run(request).await;
    }
    enter(caller, request, next).await
}

async fn enter(caller: Caller, mut request: Request, next: Next) -> Response {
    if matches!(caller, Caller::Unchecked) {
        let text = "keys cannot be checked now; try again later";
        return problem(StatusCode::SERVICE_UNAVAILABLE, "keys_unavailable", text);
    }
    let Caller::Known(principal) = &caller else {
        // Guessers come in floods, so nothing is put together for them.
        let headers = [
            (header::WWW_AUTHENTICATE, "Bearer realm=\"exai-mcp\""),
            (header::CONTENT_TYPE, "application/json"),
        ];
        return (StatusCode::UNAUTHORIZED, headers, REFUSAL).into_response();
    };
    let principal = principal.clone();
    if let Some(connection) = request.extensions().get::<Unknown>() {
        connection.is_known_now();
    }
    request.extensions_mut().insert(principal);
    request.extensions_mut().insert(Door("http"));
    request.extensions_mut().insert(caller);
    next.run(request).await
}
