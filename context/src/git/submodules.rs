//! Submodules whose git folders may be read.
//!
//! To compare a submodule, git reads the `.git` at its path and the commit that is checked out there. That may lead anywhere.

use std::{ffi::OsString, path::PathBuf};

use tokio_util::sync::CancellationToken;

use super::{
    enclosure::Enclosure,
    failure::GitFailure,
    listing::SUBMODULE,
    os_path::path_of,
    place::{self, Place, on_disk},
    program::{Git, Output, first_line, words},
};
use crate::files::Roots;

/// The most submodules that are looked at.
const MAX_SUBMODULES: usize = 10_000;

/// The arguments that list the index below a folder.
pub(super) fn listing(scope: Vec<OsString>) -> Vec<OsString> {
    let mut arguments = words(["ls-files", "--stage", "-z"]);
    arguments.extend(scope);
    arguments
}

/// Why the submodules of a repository are not compared, by what it has listed; `None` when all of them may be.
pub(super) async fn why_not(
    listed: Output,
    git: &Git,
    place: &Place,
    roots: &Roots,
    cancel: &CancellationToken,
) -> Result<Option<String>, GitFailure> {
    if listed.cut {
        return Ok(Some(
            "submodules were not compared: there are too many files to look for them".to_owned(),
        ));
    }
    if !listed.success {
        let why = first_line(&listed.stderr);
        return Ok(Some(format!("submodules were not compared, because they could not be listed: {why}")));
    }
    let paths: Vec<PathBuf> = listed
        .stdout
        .split(|byte| *byte == 0)
        .filter(|entry| entry.starts_with(SUBMODULE.as_bytes()))
        .filter_map(|entry| entry.splitn(2, |byte| *byte == b'\t').nth(1))
        .map(|path| PathBuf::from(path_of(path)))
        .collect();
    if paths.len() > MAX_SUBMODULES {
        return Ok(Some(format!("submodules were not compared: there are more than {MAX_SUBMODULES}")));
    }
    if paths.is_empty() {
        return Ok(None);
    }
    let (outer, roots) = (place.clone(), roots.clone());
    on_disk(git, cancel, move |stop| {
        for path in paths {
            match check(&outer, &path, &roots, &stop) {
                Ok(()) => {}
                Err(GitFailure::Cancelled) => return Err(GitFailure::Cancelled),
                Err(failure) => {
                    return Ok(Some(format!(
                        "submodules were not compared, because of {}: {}",
                        path.display(),
                        failure.to_string().trim_start_matches("path: ")
                    )));
                }
            }
        }
        Ok(None)
    })
    .await
}

fn check(outer: &Place, path: &PathBuf, roots: &Roots, stop: &CancellationToken) -> Result<(), GitFailure> {
    let enclosure = Enclosure::new(outer, roots, stop.clone());
    let Some(top) = enclosure.resolve(&outer.top.join(path))? else { return Ok(()) };
    let Some(inner) = place::at(&top)? else {
        // Git may take for a repository what is none by the rules here.
        let is_there = std::fs::symlink_metadata(top.join(".git")).is_ok();
        let words = || format!("{} is not understood", top.join(".git").display());
        return if is_there { Err(GitFailure::Forbidden(words())) } else { Ok(()) };
    };
    for folder in [&inner.git_dir, &inner.common_dir] {
        enclosure.resolve(folder)?;
    }
    Enclosure::new(&inner, roots, stop.clone()).check()
}
