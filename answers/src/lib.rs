//! What an expert answered: read however the model wrote it, and checked against what the model was given.
//!
//! Knows no model, no thread and no file on disk.

pub mod ballot;
pub mod citations;
mod coverage;
mod doubt;
mod forms;
mod inert;
pub mod json_repair;
pub mod options;
mod read;
mod reading;
pub mod ready;
pub mod refusal;
pub mod severity;
pub mod shape;
pub mod status;

pub use coverage::{left_unsaid, rates, said_in};
pub use doubt::decides;
pub use inert::{is_inert, says_clean};
pub use read::{Rules, read};
pub use reading::{Reading, Understood};
