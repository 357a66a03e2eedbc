//! The one HTTP client: TLS, connections and timeouts. Sends a request once and hands out its answer in chunks.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use exai_core::{
    Clock, Kind,
    provider::{CallCtx, ProviderError},
    secret::ExposeSecret,
};
use futures::{Stream, stream};
use reqwest::{
    Client, RequestBuilder, Response,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    redirect, retry,
};
use tokio::time::Instant;
use url::Url;

use crate::{
    base_url,
    classify::{Failure, classify},
    origin::Origin,
    settings::HttpSettings,
    unreached,
    vendor::Auth,
    wait::{Stop, Wait},
};

/// Clients are made at first use: reading the system's certificates takes longer than the rest of a start.
pub(crate) struct Http {
    pub(crate) settings: HttpSettings,
    /// For vendors that ask to wait until a time of day.
    pub(crate) clock: Arc<dyn Clock>,
    idle_connections: usize,
    outside: OnceLock<Client>,
    /// Two programs of one machine need no proxy between them.
    loopback: OnceLock<Client>,
}

impl Http {
    pub(crate) fn new(settings: HttpSettings, most_parallel: usize, clock: Arc<dyn Clock>) -> Self {
        let idle_connections = settings.idle_connections.max(most_parallel);
        Self { settings, clock, idle_connections, outside: OnceLock::new(), loopback: OnceLock::new() }
    }

    /// The client for an address.
    pub(crate) fn client(&self, origin: &Origin, url: &Url) -> Result<Client, ProviderError> {
        let loopback = base_url::is_loopback(url);
        let slot = if loopback { &self.loopback } else { &self.outside };
        if let Some(client) = slot.get() {
            return Ok(client.clone());
        }
        let mut builder = Client::builder()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .tcp_nodelay(true)
            .connect_timeout(self.settings.connect)
            .pool_max_idle_per_host(self.idle_connections)
            .pool_idle_timeout(self.settings.keep_alive)
            .user_agent(&self.settings.user_agent);
        if loopback || !self.settings.system_proxy {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| match unreached::without_issuers(&error) {
            Some(known) => origin.caused(Kind::Unreachable, known, error),
            None => {
                let unknown = "the HTTP client cannot be set up; see the log for the cause";
                origin.caused(Kind::Internal, unknown, error)
            }
        })?;
        Ok(slot.get_or_init(|| client).clone())
    }

    /// Posts `body` and waits for the head of the answer. A failure status is an error.
    pub(crate) async fn post(
        &self,
        origin: &Origin,
        url: &Url,
        body: Vec<u8>,
        call: &CallCtx,
        model: &str,
    ) -> Result<Answer, ProviderError> {
        let client = self.client(origin, url)?;
        let mut headers = headers(origin, call);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream, application/json"));
        let wait = Wait::new(call);
        let first_byte = Instant::now() + self.settings.first_byte;
        let sending = client.post(url.clone()).headers(headers).body(body).send();
        let response = match wait.until(first_byte, sending).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(unsent(origin, url, error)),
            Err(stop) => return Err(stopped(origin, stop, self.settings.first_byte)),
        };
        let answer = Answer { response, wait, first_byte, limits: Limits::of(&self.settings) };
        if answer.response.status().is_success() {
            return Ok(answer);
        }
        Err(self.refused(origin, answer, model).await)
    }

    /// Sends a request once and reads its whole answer, at most `cap` bytes. A failure status is an error.
    pub(crate) async fn whole(
        &self,
        origin: &Origin,
        url: &Url,
        request: RequestBuilder,
        call: &CallCtx,
        cap: usize,
    ) -> Result<Vec<u8>, ProviderError> {
        let wait = Wait::new(call);
        let first_byte = Instant::now() + self.settings.first_byte;
        let response = match wait.until(first_byte, request.headers(headers(origin, call)).send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(unsent(origin, url, error)),
            Err(stop) => return Err(stopped(origin, stop, self.settings.first_byte)),
        };
        if !response.status().is_success() {
            let answer = Answer { response, wait, first_byte, limits: Limits::of(&self.settings) };
            return Err(self.refused(origin, answer, "").await);
        }
        // One byte more tells a body that is too long from one that just fits.
        let body = collect(response, &wait, call.deadline, cap.saturating_add(1)).await;
        let body = body.map_err(|broken| broken.into_error(origin))?;
        if body.len() > cap {
            return Err(Broken::TooLong { what: "the answer", limit: cap }.into_error(origin));
        }
        Ok(body)
    }

    /// Reads as much of a failure as is needed to judge it. A failure that cannot be read is judged by its status.
    async fn refused(&self, origin: &Origin, answer: Answer, model: &str) -> ProviderError {
        let status = answer.response.status().as_u16();
        let headers = answer.response.headers().clone();
        let until = answer.first_byte.min(Instant::now() + self.settings.error_body);
        let body = match collect(answer.response, &answer.wait, until, self.settings.max_error_bytes).await {
            Err(Broken::Stopped(Stop::Cancelled, _)) => {
                return stopped(origin, Stop::Cancelled, Duration::ZERO);
            }
            Ok(body) => body,
            Err(_) => Vec::new(),
        };
        classify(origin, &Failure::reply(status, &headers, &body, Some(model)).at(self.clock.now()))
    }
}

/// Headers of every request.
pub(crate) fn headers(origin: &Origin, call: &CallCtx) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(key) = &origin.key {
        let (name, value) = match origin.vendor.auth {
            Auth::Bearer => (AUTHORIZATION, format!("Bearer {}", key.expose_secret())),
            Auth::Header(name) => (HeaderName::from_static(name), key.expose_secret().to_owned()),
        };
        if let Ok(mut value) = HeaderValue::from_str(&value) {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
    }
    for (name, value) in origin.vendor.headers {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    // A name that no header can carry is left out: it only correlates logs.
    if let Ok(value) = HeaderValue::from_str(call.request_id.as_str()) {
        headers.insert("x-request-id", value);
    }
    headers
}

/// The head of an answer has arrived.
pub(crate) struct Answer {
    pub(crate) response: Response,
    wait: Wait,
    first_byte: Instant,
    limits: Limits,
}

/// How long and how large an answer may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) first_byte: Duration,
    pub(crate) idle: Duration,
    pub(crate) event_bytes: usize,
    pub(crate) answer_bytes: usize,
}

impl Limits {
    pub(crate) fn of(settings: &HttpSettings) -> Self {
        Self {
            first_byte: settings.first_byte,
            idle: settings.idle,
            event_bytes: settings.max_event_bytes,
            answer_bytes: settings.max_answer_bytes,
        }
    }
}

/// Why an answer broke off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// Waiting ended; the limit is the one that applied.
    #[error("no data for {1:?}: {0:?}")]
    Stopped(Stop, Duration),
    /// More than the allowed bytes, of this.
    #[error("{what} exceeds {limit} bytes")]
    TooLong {
        /// An event or the answer.
        what: &'static str,
        /// In bytes.
        limit: usize,
    },
    /// The connection failed.
    #[error("the connection broke")]
    Connection(#[source] reqwest::Error),
}

impl Broken {
    /// The failure as the caller sees it.
    pub(crate) fn into_error(self, origin: &Origin) -> ProviderError {
        match self {
            Self::Stopped(stop, limit) => stopped(origin, stop, limit),
            Self::TooLong { what, limit } => origin.error(
                Kind::Protocol,
                &format!(
                    "{what} is larger than the allowed {limit} bytes; try again or choose another model"
                ),
            ),
            Self::Connection(error) => origin.caused(
                Kind::Protocol,
                "the connection broke before the answer was complete; try again",
                error,
            ),
        }
    }
}

impl Answer {
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// The body as it arrives. Dropping the stream closes the request.
    pub(crate) fn chunks(self) -> impl Stream<Item = Result<Bytes, Broken>> + Send + 'static {
        let state = (self, true, 0_usize);
        stream::try_unfold(state, |(mut answer, is_first, total)| async move {
            let (limit, allowed) = if is_first {
                (answer.first_byte, answer.limits.first_byte)
            } else {
                (Instant::now() + answer.limits.idle, answer.limits.idle)
            };
            match answer.wait.until(limit, answer.response.chunk()).await {
                Err(stop) => Err(Broken::Stopped(stop, allowed)),
                Ok(Err(error)) => Err(Broken::Connection(error.without_url())),
                Ok(Ok(None)) => Ok(None),
                Ok(Ok(Some(chunk))) => {
                    let total = total.saturating_add(chunk.len());
                    let limit = answer.limits.answer_bytes;
                    if total > limit {
                        return Err(Broken::TooLong { what: "the answer", limit });
                    }
                    Ok(Some((chunk, (answer, false, total))))
                }
            }
        })
    }
}

/// At most `cap` bytes of a body; what exceeds them is left unread.
pub(crate) async fn collect(
    mut response: Response,
    wait: &Wait,
    until: Instant,
    cap: usize,
) -> Result<Vec<u8>, Broken> {
    let mut body = Vec::new();
    while body.len() < cap {
        match wait.until(until, response.chunk()).await {
            Err(stop) => return Err(Broken::Stopped(stop, Duration::ZERO)),
            Ok(Err(error)) => return Err(Broken::Connection(error.without_url())),
            Ok(Ok(None)) => break,
            Ok(Ok(Some(chunk))) => {
                let room = cap.saturating_sub(body.len()).min(chunk.len());
                body.extend(chunk.iter().take(room));
            }
        }
    }
    Ok(body)
}

/// No answer came: the host was not reached, or the connection broke first.
pub(crate) fn unsent(origin: &Origin, url: &Url, error: reqwest::Error) -> ProviderError {
    let host = url.host_str().unwrap_or("the host");
    let known = if error.is_connect() { unreached::sentence(url, &error) } else { None };
    let (kind, message) = if let Some(known) = known {
        (Kind::Unreachable, known)
    } else if error.is_connect() || error.is_timeout() {
        (
            Kind::Unreachable,
            format!("{host} cannot be reached; check the base URL, the network and any proxy"),
        )
    } else {
        (Kind::Unavailable, format!("{host} closed the connection without an answer; try again"))
    };
    origin.caused(kind, &message, error.without_url())
}

/// The wait for an answer ended early.
pub(crate) fn stopped(origin: &Origin, stop: Stop, limit: Duration) -> ProviderError {
    match stop {
        Stop::Cancelled => origin.error(Kind::Cancelled, "the call was cancelled"),
        Stop::Deadline => origin.error(
            Kind::Timeout,
            "the answer was not complete before the call's deadline; ask for less or allow more time",
        ),
        Stop::Limit => origin.error(
            Kind::Timeout,
            &format!("nothing arrived for {:.1} s; try again or choose another model", limit.as_secs_f64()),
        ),
    }
}
