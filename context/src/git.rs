//! What has changed in a git repository, as evidence for an expert.
//!
//! The git executable is asked, read only and never through a shell. A repository is a stranger's: its configuration and its
//! attributes can name programs that git would start, so `program` and `repository` take every such way from it before
//! anything is compared. Order of work: [`Git::find`], [`ChangeSet::read`] for the list of changes, [`pack`] for their text.

mod base;
mod binary;
mod change;
mod changes;
mod compare;
mod configuration;
mod diff_arguments;
mod dirty;
mod enclosure;
mod external_diff;
mod failure;
mod fetch;
mod filtered;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod given;
mod index_file;
mod line_ends;
mod listing;
mod os_path;
mod pack;
mod patch;
mod place;
mod program;
mod programs;
mod renames;
mod render;
mod repository;
mod settings;
mod sides;
mod submodules;
mod untracked;
mod user_excludes;

pub use change::{Changed, Status};
pub use changes::{ChangeQuery, ChangeSet};
pub use external_diff::files_of;
pub use failure::GitFailure;
pub use line_ends::LineEnd;
pub use pack::{PackedChanges, pack, supplied};
pub use patch::{Hunk, Line, Mark, Patch, parse};
pub use program::Git;
pub use settings::GitSettings;
pub use user_excludes::user_excludes;
