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

/// The submodules of a repository.
#[derive(Debug, Default)]
pub(super) struct Submodules {
    /// Those that are checked out, by their paths from the top of the work tree.
    pub(super) there: Vec<PathBuf>,
    /// Why they are not compared; `None` when all of them may be.
    pub(super) why_not: Option<String>,
}

impl Submodules {
    fn not_compared(why: String) -> Self {
        Self { there: Vec::new(), why_not: Some(why) }
    }
}

/// Finds the submodules of a repository in what it has listed, and whether all of them may be compared.
pub(super) async fn find(
    listed: Output,
    git: &Git,
    place: &Place,
    roots: &Roots,
    cancel: &CancellationToken,
) -> Result<Submodules, GitFailure> {
    if listed.cut {
        return Ok(Submodules::not_compared(
            "submodules were not compared: there are too many files to look for them".to_owned(),
        ));
    }
    if !listed.success {
        let why = first_line(&listed.stderr);
        return Ok(Submodules::not_compared(format!(
            "submodules were not compared, because they could not be listed: {why}"
        )));
    }
    let paths: Vec<PathBuf> = listed
        .stdout
        .split(|byte| *byte == 0)
        .filter(|entry| entry.starts_with(SUBMODULE.as_bytes()))
        .filter_map(|entry| entry.splitn(2, |byte| *byte == b'\t').nth(1))
        .map(|path| PathBuf::from(path_of(path)))
        .collect();
    if paths.len() > MAX_SUBMODULES {
        return Ok(Submodules::not_compared(format!(
            "submodules were not compared: there are more than {MAX_SUBMODULES}"
        )));
    }
    if paths.is_empty() {
        return Ok(Submodules::default());
    }
    let (outer, roots) = (place.clone(), roots.clone());
    on_disk(git, cancel, move |stop| {
        let mut there = Vec::new();
        for path in paths {
            match check(&outer, &path, &roots, &stop) {
                Ok(true) => there.push(path),
                Ok(false) => {}
                Err(GitFailure::Cancelled) => return Err(GitFailure::Cancelled),
                Err(failure) => {
                    return Ok(Submodules::not_compared(format!(
                        "submodules were not compared, because of {}: {}",
                        path.display(),
                        failure.to_string().trim_start_matches("path: ")
                    )));
                }
            }
        }
        Ok(Submodules { there, why_not: None })
    })
    .await
}

/// Checks a submodule, and says whether it is checked out.
fn check(outer: &Place, path: &PathBuf, roots: &Roots, stop: &CancellationToken) -> Result<bool, GitFailure> {
    let enclosure = Enclosure::new(outer, roots, stop.clone());
    let Some(top) = enclosure.resolve(&outer.top.join(path))? else { return Ok(false) };
    let Some(inner) = place::at(&top)? else {
        // Git may take for a repository what is none by the rules here.
        let is_there = std::fs::symlink_metadata(top.join(".git")).is_ok();
        let words = || format!("{} is not understood", top.join(".git").display());
        return if is_there { Err(GitFailure::Forbidden(words())) } else { Ok(false) };
    };
    for folder in [&inner.git_dir, &inner.common_dir] {
        enclosure.resolve(folder)?;
    }
    Enclosure::new(&inner, roots, stop.clone()).check()?;
    Ok(true)
}
