//! How the server behaves, whatever its routes are. `Default` is what the documentation promises.

use std::{sync::Arc, time::Duration};

use exai_core::{
    auth::Authenticator,
    event::{EventBus, NoEvents},
    rate::RateLimiter,
};

use super::{
    body::BodyLimits,
    guard::Allowed,
    keys::Credentials,
    rate::{LocalRates, RateLimits},
    strangers::StrangerLimits,
};

/// Who may come in, and what callers may take.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Which `Host` and `Origin` are let through.
    pub allowed: Allowed,
    /// Knows the callers by their keys. The default has no keys and asks for none.
    pub authenticator: Arc<dyn Authenticator>,
    /// How often callers may call. The default counts in this process.
    pub rate: Arc<dyn RateLimiter>,
    /// Where the server tells what happens. The default drops it.
    pub events: Arc<dyn EventBus>,
    /// The most bytes of a message: of a request's body, and on a WebSocket once it is known who sends it. 4 MiB.
    pub max_body_bytes: usize,
    /// The most connections at once; more wait to be accepted. 10,000.
    pub max_connections: usize,
    /// The most WebSockets at once, which are no longer counted as connections; more are refused. 10,000.
    pub max_websockets: usize,
    /// The most WebSockets of one client: of a key, or of an address where no key is needed. 5,000.
    pub client_websockets: usize,
    /// The most answers of one client that stay open until one side ends them. 5,000.
    pub client_streams: usize,
    /// The most connections of clients that have shown no key.
    pub strangers: StrangerLimits,
    /// How long a request may take to send its head, how long a connection may be idle before one, and how long a connection lasts
    /// that shows no key where one is needed. One minute.
    pub header_wait: Duration,
    /// How long a client may leave unread what is sent to it: its connection is closed then, WebSockets included. 30 seconds.
    pub write_wait: Duration,
    /// How long requests may take to finish once the end was asked for. 30 seconds.
    pub drain: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            allowed: Allowed::default(),
            authenticator: Arc::new(Credentials::default()),
            rate: Arc::new(LocalRates::new(RateLimits::default())),
            events: Arc::new(NoEvents),
            max_body_bytes: 4 * 1024 * 1024,
            max_connections: 10_000,
            max_websockets: 10_000,
            client_websockets: 5_000,
            client_streams: 5_000,
            strangers: StrangerLimits::default(),
            header_wait: Duration::from_secs(60),
            write_wait: Duration::from_secs(30),
            drain: Duration::from_secs(30),
        }
    }
}

impl ServerSettings {
    pub(super) fn body(&self) -> BodyLimits {
        BodyLimits { bytes: self.max_body_bytes, wait: self.header_wait }
    }
}
