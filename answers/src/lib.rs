//! What an expert answered: read however the model wrote it, and checked against what the model was given.
//!
//! Knows no model, no thread and no file on disk.

pub mod ballot;
pub mod citations;
mod coverage;
mod forms;
pub mod json_repair;
pub mod options;
mod read;
mod reading;
pub mod ready;
pub mod refusal;
pub mod severity;
pub mod shape;
pub mod status;

pub use coverage::said_in;
pub use forms::reports_something;
pub use read::{Rules, read};
pub use reading::{Reading, Understood};
