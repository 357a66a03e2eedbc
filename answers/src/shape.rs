//! The parts of an answer, under whatever names and in whatever order a model gives them.

mod answer;
mod field;
mod finding;
mod locate;
mod looks;
pub(crate) mod names;

pub use answer::ExpertAnswer;
pub use finding::RawFinding;
pub(crate) use finding::{Hints, marked};
pub(crate) use looks::{finding_list, has_answer_keys, looks_like_finding, unwrapped};
