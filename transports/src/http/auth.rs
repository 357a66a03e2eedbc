//! Who comes in: static keys from the configuration, kept as hashes.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use exai_core::Principal;

use super::guard;

/// The other header that keys come in.
const API_KEY: &str = "x-api-key";

/// A key and whom it belongs to. The key itself is not kept.
#[derive(Debug, Clone)]
pub struct Credential {
    /// BLAKE3 of the key. Keys are long and random, so a fast hash is enough; comparing hashes takes the same time for all.
    hash: blake3::Hash,
    principal: Principal,
}

impl Credential {
    /// Of a key as it is configured.
    #[must_use]
    pub fn new(key: &str, principal: Principal) -> Self {
        Self { hash: blake3::hash(key.as_bytes()), principal }
    }

    /// Of a key that nobody has: it keeps the door shut.
    #[must_use]
    pub fn lost(principal: Principal) -> Self {
        Self { hash: blake3::Hash::from_bytes([0; blake3::OUT_LEN]), principal }
    }
}

/// All keys. Without any, everybody who reaches the listener is the local user.
#[derive(Debug, Clone, Default)]
pub struct Credentials(Arc<[Credential]>);

impl Credentials {
    /// These keys.
    #[must_use]
    pub fn new(all: Vec<Credential>) -> Self {
        Self(all.into())
    }

    /// Whether nobody has to show a key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn principal(&self, headers: &HeaderMap) -> Option<Principal> {
        if self.is_empty() {
            return Some(Principal::local());
        }
        let shown = blake3::hash(shown(headers)?.as_bytes());
        // Every key is compared, so that the time does not tell which one was near.
        let matching = |found, known: &Credential| {
            if known.hash == shown { Some(known.principal.clone()) } else { found }
        };
        self.0.iter().fold(None, matching)
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
pub(super) async fn identify(State(known): State<Credentials>, mut request: Request, next: Next) -> Response {
    let Some(principal) = known.principal(request.headers()) else {
        let text = "a key is needed: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`";
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"exai-mcp\"")];
        return (challenge, guard::problem(StatusCode::UNAUTHORIZED, "unauthorized", text)).into_response();
    };
    request.extensions_mut().insert(principal);
    next.run(request).await
}
