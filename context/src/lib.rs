//! What a model is given, and the check of what it said: files beneath allowed roots, changes of a git repository, citations, and the
//! JSON that models write.
//!
//! Knows no model, no thread and no network.

pub mod citations;
pub mod evidence;
pub mod files;
pub mod git;
pub mod json_repair;
pub mod process;
