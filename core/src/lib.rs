//! Words and ports shared by every layer.
//!
//! Knows nothing about HTTP, SQL, MCP or any vendor: adapters implement these ports, the engine speaks only through them.

pub mod answer;
pub mod auth;
pub mod breaker;
pub mod chat;
pub mod clock;
pub mod completion;
pub mod error;
pub mod event;
pub mod files;
pub mod finding;
mod finish;
pub mod function_calling;
pub mod humanize;
pub mod id;
pub mod lease;
pub mod line_breaks;
pub mod model;
pub mod principal;
pub mod private;
pub mod process;
pub mod provider;
pub mod rate;
pub mod response_cache;
pub mod run;
pub mod secret;
mod severity;
pub mod store;
pub mod thread;
pub mod transcript;
mod upstream;
pub mod web_search;

pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use error::{BoxError, Kind};
pub use finding::{Citation, Finding, Mention};
pub use id::{
    AnswerId, ConnectionId, EndpointIdentity, HoldId, KeyId, ModelId, ProviderId, RequestHash, RequestId,
    RunId, ThreadId,
};
pub use principal::{Identity, Principal};
pub use severity::Severity;
