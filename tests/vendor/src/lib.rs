//! A model vendor for tests: an OpenAI-compatible HTTP server on loopback that records every request and misbehaves
//! on demand.
//!
//! Knows the shapes and faults of real vendors' chat endpoints. Knows nothing about the program under test: it is
//! reached through a socket only.
//!
//! ```no_run
//! # async fn example() {
//! use exai_mock_vendor::{Answer, Gate, Vendor};
//!
//! let vendor = Vendor::start().await;
//! let gate = Gate::new();
//! vendor.script(vec![Answer::rate_limited("1"), Answer::text("hello").gated(&gate)]);
//! // ... point a client at vendor.url(), let it run, then:
//! vendor.wait_for_calls(2).await;
//! gate.open();
//! assert_eq!(vendor.requests().len(), 2);
//! # }
//! ```
//!
//! An answer is chosen in this order: the scripted queue ([`Vendor::script`], [`Vendor::then`]), the function
//! given to [`Vendor::answer_with`], [`Vendor::default_answer`], and last the model's name (see
//! [`Answer::by_model_name`]).

mod answer;
mod ask;
mod by_name;
mod failures;
mod files;
mod gate;
mod ledger;
mod line;
mod messages;
mod playback;
mod reply;
mod server;
mod sse;
#[cfg(test)]
mod tests;
mod untrusted;
mod usage;
mod vendor;

pub use answer::Answer;
pub use files::StoredFile;
pub use gate::Gate;
pub use ledger::{Recorded, Stats};
pub use untrusted::Untrusted;
pub use usage::{Usage, UsagePlace};
pub use vendor::Vendor;
