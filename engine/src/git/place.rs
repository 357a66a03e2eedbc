//! Where a repository lies, and whether it may be read there.

use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::{
    failure::GitFailure,
    program::{Git, Invocation, first_line, words},
    repository::path_of,
};
use crate::context::Roots;

/// What `rev-parse` says of a place.
pub(super) struct Place {
    pub(super) top: PathBuf,
    pub(super) git_dir: PathBuf,
    pub(super) common_dir: PathBuf,
}

/// Asks git which repository holds a folder. Git itself refuses one that belongs to another user.
pub(super) async fn find(git: &Git, folder: &Path, cancel: &CancellationToken) -> Result<Place, GitFailure> {
    let arguments = words([
        "rev-parse",
        "--path-format=absolute",
        "--show-toplevel",
        "--absolute-git-dir",
        "--git-common-dir",
    ]);
    let asked = Invocation { folder, pinned: None, configuration: &[], arguments: &arguments, input: &[] };
    let said = git.run(asked, cancel).await?;
    let shown = folder.display().to_string();
    if !said.success {
        let words = said.stderr;
        return Err(if words.contains("dubious ownership") {
            GitFailure::OtherOwner(shown)
        } else if words.contains("must be run in a work tree") || words.contains("cannot use bare repository")
        {
            GitFailure::NotARepository(format!("{shown} is a bare repository, which has no files to check"))
        } else if words.contains("not a git repository") {
            GitFailure::NotARepository(format!(
                "{shown} is not in a git repository; name one in path, or run git init there"
            ))
        } else {
            GitFailure::Failed { command: "rev-parse".to_owned(), message: first_line(&words) }
        });
    }
    let lines: Vec<PathBuf> = said
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| PathBuf::from(path_of(line)))
        .collect();
    let [top, git_dir, common_dir] = lines.as_slice() else {
        return Err(GitFailure::Forbidden(format!(
            "{shown}: the repository's own path has a line break in it"
        )));
    };
    let canonical = |path: &PathBuf| {
        std::fs::canonicalize(path).map_err(|error| GitFailure::Failed {
            command: "rev-parse".to_owned(),
            message: format!("{}: {error}", path.display()),
        })
    };
    Ok(Place { top: canonical(top)?, git_dir: canonical(git_dir)?, common_dir: canonical(common_dir)? })
}

/// Whether the repository of `folder` may be read, and how much of it.
///
/// The work tree must hold `folder`. When its top is above the roots, only what is below `folder` is looked at. The git folder
/// must lie beneath a root, or be the ordinary one of a folder around `folder`, or say itself that this is its work tree, as
/// those of linked work trees and submodules do. Otherwise a project could point at a private repository elsewhere
/// and have its contents shown.
pub(super) fn admit(place: &Place, folder: &Path, roots: &Roots) -> Result<PathBuf, GitFailure> {
    let Ok(below) = folder.strip_prefix(&place.top) else {
        return Err(GitFailure::Forbidden(format!(
            "the repository of {} says that its files are elsewhere (core.worktree)",
            folder.display()
        )));
    };
    let is_linked = place.git_dir != place.common_dir;
    if is_linked && place.git_dir.parent().and_then(Path::parent) != Some(place.common_dir.as_path()) {
        return Err(foreign(folder));
    }
    let around = |git_dir: &Path| {
        git_dir.file_name().is_some_and(|name| name == ".git")
            && git_dir.parent().is_some_and(|holder| folder.starts_with(holder))
    };
    let inside = |path: &Path| roots.containing(path).is_some();
    let is_own = if is_linked {
        (inside(&place.git_dir) && inside(&place.common_dir)) || names_work_tree(&place.git_dir, &place.top)
    } else {
        inside(&place.git_dir) || around(&place.git_dir) || is_submodule_of(&place.git_dir, &place.top)
    };
    if !is_own {
        return Err(foreign(folder));
    }
    Ok(below.to_path_buf())
}

fn foreign(folder: &Path) -> GitFailure {
    GitFailure::Forbidden(format!(
        "the repository of {} is kept elsewhere, and what is there does not name this folder as its work tree; add that place to \
         the configured roots if it may be read",
        folder.display()
    ))
}

/// Whether a linked work tree's git folder names the work tree: its file `gitdir` holds the path of the tree's `.git`.
fn names_work_tree(git_dir: &Path, top: &Path) -> bool {
    let Ok(named) = std::fs::read(git_dir.join("gitdir")) else { return false };
    let named = git_dir.join(path_of(named.trim_ascii()));
    std::fs::canonicalize(named).is_ok_and(|named| named == top.join(".git"))
}

/// Whether a submodule's git folder, `modules/NAME` in that of the repository around it, names the work tree by `core.worktree`.
fn is_submodule_of(git_dir: &Path, top: &Path) -> bool {
    if !git_dir.ancestors().skip(1).any(|above| above.file_name().is_some_and(|name| name == "modules")) {
        return false;
    }
    let Ok(text) = std::fs::read_to_string(git_dir.join("config")) else { return false };
    // The last one counts.
    let named = text.lines().rev().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        key.trim().eq_ignore_ascii_case("worktree").then(|| value.trim().trim_matches('"').to_owned())
    });
    named.is_some_and(|named| std::fs::canonicalize(git_dir.join(named)).is_ok_and(|named| named == top))
}
