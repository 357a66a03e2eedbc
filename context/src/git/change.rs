//! One changed file.

use std::{ffi::OsString, path::PathBuf};

use serde::Serialize;

/// What has become of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// New.
    Added,
    /// Changed.
    Modified,
    /// Gone.
    Deleted,
    /// Moved, perhaps changed too.
    Renamed,
    /// A copy of another changed file.
    Copied,
    /// A file became a link, or the like.
    Retyped,
    /// A merge left it in conflict.
    Conflicted,
    /// New, and not known to git yet.
    Untracked,
}

/// Where the new side of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// On disk.
    WorkTree,
    /// In the index or a commit.
    Stored,
}

/// Why the contents of a file are not shown.
#[derive(Debug)]
pub(super) struct Withheld {
    pub(super) why: String,
    /// Whether policy forbids it; it cannot be read otherwise.
    pub(super) is_refused: bool,
}

/// A changed file.
#[derive(Debug, Clone, Serialize)]
pub struct Changed {
    /// As files are named in prompts: relative to the root when there is one root, absolute otherwise.
    pub path: String,
    /// What has become of it.
    pub status: Status,
    /// The path before a rename, or what was copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Lines added; absent for what has no lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insertions: Option<u32>,
    /// Lines removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletions: Option<u32>,
    /// What else there is to say of it: modes, commits of a submodule, staged in part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Why its contents are not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
    /// Whether it is withheld by policy, not for being unreadable.
    #[serde(skip)]
    pub(super) is_refused: bool,
    #[serde(skip)]
    pub(super) from_top: OsString,
    #[serde(skip)]
    pub(super) from_before: Option<OsString>,
    /// The object that git has of it before the change, where it names one.
    #[serde(skip)]
    pub(super) object_before: Option<String>,
    #[serde(skip)]
    pub(super) absolute: PathBuf,
    #[serde(skip)]
    pub(super) side: Side,
    #[serde(skip)]
    pub(super) is_submodule: bool,
}

impl Changed {
    /// Whether git does not know it under its new name: it is compared with the object that it was.
    pub(super) fn is_moved_on_disk(&self) -> bool {
        self.status == Status::Renamed && self.from_before.is_none() && self.object_before.is_some()
    }
}
