//! Who comes in: static keys from the configuration, kept as hashes.

use std::sync::{Arc, PoisonError, RwLock};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use exai_core::Principal;

use super::strangers::Unknown;

/// The other header that keys come in.
const API_KEY: &str = "x-api-key";

const REFUSAL: &str = r#"{"error":{"code":"unauthorized","message":"a key is needed: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`"}}"#;

/// The fewest characters of a key: a shorter one can be guessed.
const LEAST_KEY: usize = 16;

/// Why a text cannot be a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// It can be guessed.
    #[error("a key has at least {LEAST_KEY} characters")]
    Short,
    /// A header cannot carry it (RFC 6750, 2.1: a bearer token has no spaces).
    #[error("a key consists of ASCII letters, digits and signs, without spaces")]
    Signs,
}

/// Whether a text can be a key.
///
/// # Errors
/// Says why not.
pub fn check_key(key: &str) -> Result<(), KeyProblem> {
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(KeyProblem::Signs);
    }
    if key.len() < LEAST_KEY { Err(KeyProblem::Short) } else { Ok(()) }
}

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
}

/// All keys. Without any, everybody who reaches the listener is the local user. Clones share them: a key that is rotated is rotated
/// everywhere in this process.
#[derive(Debug, Clone, Default)]
pub struct Credentials(Arc<RwLock<Vec<Credential>>>);

impl Credentials {
    /// These keys.
    #[must_use]
    pub fn new(all: Vec<Credential>) -> Self {
        Self(Arc::new(RwLock::new(all)))
    }

    /// Whether nobody has to show a key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Whose key it is.
    pub(super) fn owner_of(&self, key: &str) -> Option<Principal> {
        let shown = blake3::hash(key.as_bytes());
        // Every key is compared, so that the time does not tell which one was near.
        let matching = |found, known: &Credential| {
            if known.hash == shown { Some(known.principal.clone()) } else { found }
        };
        self.0.read().unwrap_or_else(PoisonError::into_inner).iter().fold(None, matching)
    }

    /// Puts a new key in the place of an old one.
    ///
    /// # Errors
    /// The old one is none of these, or the new one is: two clients with one key would be one.
    pub(super) fn rotate(&self, old: &str, new: &str) -> Result<(), &'static str> {
        let (old, new) = (blake3::hash(old.as_bytes()), blake3::hash(new.as_bytes()));
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Whoever has no key is not told which ones are taken.
        let at = all.iter().position(|known| known.hash == old).ok_or("unauthorized")?;
        if all.iter().any(|known| known.hash == new) {
            return Err("taken");
        }
        if let Some(known) = all.get_mut(at) {
            known.hash = new;
        }
        Ok(())
    }

    fn caller(&self, headers: &HeaderMap) -> Caller {
        if self.is_empty() {
            return Caller::Known(Principal::local());
        }
        match shown(headers) {
            Some(key) => self.owner_of(key).map_or(Caller::Refused, Caller::Known),
            None => Caller::Silent,
        }
    }
}

/// Who came in.
#[derive(Debug, Clone)]
pub(super) enum Caller {
    /// Somebody with a key, or anybody where none is needed.
    Known(Principal),
    /// Nobody has shown a key yet.
    Silent,
    /// A key that is none.
    Refused,
}

impl Caller {
    pub(super) fn into_principal(self) -> Option<Principal> {
        match self {
            Self::Known(principal) => Some(principal),
            Self::Silent | Self::Refused => None,
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
pub(super) async fn identify(State(known): State<Credentials>, request: Request, next: Next) -> Response {
    let caller = known.caller(request.headers());
    enter(caller, request, next).await
}

/// As [`identify`], but a WebSocket that asks for no subprotocol may show its key in its first frame instead: browsers and older
/// programs cannot set a header there.
pub(super) async fn identify_or_wait(
    State(known): State<Credentials>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = known.caller(request.headers());
    if matches!(caller, Caller::Silent) && !request.headers().contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
        request.extensions_mut().insert(caller);
        return next.run(request).await;
    }
    enter(caller, request, next).await
}

async fn enter(caller: Caller, mut request: Request, next: Next) -> Response {
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
    request.extensions_mut().insert(caller);
    next.run(request).await
}
