//! The HTTP server of the program, for routes of any kind: listener, TLS, the checks that every request passes, keys, limits, WebSockets
//! for any dialect, health, metrics, and the orderly end.
//!
//! Knows no protocol that is spoken over it, no tools, no models and no storage. [`Server`] puts routes together and serves them.

mod accept;
mod activity;
mod admission;
mod auth;
mod body;
pub mod descriptors;
mod guard;
mod health;
mod in_flight;
mod keys;
mod listener;
mod metrics;
mod pace;
mod places;
pub mod port_owner;
mod preface_timeout;
mod problem;
mod rate;
mod request_id;
mod server;
mod settings;
mod strangers;
mod tls;
mod websocket;
mod write_timeout;
mod wrong_keys;

#[cfg(test)]
mod tests;

pub use self::{
    admission::TooFast,
    body::{BodyLimits, read_body},
    guard::{Allowed, PageHeaders},
    health::{Health, Trouble},
    in_flight::StaysOpen,
    keys::{Credential, Credentials, NoKeyLeft, check_key},
    listener::{Listener, is_loopback},
    metrics::SessionCount,
    pace::Pace,
    places::{SessionLimits, SessionPlace, SessionPlaces},
    problem::problem,
    rate::{LocalRates, RateLimits},
    server::{Drained, Lifecycle, Server, ServerHandle},
    settings::ServerSettings,
    strangers::StrangerLimits,
    tls::{Tls, TlsError},
    websocket::{WebSocketRoute, dialect},
};

#[cfg(any(test, fuzzing))]
pub use self::websocket::fuzzing;
