//! A repository's own configuration, read before git acts on it: what it includes, which programs it names, which files it points at.
//!
//! Git parses the files, one at a time and without what they include. Everything is compared as bytes: a name that cannot be decoded
//! cannot be overridden either, so its repository is refused.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio_util::sync::CancellationToken;

use super::{
    enclosure::Enclosure,
    failure::GitFailure,
    os_path::path_of,
    place::{Place, on_disk, unreadable},
    program::{Git, Invocation, Sees, first_line, words},
    programs::Name,
};
use crate::files::Roots;

/// The most bytes of one file of configuration.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// The most files, included ones among them.
const MAX_FILES: usize = 100;
/// More drivers and hooks than this are no project's.
const MAX_DISARMED: usize = 1_000;

/// Extensions of the repository format whose meaning is known (git-config(1), `extensions.*`). Any other could place parts of the
/// repository elsewhere.
const EXTENSIONS: &[&[u8]] = &[
    b"noop",
    b"noop-v1",
    b"objectformat",
    b"compatobjectformat",
    b"partialclone",
    b"preciousobjects",
    b"refstorage",
    b"relativeworktrees",
    b"submodulepathconfig",
    b"worktreeconfig",
];
/// The formats of references that lie in the git folder. Newer versions of git take an address here as well.
const REF_STORAGE: &[&[u8]] = &[b"files", b"reftable"];

/// Settings of the repository that name a file which git would read for the commands of this server.
const FILES: &[(&[u8], &str)] =
    &[(b"attributesfile", "core.attributesFile"), (b"excludesfile", "core.excludesFile")];

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Configuration {
    /// Settings that outrank the repository's.
    pub(super) overrides: Vec<(String, String)>,
    /// What the reader of the changes should know.
    pub(super) notes: Vec<String>,
}

/// One setting of one file.
struct Setting {
    name: Vec<u8>,
    value: Vec<u8>,
}

/// Reads a repository's configuration file by file.
pub(super) struct Reader<'a> {
    git: &'a Git,
    place: &'a Place,
    roots: Arc<Roots>,
    cancel: &'a CancellationToken,
    found: Configuration,
}

impl<'a> Reader<'a> {
    pub(super) fn new(git: &'a Git, place: &'a Place, roots: &Roots, cancel: &'a CancellationToken) -> Self {
        Self { git, place, roots: Arc::new(roots.clone()), cancel, found: Configuration::default() }
    }

    /// Reads the files of the repository with everything that they include.
    ///
    /// # Errors
    /// Something of it is not understood, or leads out of what may be read.
    pub(super) async fn read(mut self) -> Result<Configuration, GitFailure> {
        let mut files = vec![
            self.place.common_dir.join("config"),
            self.place.common_dir.join("config.worktree"),
            self.place.git_dir.join("config.worktree"),
        ];
        files.dedup();
        let mut at = 0;
        while let Some(file) = files.get(at).cloned() {
            at += 1;
            if at > MAX_FILES {
                return Err(self.refused("includes too many files"));
            }
            for setting in self.settings_of(&file).await? {
                if let Some(included) = self.examine(&file, &setting).await?
                    && !files.contains(&included)
                {
                    files.push(included);
                }
            }
        }
        Ok(self.found)
    }

    /// The settings of a file, without those of the files that it includes; none when it is not there.
    async fn settings_of(&self, file: &Path) -> Result<Vec<Setting>, GitFailure> {
        let Some(file) = self.resolved(file.to_path_buf()).await? else { return Ok(Vec::new()) };
        let mut arguments = words(["config", "--list", "-z", "--no-includes", "--file"]);
        arguments.push(file.into_os_string());
        let asked = Invocation {
            folder: &self.place.top,
            sees: Sees::Nothing,
            configuration: &[],
            arguments: &arguments,
            input: &[],
        };
        let said = self.git.run(asked, self.cancel).await?;
        if !said.success || said.cut {
            return Err(self.refused(&format!("cannot be read ({})", first_line(&said.stderr))));
        }
        let settings = said.stdout.split(|byte| *byte == 0).filter(|entry| !entry.is_empty());
        Ok(settings
            .map(|entry| {
                let end = entry.iter().position(|byte| *byte == b'\n');
                let (name, value) = entry.split_at(end.unwrap_or(entry.len()));
                Setting { name: name.to_vec(), value: value.get(1..).unwrap_or_default().to_vec() }
            })
            .collect())
    }

    /// Where a file that the repository names really is, within what may be read.
    async fn resolved(&self, file: PathBuf) -> Result<Option<PathBuf>, GitFailure> {
        let (place, roots) = (self.place.clone(), Arc::clone(&self.roots));
        on_disk(self.git, self.cancel, move |stop| {
            let Some(file) = Enclosure::new(&place, &roots, stop).resolve(&file)? else { return Ok(None) };
            let metadata = std::fs::symlink_metadata(&file).map_err(|error| unreadable(&file, &error))?;
            let refused = |why: &str| GitFailure::Forbidden(format!("{} {why}", file.display()));
            if !metadata.is_file() {
                return Err(refused("is not a regular file"));
            }
            if metadata.len() > MAX_FILE_BYTES {
                return Err(refused("is larger than a configuration is read"));
            }
            Ok(Some(file))
        })
        .await
    }

    /// Judges one setting. Gives the file that it includes, if it does.
    async fn examine(&mut self, file: &Path, setting: &Setting) -> Result<Option<PathBuf>, GitFailure> {
        let name = Name::of(&setting.name);
        let shown = || String::from_utf8_lossy(&setting.name).into_owned();
        // A branch may have any name, and no setting of a branch names a program.
        if std::str::from_utf8(&setting.name).is_err() && name.section != b"branch" {
            return Err(self.refused(&format!("has a setting whose name is not UTF-8: {}", shown())));
        }
        if name.is_program() && std::str::from_utf8(&setting.value).is_err() {
            return Err(self.refused(&format!("names a program in {} that is not UTF-8", shown())));
        }
        match name.section {
            b"include" | b"includeif" if name.variable == b"path" => {
                self.included(file, &setting.value).map(Some)
            }
            b"extensions" if !is_known(&name, &setting.value) => Err(self.refused(&format!(
                "has {} = {}, which is not known here and could place parts of the repository elsewhere",
                shown(),
                String::from_utf8_lossy(&setting.value)
            ))),
            b"core" if name.between.is_none() => {
                if let Some((_, spelled)) = FILES.iter().find(|(variable, _)| name.variable == *variable) {
                    self.pointed(spelled, &setting.value).await;
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn included(&self, file: &Path, written: &[u8]) -> Result<PathBuf, GitFailure> {
        if is_expanded(written) {
            return Err(self.refused(&format!(
                "includes {}, a file outside of the repository. Include it from your own ~/.gitconfig instead",
                String::from_utf8_lossy(written)
            )));
        }
        Ok(file.with_file_name(path_of(written)))
    }

    /// A file outside is not read, and the changes say so. One inside is named by the path that was checked, so that git does not
    /// interpret the repository's own words.
    async fn pointed(&mut self, spelled: &str, written: &[u8]) {
        let found = if is_expanded(written) {
            None
        } else {
            self.resolved(self.place.top.join(path_of(written))).await.ok()
        };
        let path = match found {
            Some(Some(path)) => path.to_str().filter(|path| !is_expanded(path.as_bytes())).map(str::to_owned),
            Some(None) => Some("/dev/null".to_owned()),
            None => None,
        };
        if path.is_none() {
            self.found.notes.push(format!(
                "{spelled} of the repository names a file that may not be read; it was left out"
            ));
        }
        self.found.overrides.push((spelled.to_owned(), path.unwrap_or_else(|| "/dev/null".to_owned())));
    }

    fn refused(&self, why: &str) -> GitFailure {
        let top = self.place.top.display();
        GitFailure::Forbidden(format!("the repository {top} is not read: its configuration {why}"))
    }
}

/// Whether git makes another path of this one (git-config(1), "pathname"): a home, the folder of its installation, an option.
fn is_expanded(written: &[u8]) -> bool {
    [b"~".as_slice(), b"%(", b":("].iter().any(|sign| written.starts_with(sign))
}

fn is_known(extension: &Name<'_>, value: &[u8]) -> bool {
    extension.between.is_none()
        && EXTENSIONS.contains(&extension.variable)
        && (extension.variable != b"refstorage" || REF_STORAGE.contains(&value))
}

/// Takes their programs from every driver and hook among the names of settings, the user's own included: git would start them to
/// compare a file with what is stored. There is no one switch for that, so each is named.
///
/// # Errors
/// A name cannot be decoded, so that it cannot be overridden, or there are too many.
pub(super) fn disarm(names: &[u8]) -> Result<Vec<(String, String)>, GitFailure> {
    let mut armed = BTreeSet::new();
    for setting in names.split(|byte| *byte == 0) {
        let name = Name::of(setting);
        if let (false, Some(between)) = (name.disarmed().is_empty(), name.between) {
            let refused = || {
                GitFailure::Forbidden(format!(
                    "git's configuration has a setting whose name is not UTF-8: {}",
                    String::from_utf8_lossy(setting)
                ))
            };
            let section = std::str::from_utf8(name.section).map_err(|_| refused())?;
            armed.insert((section, std::str::from_utf8(between).map_err(|_| refused())?, name.disarmed()));
        }
    }
    if armed.len() > MAX_DISARMED {
        return Err(GitFailure::Forbidden(format!(
            "git's configuration has more than {MAX_DISARMED} drivers and hooks"
        )));
    }
    let override_each = |(section, between, settings): (&str, &str, &'static [(&str, &str)])| {
        let named = format!("{section}.{between}");
        settings.iter().map(move |(variable, value)| (format!("{named}.{variable}"), (*value).to_owned()))
    };
    Ok(armed.into_iter().flat_map(override_each).collect())
}

/// The arguments that list the names of all settings that are in force.
pub(super) fn all_names() -> Vec<OsString> {
    words(["config", "--list", "-z", "--name-only", "--includes"])
}
