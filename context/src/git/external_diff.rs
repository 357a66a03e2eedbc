//! A diff that a caller supplies as text: nothing of it is read from disk.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::{
    change::{Changed, Side, Status},
    given::{Given, refused_for_key},
    patch::{self, Patch},
};
use crate::files::{self, Encoding, Roots};

/// The files of a supplied diff and their hunks.
pub(super) struct ExternalDiff {
    pub(super) files: Vec<Changed>,
    pub(super) hunks: HashMap<usize, Given>,
}

impl ExternalDiff {
    /// Keeps so many bytes of the lines.
    pub(super) fn read(diff: &str, roots: &Roots, mut room: u64) -> Self {
        let mut read = Self { files: Vec::new(), hunks: HashMap::new() };
        for patch in patch::parse_within(diff.as_bytes(), &mut room, Encoding::Utf8) {
            let at = read.files.len();
            read.files.push(changed(&patch, roots));
            let mut given = Given::default();
            given.add(patch);
            read.hunks.insert(at, given);
        }
        read
    }
}

/// The files that a supplied diff changes.
pub fn files_of(diff: &str, roots: &Roots) -> Vec<Changed> {
    ExternalDiff::read(diff, roots, 0).files
}

/// Where a file of the diff lies. A diff names its files from the top of the repository, and a root may be a folder in it: then the
/// names begin with the end of the root's own path.
fn place(path: &str, roots: &Roots) -> Option<PathBuf> {
    if let Ok(located) = roots.locate(path) {
        return Some(located.absolute);
    }
    let path = Path::new(path);
    path.ancestors().skip(1).filter(|top| !top.as_os_str().is_empty()).find_map(|top| {
        let root = roots.paths().iter().find(|root| root.ends_with(top))?;
        let below = root.join(path.strip_prefix(top).ok()?);
        roots.locate(below.to_str()?).ok().map(|located| located.absolute)
    })
}

fn changed(patch: &Patch, roots: &Roots) -> Changed {
    let path = patch.path();
    let absolute = place(path, roots).unwrap_or_else(|| PathBuf::from(path));
    let refused = files::refused_by_name(&absolute)
        .map(|why| format!("refused: {why}"))
        .or_else(|| patch.private_key.then(refused_for_key));
    let (insertions, deletions) = (patch.added, patch.removed);
    let status = match (&patch.old, &patch.new) {
        (None, _) => Status::Added,
        (_, None) => Status::Deleted,
        (Some(old), Some(new)) if old != new => Status::Renamed,
        _ => Status::Modified,
    };
    Changed {
        path: if absolute.is_absolute() { roots.display(&absolute) } else { path.to_owned() },
        status,
        from: patch.old.clone().filter(|_| status == Status::Renamed),
        insertions: Some(insertions).filter(|_| !patch.binary),
        deletions: Some(deletions).filter(|_| !patch.binary),
        note: None,
        is_refused: refused.is_some(),
        withheld: refused.or_else(|| patch.binary.then(|| "binary".to_owned())),
        from_top: path.into(),
        from_before: None,
        object_before: None,
        absolute,
        side: Side::Stored,
        is_submodule: false,
    }
}
