//! The index of a commit under way.
//!
//! `git commit -a` and `git commit FILE` prepare the commit in an index of their own and tell their hooks its name in `GIT_INDEX_FILE`.
//! Whoever looks at the usual index there reviews something else than what will be committed.

use std::path::{Path, PathBuf};

use super::{enclosure::Enclosure, failure::GitFailure, place::Place};

/// The index to read instead of the usual one, by the name that the environment gives. A relative one is meant from the top of the work
/// tree, as git reads it. `None` when it is the usual one.
///
/// Git makes such files directly in its folder. Further down lie those of submodules and other work trees, which are not of this
/// repository.
///
/// # Errors
/// It lies elsewhere, or is not there.
pub(super) fn named(
    named: &Path,
    place: &Place,
    enclosure: &Enclosure<'_>,
) -> Result<Option<PathBuf>, GitFailure> {
    let refused = |why: &str| {
        GitFailure::Index(format!(
            "{} {why} of {}, so it is not known what will be committed. Unset the variable, or name in path the repository that it \
             belongs to",
            named.display(),
            place.top.display()
        ))
    };
    let outside = || refused("does not lie directly in the git folder");
    let written = place.top.join(named);
    let (Some(folder), Some(name)) = (written.parent(), written.file_name()) else { return Err(outside()) };
    if !std::fs::canonicalize(folder).is_ok_and(|folder| folder == place.git_dir) {
        return Err(outside());
    }
    if name == "index" {
        return Ok(None);
    }
    match enclosure.resolve(&place.git_dir.join(name))? {
        Some(index) if index.is_file() => Ok(Some(index)),
        _ => Err(refused("is no file in the git folder")),
    }
}
