//! What a model is given: files beneath allowed roots, and changes of a git repository.
//!
//! Knows no model, no thread and no network.

pub mod evidence;
pub mod files;
pub mod git;
mod lfs;
