//! Everything that git will read of a repository lies in its git folder or beneath an allowed root.
//!
//! Git follows links within its folder, and a repository can borrow the objects of another one. Either would show a repository that
//! is not open to this server.

use std::{
    collections::HashSet,
    fs::FileType,
    io::Read as _,
    path::{Component, Path, PathBuf, Prefix},
};

use tokio_util::sync::CancellationToken;

use super::{
    failure::GitFailure,
    os_path::path_of,
    place::{Place, small_file, unreadable},
};
use crate::files::{Roots, open_beneath};

/// The most entries of git folders that are looked at.
const MAX_ENTRIES: usize = 1_000_000;
/// The most folders that lie within each other; git itself nests a handful.
const MAX_DEPTH: usize = 64;
/// The most folders of objects that a repository may borrow from, chains included. Git follows chains of five.
const MAX_BORROWED: usize = 100;
/// The most bytes of a list of borrowed folders.
const MAX_ALTERNATES_BYTES: u64 = 64 * 1024;

/// Folders at the top of a git folder that no command of this server reads: hooks are never run, and submodules are repositories of
/// their own, which are checked when they are looked at. References cannot lead there: each must name a reference.
const NOT_READ: &[&str] = &["hooks", "modules", "lfs", "annex", "rr-cache"];
/// The most bytes of a reference.
const MAX_REFERENCE_BYTES: u64 = 4096;

/// How deep an entry lies, and whether git may take it for a reference.
#[derive(Debug, Clone, Copy, Default)]
struct Below {
    depth: usize,
    is_reference: bool,
}

/// The places that git may read for one repository.
#[derive(Debug)]
pub(super) struct Enclosure<'a> {
    place: &'a Place,
    roots: &'a Roots,
    stop: CancellationToken,
    /// Folders, and whether they were looked at for references.
    seen: HashSet<(PathBuf, bool)>,
    entries: usize,
}

impl<'a> Enclosure<'a> {
    /// Of an admitted repository. The check ends early when `stop` is cancelled.
    pub(super) fn new(place: &'a Place, roots: &'a Roots, stop: CancellationToken) -> Self {
        Self { place, roots, stop, seen: HashSet::new(), entries: 0 }
    }

    /// Whether a canonical path may be read.
    pub(super) fn holds(&self, canonical: &Path) -> bool {
        canonical.starts_with(&self.place.git_dir)
            || canonical.starts_with(&self.place.common_dir)
            || self.roots.containing(canonical).is_some()
    }

    /// Checks every entry of the git folder and of the folders that it borrows objects from.
    ///
    /// # Errors
    /// Something leads out of them, is no file or folder, or cannot be read.
    pub(super) fn check(mut self) -> Result<(), GitFailure> {
        let place = self.place;
        self.check_top(&place.git_dir)?;
        self.check_top(&place.common_dir)?;
        let mut borrowed = vec![place.common_dir.join("objects")];
        let mut at = 0;
        while let Some(objects) = borrowed.get(at).cloned() {
            at += 1;
            for folder in self.alternates(&objects)? {
                if borrowed.contains(&folder) {
                    continue;
                }
                if borrowed.len() > MAX_BORROWED {
                    return Err(self.refused("objects/info/alternates", "names too many folders"));
                }
                self.check_folder(&folder, Below::default())?;
                borrowed.push(folder);
            }
        }
        Ok(())
    }

    fn check_top(&mut self, git_dir: &Path) -> Result<(), GitFailure> {
        if !self.seen.insert((git_dir.to_path_buf(), false)) {
            return Ok(());
        }
        // In tables references are not seen here, so nothing is passed over that they could name.
        let has_tables = std::fs::symlink_metadata(git_dir.join("reftable")).is_ok();
        for (path, kind) in self.listed(git_dir)? {
            let is_read = path.file_name().is_none_or(|name| !NOT_READ.iter().any(|known| name == *known));
            if has_tables || is_read {
                self.check_entry(&path, kind, Below { depth: 1, is_reference: false })?;
            }
        }
        Ok(())
    }

    fn check_folder(&mut self, folder: &Path, below: Below) -> Result<(), GitFailure> {
        if !self.seen.insert((folder.to_path_buf(), below.is_reference)) {
            return Ok(());
        }
        if below.depth > MAX_DEPTH {
            return Err(self.refused(folder, "lies too deep for a part of a git folder"));
        }
        for (path, kind) in self.listed(folder)? {
            self.check_entry(&path, kind, Below { depth: below.depth + 1, ..below })?;
        }
        Ok(())
    }

    fn check_entry(&mut self, path: &Path, kind: FileType, below: Below) -> Result<(), GitFailure> {
        let below = Below { is_reference: below.is_reference || names_reference(path), ..below };
        if kind.is_symlink() {
            let Some(target) = self.resolve(path)? else { return Ok(()) };
            let kind = std::fs::symlink_metadata(&target).map_err(|error| unreadable(path, &error))?;
            return self.check_entry(&target, kind.file_type(), below);
        }
        if kind.is_dir() {
            return self.check_folder(path, below);
        }
        if kind.is_file() {
            return if below.is_reference { self.check_reference(path) } else { Ok(()) };
        }
        if is_socket(kind) {
            return Ok(());
        }
        Err(self.refused(path, "is a pipe or a device"))
    }

    /// A reference may name another one. Git would follow it to any file of its folder.
    fn check_reference(&self, path: &Path) -> Result<(), GitFailure> {
        let Some(folder) = path.parent() else { return Ok(()) };
        let file = open_beneath(folder, path).map_err(|error| self.refused(path, &error.to_string()))?;
        let mut text = Vec::new();
        file.take(MAX_REFERENCE_BYTES).read_to_end(&mut text).map_err(|error| unreadable(path, &error))?;
        match text.strip_prefix(b"ref:").map(<[u8]>::trim_ascii_start) {
            Some(named) if !named.starts_with(b"refs/") => {
                Err(self.refused(path, "names something that is no reference"))
            }
            _ => Ok(()),
        }
    }

    /// Where a path within the repository leads; `None` when there is nothing.
    ///
    /// # Errors
    /// It leads, or would lead, out of what may be read.
    pub(super) fn resolve(&self, path: &Path) -> Result<Option<PathBuf>, GitFailure> {
        let outside = || {
            let why = "leads out of the repository and of the folders that are open to this server. Add the place that it leads to \
                       to the configured roots if it may be read";
            self.refused(path, why)
        };
        let link = std::fs::read_link(path).ok();
        if [Some(path), link.as_deref()]
            .into_iter()
            .flatten()
            .any(|path| is_network(path) && !self.holds(path))
        {
            return Err(outside());
        }
        match std::fs::canonicalize(path) {
            Ok(target) if self.holds(&target) => Ok(Some(target)),
            Ok(_) => Err(outside()),
            Err(error) => {
                let end = link.map_or_else(|| path.to_path_buf(), |link| path.with_file_name("").join(link));
                // A place that cannot be reached must be inside as well, or the answer would reveal what is outside.
                if !deepest(&end).is_some_and(|folder| self.holds(&folder)) {
                    Err(outside())
                } else if error.kind() == std::io::ErrorKind::NotFound {
                    Ok(None)
                } else {
                    Err(unreadable(path, &error))
                }
            }
        }
    }

    /// The folders that a folder of objects borrows from (gitrepository-layout(5), `objects/info/alternates`).
    fn alternates(&self, objects: &Path) -> Result<Vec<PathBuf>, GitFailure> {
        let Some(objects) = self.resolve(objects)? else { return Ok(Vec::new()) };
        let Some(list) = self.resolve(&objects.join("info/alternates"))? else { return Ok(Vec::new()) };
        let text = small_file(&list, MAX_ALTERNATES_BYTES)?.unwrap_or_default();
        let mut folders = Vec::new();
        for line in text.split(|byte| *byte == b'\n') {
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            if line.starts_with(b"\"") {
                return Err(self.refused(&list, "has a quoted path, which is not understood"));
            }
            let path = PathBuf::from(path_of(line));
            // Older versions of git take `..` away without looking at the link before it.
            let mut below = path.components().skip_while(|part| *part == Component::ParentDir);
            if below.any(|part| part == Component::ParentDir) {
                return Err(self.refused(&list, "has a path with `..` within it, which may lead elsewhere"));
            }
            folders.extend(self.resolve(&objects.join(path))?);
        }
        Ok(folders)
    }

    fn listed(&mut self, folder: &Path) -> Result<Vec<(PathBuf, FileType)>, GitFailure> {
        let failed = |error: std::io::Error| unreadable(folder, &error);
        let mut listed = Vec::new();
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            // Git itself tidies up in the background; what is gone is not read.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(listed),
            Err(error) => return Err(failed(error)),
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                let why = format!("has more than {MAX_ENTRIES} entries; run git gc, then try again");
                return Err(self.refused(folder, &why));
            }
            if self.entries.is_multiple_of(1_000) && self.stop.is_cancelled() {
                return Err(GitFailure::Cancelled);
            }
            listed.push((entry.path(), entry.file_type().map_err(failed)?));
        }
        Ok(listed)
    }

    fn refused(&self, what: impl AsRef<Path>, why: &str) -> GitFailure {
        let what = what.as_ref();
        let shown = what.strip_prefix(&self.place.top).unwrap_or(what);
        GitFailure::Forbidden(format!(
            "the repository {} is not read: {} {why}",
            self.place.top.display(),
            shown.display()
        ))
    }
}

/// Whether git takes what has this name for a reference, or for a folder of them: `refs`, `HEAD`, `ORIG_HEAD` and the like. Messages of
/// commits lie next to them and may begin with `ref:`. Some file systems do not distinguish small letters from capitals.
fn names_reference(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_uppercase();
    name == "REFS" || name.ends_with("HEAD")
}

/// The deepest folder on the way to a path that is there, canonical.
fn deepest(path: &Path) -> Option<PathBuf> {
    if path.components().any(|part| part == Component::ParentDir) {
        // What `..` means behind a part that is not there cannot be known.
        return std::fs::canonicalize(path.parent()?).ok();
    }
    path.ancestors().skip(1).find_map(|above| std::fs::canonicalize(above).ok())
}

/// Whether reading the path asks another machine for it: `\\server\share` on Windows.
fn is_network(path: &Path) -> bool {
    path.components().next().is_some_and(|first| match first {
        Component::Prefix(prefix) => {
            matches!(prefix.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..) | Prefix::DeviceNS(_))
        }
        _ => false,
    })
}

#[cfg(unix)]
fn is_socket(kind: FileType) -> bool {
    // Git's own watcher leaves one there. Opening it as a file fails at once.
    std::os::unix::fs::FileTypeExt::is_socket(&kind)
}

#[cfg(not(unix))]
fn is_socket(_kind: FileType) -> bool {
    false
}
