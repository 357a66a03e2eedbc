//! Where a repository lies, and whether it may be read there.
//!
//! The search follows git's own rules without starting git, because everything that git will read is checked before git reads it.

use std::{
    ffi::OsString,
    io::Read as _,
    path::{Path, PathBuf},
};

use tokio_util::sync::CancellationToken;

use super::{
    failure::GitFailure,
    os_path::path_of,
    program::{Git, Invocation, Sees, first_line, words},
};
use crate::files::{Roots, open_beneath};

/// The most bytes of a file that holds one path, such as `commondir`.
const MAX_POINTER_BYTES: u64 = 64 * 1024;
/// The most bytes of a submodule's configuration that are searched for its work tree.
const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// Where a repository lies. All paths are canonical.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The top folder of the work tree.
    pub(super) top: PathBuf,
    /// The git folder: of a linked work tree, its own part.
    pub(super) git_dir: PathBuf,
    /// The git folder that all work trees share.
    pub(super) common_dir: PathBuf,
}

/// Finds the repository that holds a canonical folder. `None` when no folder around it is one.
///
/// # Errors
/// There is one, and it cannot be used: it is bare, or what points to its git folder is not understood.
pub(super) fn discover(folder: &Path) -> Result<Option<Place>, GitFailure> {
    for top in folder.ancestors() {
        if let Some(place) = at(top)? {
            return Ok(Some(place));
        }
        if is_git_dir(top, top) {
            let words = format!("{} is a bare repository, which has no files to check", top.display());
            return Err(GitFailure::NotARepository(words));
        }
    }
    Ok(None)
}

/// The repository whose work tree begins at this canonical folder.
///
/// # Errors
/// See [`discover`].
pub(super) fn at(top: &Path) -> Result<Option<Place>, GitFailure> {
    let written = top.join(".git");
    // Git also passes over a link that leads nowhere.
    let Ok(dot_git) = std::fs::canonicalize(&written) else { return Ok(None) };
    let kind = std::fs::symlink_metadata(&dot_git).map_err(|error| unreadable(&written, &error))?;
    let (git_dir, is_named) = if kind.is_dir() {
        (dot_git, false)
    } else if kind.is_file() {
        (named_by_file(&dot_git)?, true)
    } else {
        return Err(GitFailure::Forbidden(format!(
            "{} is neither a folder nor a file, so it is not read",
            written.display()
        )));
    };
    let common_dir = common_dir_of(&git_dir)?;
    if is_git_dir(&git_dir, &common_dir) {
        return Ok(Some(Place { top: top.to_path_buf(), git_dir, common_dir }));
    }
    if is_named {
        return Err(GitFailure::NotARepository(format!(
            "{} names a folder that is no git repository",
            written.display()
        )));
    }
    Ok(None)
}

/// The folder that a `.git` file names, as `gitdir: PATH`.
fn named_by_file(file: &Path) -> Result<PathBuf, GitFailure> {
    let text = small_file(file, MAX_POINTER_BYTES)?.unwrap_or_default();
    let named = text.strip_prefix(b"gitdir:").map(<[u8]>::trim_ascii).filter(|named| !named.is_empty());
    let Some((named, holder)) = named.zip(file.parent()) else {
        return Err(GitFailure::NotARepository(format!("{} does not name a git folder", file.display())));
    };
    std::fs::canonicalize(holder.join(path_of(named))).map_err(|_| {
        GitFailure::NotARepository(format!("{} names a git folder that is not there", file.display()))
    })
}

fn common_dir_of(git_dir: &Path) -> Result<PathBuf, GitFailure> {
    let pointer = git_dir.join("commondir");
    let Some(text) = small_file(&pointer, MAX_POINTER_BYTES)? else { return Ok(git_dir.to_path_buf()) };
    let common_dir = git_dir.join(path_of(text.trim_ascii()));
    std::fs::canonicalize(common_dir).map_err(|error| unreadable(&pointer, &error))
}

/// Whether git could take it for a git folder. Git asks for less than folders.
fn is_git_dir(git_dir: &Path, common_dir: &Path) -> bool {
    std::fs::symlink_metadata(git_dir.join("HEAD")).is_ok()
        && common_dir.join("objects").exists()
        && common_dir.join("refs").exists()
}

/// A small regular file at a path whose folder is canonical; `None` when there is none.
///
/// # Errors
/// It is a link, not a regular file, larger than `most` bytes, or cannot be read.
pub(super) fn small_file(path: &Path, most: u64) -> Result<Option<Vec<u8>>, GitFailure> {
    let refused = |why: &dyn std::fmt::Display| GitFailure::Forbidden(format!("{}: {why}", path.display()));
    let Some(folder) = path.parent() else { return Ok(None) };
    let file = match open_beneath(folder, path) {
        Ok(file) => file,
        Err(crate::files::Rejection::NotThere) => return Ok(None),
        Err(rejection) => return Err(refused(&rejection)),
    };
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > most {
        return Err(refused(&format_args!("larger than the {most} bytes that are read of it")));
    }
    Ok(Some(bytes))
}

/// Runs work on the file system that may block, within the time limit of a run of git. Its token is cancelled when no caller waits any
/// more.
///
/// # Errors
/// The work failed, took too long, or the call was cancelled.
pub(super) async fn on_disk<T: Send + 'static>(
    git: &Git,
    cancel: &CancellationToken,
    work: impl FnOnce(CancellationToken) -> Result<T, GitFailure> + Send + 'static,
) -> Result<T, GitFailure> {
    let limit = git.settings().time_limit;
    let stop = cancel.child_token();
    let _ended = stop.clone().drop_guard();
    let running = tokio::task::spawn_blocking(move || work(stop));
    let command = || "rev-parse".to_owned();
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(GitFailure::Cancelled),
        ended = tokio::time::timeout(limit, running) => match ended {
            Ok(Ok(done)) => done,
            Ok(Err(error)) => Err(GitFailure::Failed { command: command(), message: error.to_string() }),
            Err(_) => Err(GitFailure::Slow { command: command(), limit }),
        },
    }
}

pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> GitFailure {
    GitFailure::Forbidden(format!("{} cannot be read: {}", path.display(), error.kind()))
}

/// Asks git which repository holds a folder: it must be the one that was found and checked. Git itself refuses one that belongs to
/// another user.
///
/// # Errors
/// Git refuses the repository, or means another one.
pub(super) async fn confirm(
    git: &Git,
    folder: &Path,
    place: &Place,
    cancel: &CancellationToken,
) -> Result<(), GitFailure> {
    let arguments = words([
        "rev-parse",
        "--path-format=absolute",
        "--show-toplevel",
        "--absolute-git-dir",
        "--git-common-dir",
    ]);
    let asked =
        Invocation { folder, sees: Sees::Search, configuration: &[], arguments: &arguments, input: &[] };
    let said = git.run(asked, cancel).await?;
    let shown = folder.display().to_string();
    if !said.success {
        let words = said.stderr;
        return Err(if words.contains("dubious ownership") {
            GitFailure::OtherOwner(shown)
        } else if words.contains("must be run in a work tree") {
            GitFailure::NotARepository(format!("{shown} is a bare repository, which has no files to check"))
        } else if words.contains("not a git repository") {
            GitFailure::NotARepository(no_repository(folder))
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
    let same = |path: &PathBuf, checked: &Path| std::fs::canonicalize(path).is_ok_and(|path| path == checked);
    if !same(top, &place.top) {
        return Err(GitFailure::Forbidden(format!(
            "the repository of {shown} says that its files are elsewhere (core.worktree)"
        )));
    }
    if !same(git_dir, &place.git_dir) || !same(common_dir, &place.common_dir) {
        return Err(GitFailure::Forbidden(format!(
            "git takes another repository for that of {shown} than the one that was checked"
        )));
    }
    Ok(())
}

/// What a caller reads whose folder is in no repository.
pub(super) fn no_repository(folder: &Path) -> String {
    format!(
        "{} is not in a git repository; name one in path, run git init there, or name the files to check in relevant_files",
        folder.display()
    )
}

/// Whether the repository of `folder` may be read, and how much of it: the folder below the top whose changes are looked at.
///
/// When the top of the work tree is above the roots, only what is below `folder` is looked at. The git folder must lie beneath a
/// root, or be the ordinary one of the work tree, or say itself that this is its work tree, as those of linked work
/// trees and submodules do. Otherwise a project could point at a private repository elsewhere and have its contents shown.
///
/// # Errors
/// It may not be read.
pub(super) fn admit(place: &Place, folder: &Path, roots: &Roots) -> Result<PathBuf, GitFailure> {
    let foreign = || foreign(folder);
    let below = folder.strip_prefix(&place.top).map_err(|_| foreign())?;
    let is_linked = place.git_dir != place.common_dir;
    if is_linked && place.git_dir.parent().and_then(Path::parent) != Some(place.common_dir.as_path()) {
        return Err(foreign());
    }
    let inside = |path: &Path| roots.containing(path).is_some();
    // Of a folder further up it would be that of another work tree, whose files a `.git` below it would show.
    let is_ordinary = place.git_dir == place.top.join(".git");
    let is_own = if is_linked {
        (inside(&place.git_dir) && inside(&place.common_dir)) || names_work_tree(&place.git_dir, &place.top)
    } else {
        inside(&place.git_dir) || is_ordinary || is_submodule_of(&place.git_dir, &place.top)
    };
    if is_own { Ok(below.to_path_buf()) } else { Err(foreign()) }
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
    let Ok(Some(named)) = small_file(&git_dir.join("gitdir"), MAX_POINTER_BYTES) else { return false };
    let named = git_dir.join(path_of(named.trim_ascii()));
    std::fs::canonicalize(named).is_ok_and(|named| named == top.join(".git"))
}

/// Whether a submodule's git folder, `modules/NAME` in that of the repository around it, names the work tree by `core.worktree`.
fn is_submodule_of(git_dir: &Path, top: &Path) -> bool {
    if !git_dir.ancestors().skip(1).any(|above| above.file_name().is_some_and(|name| name == "modules")) {
        return false;
    }
    let Ok(Some(text)) = small_file(&git_dir.join("config"), MAX_CONFIG_BYTES) else { return false };
    // The last one counts.
    let named = text.split(|byte| *byte == b'\n').rev().find_map(|line| {
        let at = line.iter().position(|byte| *byte == b'=')?;
        let (key, value) = line.split_at(at);
        let value = value.strip_prefix(b"=")?.trim_ascii();
        let value = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(value);
        key.trim_ascii().eq_ignore_ascii_case(b"worktree").then(|| path_of(value))
    });
    let canonical = |named: OsString| std::fs::canonicalize(git_dir.join(named)).ok();
    named.and_then(canonical).is_some_and(|named| named == top)
}
