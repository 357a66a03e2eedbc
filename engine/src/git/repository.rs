//! Which repository is meant, whether it may be read, and what its configuration must not start.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
};

use tokio_util::sync::CancellationToken;

use super::{
    failure::GitFailure,
    program::{Git, Invocation, Output, first_line, words},
};
use crate::context::Roots;

/// More drivers than this are no project's.
const MAX_DRIVERS: usize = 1_000;

/// A repository that may be read.
#[derive(Debug)]
pub(super) struct Repository {
    git: Git,
    cancel: CancellationToken,
    /// The top folder of the work tree, canonical.
    pub(super) top: PathBuf,
    git_dir: PathBuf,
    /// The folder below `top` whose changes are looked at; empty for all.
    pub(super) scope: PathBuf,
    configuration: Vec<(String, String)>,
}

/// What `rev-parse` says of a place.
struct Place {
    top: PathBuf,
    git_dir: PathBuf,
    common_dir: PathBuf,
}

impl Repository {
    /// Opens the repository that holds `path`, or the first root that is in one.
    pub(super) async fn open(
        git: &Git,
        path: Option<&str>,
        roots: &Roots,
        cancel: &CancellationToken,
    ) -> Result<Self, GitFailure> {
        let Some(path) = path.map(str::trim).filter(|path| !path.is_empty()) else {
            return Self::open_first(git, roots, cancel).await;
        };
        let located = roots.locate(path).map_err(|rejection| {
            let problem = format!("`{path}`: {rejection}");
            if rejection.kind() == exai_core::Kind::Forbidden {
                GitFailure::Forbidden(problem)
            } else {
                GitFailure::NotARepository(problem)
            }
        })?;
        let folder =
            if located.is_folder { Some(located.absolute.as_path()) } else { located.absolute.parent() };
        let folder = folder.unwrap_or(&located.absolute);
        Self::open_at(git, folder, roots, cancel).await
    }

    async fn open_first(git: &Git, roots: &Roots, cancel: &CancellationToken) -> Result<Self, GitFailure> {
        let mut names = Vec::new();
        for root in roots.paths() {
            match Self::open_at(git, root, roots, cancel).await {
                Err(GitFailure::NotARepository(_)) => names.push(root.display().to_string()),
                decided => return decided,
            }
        }
        let places =
            if names.is_empty() { "no folder is open to this server".to_owned() } else { names.join(", ") };
        Err(GitFailure::NotARepository(format!(
            "no git repository in {places}; name one in path, or start the server in its folder"
        )))
    }

    async fn open_at(
        git: &Git,
        folder: &Path,
        roots: &Roots,
        cancel: &CancellationToken,
    ) -> Result<Self, GitFailure> {
        let place = find(git, folder, cancel).await?;
        let checked = (folder.to_path_buf(), roots.clone());
        let (place, scope) = tokio::task::spawn_blocking(move || {
            let scope = admit(&place, &checked.0, &checked.1)?;
            Ok((place, scope))
        })
        .await
        .map_err(|error| GitFailure::Failed {
            command: "rev-parse".to_owned(),
            message: error.to_string(),
        })??;
        let mut repository = Self {
            git: git.clone(),
            cancel: cancel.clone(),
            top: place.top,
            git_dir: place.git_dir,
            scope,
            configuration: Vec::new(),
        };
        repository.configuration = repository.disarmed().await?;
        Ok(repository)
    }

    /// The git folder.
    pub(super) fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The limits.
    pub(super) fn settings(&self) -> &crate::settings::GitSettings {
        self.git.settings()
    }

    /// Runs git in the repository, whatever it comes to.
    pub(super) async fn ask(&self, arguments: &[OsString], input: &[u8]) -> Result<Output, GitFailure> {
        let asked = Invocation {
            folder: &self.top,
            pinned: Some((&self.git_dir, &self.top)),
            configuration: &self.configuration,
            arguments,
            input,
        };
        self.git.run(asked, &self.cancel).await
    }

    /// Runs git in the repository; it must succeed and say no more than is read.
    pub(super) async fn tell(&self, arguments: &[OsString], input: &[u8]) -> Result<Vec<u8>, GitFailure> {
        let output = self.ask(arguments, input).await?;
        let command =
            || arguments.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        if output.cut {
            return Err(GitFailure::TooMuch { command: command(), bytes: self.settings().max_output_bytes });
        }
        if !output.success {
            return Err(GitFailure::Failed { command: command(), message: first_line(&output.stderr) });
        }
        Ok(output.stdout)
    }

    /// One line of text, or nothing when git has none to give.
    pub(super) async fn line(&self, arguments: &[&str]) -> Result<Option<String>, GitFailure> {
        let output = self.ask(&words(arguments), &[]).await?;
        let line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok((output.success && !line.is_empty()).then_some(line))
    }

    /// `--` and the folder whose changes are looked at.
    pub(super) fn scope_arguments(&self) -> Vec<OsString> {
        let mut arguments = words(["--"]);
        if !self.scope.as_os_str().is_empty() {
            arguments.push(self.scope.clone().into_os_string());
        }
        arguments
    }

    /// Configuration that takes their programs from every filter that the repository, or the user, defines: git would start
    /// them to compare a file with what is stored. There is no one switch for it, so each is named.
    async fn disarmed(&self) -> Result<Vec<(String, String)>, GitFailure> {
        let listed = self.tell(&words(["config", "--list", "-z", "--name-only", "--includes"]), &[]).await?;
        let mut drivers = BTreeSet::new();
        for name in listed.split(|byte| *byte == 0) {
            let name = String::from_utf8_lossy(name);
            if let Some((driver, _)) = name.strip_prefix("filter.").and_then(|rest| rest.rsplit_once('.')) {
                drivers.insert(driver.to_owned());
            }
        }
        if drivers.len() > MAX_DRIVERS {
            return Err(GitFailure::Forbidden(format!(
                "its configuration has more than {MAX_DRIVERS} filters"
            )));
        }
        let mut configuration = Vec::with_capacity(drivers.len() * 4);
        for driver in drivers {
            for (key, value) in [("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")] {
                configuration.push((format!("filter.{driver}.{key}"), value.to_owned()));
            }
        }
        Ok(configuration)
    }
}

/// Asks git which repository holds a folder. Git itself refuses one that belongs to another user.
async fn find(git: &Git, folder: &Path, cancel: &CancellationToken) -> Result<Place, GitFailure> {
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
fn admit(place: &Place, folder: &Path, roots: &Roots) -> Result<PathBuf, GitFailure> {
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

/// A path as git writes it: bytes where the system has bytes.
#[cfg(unix)]
pub(super) fn path_of(bytes: &[u8]) -> OsString {
    use std::os::unix::ffi::OsStringExt as _;
    OsString::from_vec(bytes.to_vec())
}

/// A path as git writes it.
#[cfg(not(unix))]
pub(super) fn path_of(bytes: &[u8]) -> OsString {
    OsString::from(String::from_utf8_lossy(bytes).into_owned())
}
