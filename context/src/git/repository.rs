//! Which repository is meant, whether it may be read, and what its configuration must not start.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use tokio_util::sync::CancellationToken;

use super::{
    configuration::{Configuration, Reader, all_names, disarm},
    enclosure::Enclosure,
    failure::GitFailure,
    index_file,
    place::{self, Place, admit, confirm, discover},
    program::{Git, Invocation, Output, Sees, first_line, words},
    submodules::{self, Submodules},
};
use crate::files::Roots;

/// A repository that may be read.
#[derive(Debug)]
pub(super) struct Repository {
    git: Git,
    cancel: CancellationToken,
    /// The top folder of the work tree, canonical.
    pub(super) top: PathBuf,
    git_dir: PathBuf,
    /// The index, where it is not the usual one.
    index: Option<PathBuf>,
    /// The folder below `top` whose changes are looked at; empty for all.
    pub(super) scope: PathBuf,
    configuration: Vec<(String, String)>,
    /// What the reader of the changes should know of it.
    pub(super) notes: Vec<String>,
    /// What of it is not compared.
    pub(super) not_known: Vec<String>,
    /// Submodules that are checked out, by their paths from the top.
    pub(super) submodules: Vec<PathBuf>,
    /// Whether submodules are compared; if not, `notes` says why.
    pub(super) compares_submodules: bool,
}

/// A repository before git has seen it.
struct Checked {
    place: Place,
    /// The folder below the top whose changes are looked at.
    scope: PathBuf,
    index: Option<PathBuf>,
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
        let mut unusable = None;
        for root in roots.paths() {
            match Self::open_at(git, root, roots, cancel).await {
                Err(GitFailure::Outside(_)) => names.push(root.display().to_string()),
                Err(GitFailure::NotARepository(why)) => unusable = unusable.or(Some(why)),
                decided => return decided,
            }
        }
        if let Some(why) = unusable {
            return Err(GitFailure::NotARepository(why));
        }
        if names.is_empty() {
            return Err(GitFailure::Outside(
                "no folder is open to this server, so no git repository can be read; start the server in the project's folder, or \
                 configure a root"
                    .to_owned(),
            ));
        }
        let places = names.join(", ");
        Err(GitFailure::Outside(format!(
            "no git repository in {places}; name one in path, start the server in its folder, or name the files to check in relevant_files"
        )))
    }

    async fn open_at(
        git: &Git,
        folder: &Path,
        roots: &Roots,
        cancel: &CancellationToken,
    ) -> Result<Self, GitFailure> {
        let Checked { place, scope, index } = Self::checked(git, folder, roots, cancel).await?;
        let Configuration { overrides, mut notes } = Reader::new(git, &place, roots, cancel).read().await?;
        confirm(git, folder, &place, cancel).await?;
        if let Some(name) = index.as_deref().and_then(Path::file_name) {
            notes.push(format!("the index is {}, as GIT_INDEX_FILE says", name.display()));
        }
        let mut repository = Self {
            git: git.clone(),
            cancel: cancel.clone(),
            top: place.top.clone(),
            git_dir: place.git_dir.clone(),
            index,
            scope,
            configuration: overrides,
            notes,
            not_known: Vec::new(),
            submodules: Vec::new(),
            compares_submodules: true,
        };
        let names = repository.tell(&all_names(), &[]).await?;
        repository.configuration.extend(disarm(&names)?);
        let listed = repository.ask(&submodules::listing(repository.scope_arguments()), &[]).await?;
        let Submodules { there, why_not } = submodules::find(listed, git, &place, roots, cancel).await?;
        repository.submodules = there;
        if let Some(why) = why_not {
            repository.compares_submodules = false;
            repository.not_known.push(why);
        }
        Ok(repository)
    }

    /// Opens a submodule, by its path from the top. The index of a commit under way is not one of its own.
    pub(super) async fn enter(&self, path: &Path, roots: &Roots) -> Result<Self, GitFailure> {
        let folder = self.top.join(path);
        let inner = Box::pin(Self::open_at(&self.git.without_index(), &folder, roots, &self.cancel)).await?;
        if inner.top == folder {
            Ok(inner)
        } else {
            Err(GitFailure::NotARepository(format!("{} is not where a repository begins", folder.display())))
        }
    }

    /// Finds the repository of `folder`, admits it, and checks where its git folder leads. File systems can hang, so this has the time
    /// limit of a run of git.
    async fn checked(
        git: &Git,
        folder: &Path,
        roots: &Roots,
        cancel: &CancellationToken,
    ) -> Result<Checked, GitFailure> {
        let (folder, roots) = (folder.to_path_buf(), roots.clone());
        let named = git.settings().index_file.clone();
        place::on_disk(git, cancel, move |stop| {
            let place = discover(&folder)?;
            let place = place.ok_or_else(|| GitFailure::Outside(place::no_repository(&folder)))?;
            let scope = admit(&place, &folder, &roots)?;
            Enclosure::new(&place, &roots, stop.clone()).check()?;
            let enclosure = Enclosure::new(&place, &roots, stop);
            let index =
                named.map(|named| index_file::named(&named, &place, &enclosure)).transpose()?.flatten();
            Ok(Checked { place, scope, index })
        })
        .await
    }

    /// The git folder.
    pub(super) fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The limits.
    pub(super) fn settings(&self) -> &super::GitSettings {
        self.git.settings()
    }

    /// Runs git in the repository, and leaves its exit code to the caller.
    pub(super) async fn ask(&self, arguments: &[OsString], input: &[u8]) -> Result<Output, GitFailure> {
        let asked = Invocation {
            folder: &self.top,
            sees: Sees::Pinned { git_dir: &self.git_dir, work_tree: &self.top, index: self.index.as_deref() },
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

    /// One line of text, or nothing when git has none to give: it says so by its exit code alone. Whatever it complains of is a
    /// failure.
    pub(super) async fn line(&self, arguments: &[&str]) -> Result<Option<String>, GitFailure> {
        let output = self.ask(&words(arguments), &[]).await?;
        let is_complaint = |line: &str| line.starts_with("fatal: ") || line.starts_with("error: ");
        if !output.success && (!output.exited || output.stderr.lines().any(is_complaint)) {
            let command = arguments.first().copied().unwrap_or_default().to_owned();
            return Err(GitFailure::Failed { command, message: first_line(&output.stderr) });
        }
        let line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok((output.success && !line.is_empty()).then_some(line))
    }

    /// Which submodules a comparison looks at. Git does not look for changes within one: it would start itself there, with that
    /// repository's configuration. `dirty` does.
    pub(super) fn submodule_argument(&self) -> &'static str {
        if self.compares_submodules { "--ignore-submodules=dirty" } else { "--ignore-submodules=all" }
    }

    /// `--` and the folder whose changes are looked at.
    pub(super) fn scope_arguments(&self) -> Vec<OsString> {
        let mut arguments = words(["--"]);
        if !self.scope.as_os_str().is_empty() {
            arguments.push(self.scope.clone().into_os_string());
        }
        arguments
    }
}
