//! Turns a vendor's failure into a [`ProviderError`], exactly once.
//!
//! Evidence in this order: the vendor's own code, then its error type, then the text (on client errors only), then the HTTP status.
//! The status alone misleads: 429 stands for pace, overload and an empty account alike, and 200 can be a failure.

mod advice;
mod body;
mod hidden;
mod retry_after;
mod words;

use exai_core::{Kind, Timestamp, provider::ProviderError};
use reqwest::header::{HeaderMap, HeaderValue};

pub(crate) use self::{
    body::{ErrorBody, quoted, without_bom},
    hidden::{hidden_error, means_failure, speaks_of_failure},
};
use crate::{optional::Rejected, origin::Origin, vendor::Vendor};

/// What there is to judge by.
pub(crate) struct Failure<'a> {
    /// HTTP status; `None` when the failure came inside an answer that began well.
    pub(crate) status: Option<u16>,
    pub(crate) headers: Option<&'a HeaderMap>,
    pub(crate) body: ErrorBody,
    /// The model that was asked.
    pub(crate) model: Option<&'a str>,
    /// When it came, by our clock.
    pub(crate) at: Option<Timestamp>,
}

impl<'a> Failure<'a> {
    /// A reply with a failure status.
    pub(crate) fn reply(status: u16, headers: &'a HeaderMap, body: &[u8], model: Option<&'a str>) -> Self {
        Self {
            status: Some(status),
            headers: Some(headers),
            body: ErrorBody::from_bytes(body),
            model,
            at: None,
        }
    }

    /// A failure inside an answer that began well.
    pub(crate) fn inside(body: ErrorBody, model: Option<&'a str>) -> Self {
        Self { status: None, headers: None, body, model, at: None }
    }

    /// The same, with the time at which it came.
    pub(crate) fn at(self, now: Timestamp) -> Self {
        Self { at: Some(now), ..self }
    }
}

/// The failure as an error for the caller.
pub(crate) fn classify(origin: &Origin, failure: &Failure<'_>) -> ProviderError {
    // Gateways put the status of the server behind them where a code belongs.
    let inner = failure
        .body
        .code
        .as_deref()
        .and_then(|code| code.parse().ok())
        .filter(|code| (400..600).contains(code));
    let status = failure.status.or(inner);
    let judged = should_retry(failure, kind(origin.vendor, &failure.body, status));
    let kind = if limited_in_flight(failure, status) { Kind::RateLimited } else { judged };
    let retry_after = if matches!(kind, Kind::RateLimited | Kind::Unavailable | Kind::Quota) {
        let field = failure.body.retry_after.as_deref();
        retry_after::read(failure.headers, field, failure.body.message.as_deref(), failure.at)
    } else {
        None
    };
    let message = advice::message(origin, kind, failure, retry_after);
    let mut error = origin.error(kind, &message);
    error.status = status;
    error.source = rejected(origin, kind, status, &failure.body).map(Into::into);
    error.retry_after = retry_after;
    error
}

/// What may be a refusal of a field. Servers at home fail where they should refuse, gateways report a failure in the place of a refusal,
/// and some say it within a good status.
fn rejected(origin: &Origin, kind: Kind, status: Option<u16>, body: &ErrorBody) -> Option<Rejected> {
    let text = body.message.as_deref().unwrap_or_default();
    let is_one = match (kind, status) {
        (Kind::UpstreamRejected | Kind::Unavailable, None | Some(400 | 405 | 422 | 500 | 501)) => true,
        // The key may ask, but not for this.
        (Kind::Auth, Some(403)) => body.param.is_some() || text.contains("verified to stream"),
        _ => false,
    };
    let code = body.code.iter().chain(&body.kind).find(|code| REFUSALS.contains(&code.as_str()));
    is_one.then(|| Rejected {
        param: body.param.clone(),
        text: origin.secrets.blank(&code.map_or_else(|| text.to_owned(), |code| format!("{code}: {text}"))),
        is_sure: matches!(status, Some(400 | 422)),
    })
}

/// Codes that say more about a refusal than its text.
const REFUSALS: [&str; 5] = [
    "json_validate_failed",
    "unsupported_parameter",
    "unknown_parameter",
    "extra_forbidden",
    "unsupported_value",
];

fn kind(vendor: &Vendor, body: &ErrorBody, status: Option<u16>) -> Kind {
    let by_word = [&body.code, &body.kind]
        .into_iter()
        .flatten()
        .find_map(|word| (vendor.word)(word).or_else(|| words::common(word)));
    match by_word {
        Some(Kind::UpstreamRejected) | None => {}
        Some(kind) => return kind,
    }
    let is_client_error = status.is_none_or(|status| (400..500).contains(&status));
    let text = body.message.as_deref().unwrap_or_default();
    if is_client_error && let Some(kind) = words::by_text(text, status) {
        return kind;
    }
    by_word.unwrap_or_else(|| status.map_or(Kind::Unavailable, |status| by_status(status, body)))
}

fn by_status(status: u16, body: &ErrorBody) -> Kind {
    match status {
        // 434 is Z.ai's "no permission".
        401 | 403 | 434 => Kind::Auth,
        402 => Kind::Quota,
        // A proxy's, never a vendor's.
        407 => Kind::Unreachable,
        404 if body.speaks_of_a_model() => Kind::ModelNotFound,
        408 | 409 | 425 | 500..=599 => Kind::Unavailable,
        413 => Kind::ContextTooLong,
        429 => Kind::RateLimited,
        _ => Kind::UpstreamRejected,
    }
}

/// `x-should-retry` is the vendor's own last word on what its code and status leave open.
fn should_retry(failure: &Failure<'_>, kind: Kind) -> Kind {
    let word = failure.headers.and_then(|headers| headers.get("x-should-retry")).map(HeaderValue::as_bytes);
    match (word, kind) {
        (Some(b"true"), Kind::UpstreamRejected) => Kind::Unavailable,
        (Some(b"false"), Kind::Unavailable) => Kind::UpstreamRejected,
        _ => kind,
    }
}

/// OpenRouter's 402 with this mark means too many calls at once, not an empty account.
fn limited_in_flight(failure: &Failure<'_>, status: Option<u16>) -> bool {
    status == Some(402) && failure.body.limit_source.as_deref() == Some("openrouter_in_flight_budget")
}

#[cfg(test)]
mod tests;
