//! What an expert answered: read however the model wrote it, and checked against what the model was given.
//!
//! Knows no model, no thread and no file on disk.

pub mod citations;
pub mod json_repair;
