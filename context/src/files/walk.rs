//! Takes the files worth reading out of a folder, in a fixed order and within bounds.

use std::ffi::{OsStr, OsString};
use std::fs::FileType;
use std::path::{Path, PathBuf};

use super::budget::Limits;
use super::deny;
use super::ignoring::{Comparing, IgnoreFiles, Rules, Verdict};

/// What a folder holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    File(PathBuf),
    /// A symbolic link; the code that follows it checks where it leads.
    Link(PathBuf),
    /// Left out although it may hold text to be read, with the reason.
    Skipped(PathBuf, String),
    /// Left out because nobody reviews it, with the reason.
    Passed(PathBuf, String),
}

/// How much of the limits of a call is left.
pub(crate) struct Quota<'a> {
    files: usize,
    entries: usize,
    depth: usize,
    work: Comparing,
    /// What holds in every folder.
    rules: Rules,
    pub(crate) ignore_files: IgnoreFiles,
    /// Whether the call is over; its answer is no longer waited for.
    is_over: &'a dyn Fn() -> bool,
}

impl<'a> Quota<'a> {
    /// `user_excludes` is the ignore file that the user has for all repositories.
    pub(crate) fn new(limits: &Limits, user_excludes: Option<&Path>, is_over: &'a dyn Fn() -> bool) -> Self {
        let mut ignore_files = IgnoreFiles::new(limits);
        Self {
            files: limits.walked_files,
            entries: limits.walked_entries,
            depth: limits.walk_depth,
            work: Comparing::new(limits.ignore_steps),
            rules: Rules::new(user_excludes.and_then(|path| ignore_files.users(path))),
            ignore_files,
            is_over,
        }
    }
}

/// What a walk found.
#[derive(Debug)]
pub(crate) struct Walked {
    /// In the order of their names.
    pub(crate) found: Vec<Found>,
    /// Why the walk ended before the folder did, if it did.
    pub(crate) cut: Option<String>,
    /// Files that were counted and not taken out.
    pub(crate) beyond: u64,
}

/// Walks a folder.
///
/// Leaves out hidden entries and what `.gitignore`, `.ignore` and a repository's own exclude file name, in a git repository or
/// not; the ignore files of the folders above hold too, up to the root, and the user's own. The folder itself is walked even when it is hidden or
/// ignored, because the caller named it. Links are not followed.
pub(crate) fn walk(root: &Path, folder: &Path, quota: &mut Quota<'_>) -> Walked {
    let mut walk = Walk {
        root,
        rules: quota.rules.clone(),
        quota,
        levels: Vec::new(),
        path: folder.to_path_buf(),
        below: Vec::new(),
        found: Vec::new(),
        installed: Vec::new(),
        cut: None,
        beyond: 0,
    };
    walk.begin(folder);
    while walk.step() {}
    let reason = "installed or generated files; name a file in it to include it";
    walk.found.extend(walk.installed.into_iter().map(|path| Found::Passed(path, reason.to_owned())));
    let Walk { found, cut, beyond, .. } = walk;
    let counted = (beyond > 0)
        .then(|| format!("{beyond} more files in it are not taken out; name sub-folders or files"));
    Walked { found, cut: cut.or(counted), beyond }
}

struct Walk<'a, 'b> {
    root: &'a Path,
    quota: &'a mut Quota<'b>,
    rules: Rules,
    /// What is still to be looked at in the folder that is walked and in those above it.
    levels: Vec<std::vec::IntoIter<Child>>,
    /// The folder that is walked.
    path: PathBuf,
    /// The same relative to the root, with slashes on every system.
    below: Vec<u8>,
    found: Vec<Found>,
    installed: Vec<PathBuf>,
    cut: Option<String>,
    beyond: u64,
}

struct Child {
    name: OsString,
    kind: FileType,
}

impl Walk<'_, '_> {
    fn begin(&mut self, folder: &Path) {
        let root = self.root;
        let mut above = root.to_path_buf();
        for part in folder.strip_prefix(root).unwrap_or(Path::new("")) {
            self.rules.enter(&mut self.quota.ignore_files, root, &above, &self.below);
            above.push(part);
            append(&mut self.below, part);
        }
        // The folder counts as one of the entries.
        match self.quota.entries.checked_sub(1) {
            Some(left) => self.quota.entries = left,
            None => return self.cut_short(TOO_MANY),
        }
        self.open_folder();
    }

    /// Looks at the next entry; false when there is none.
    fn step(&mut self) -> bool {
        if (self.quota.is_over)() {
            self.cut_short("the call ended before everything in it was looked at");
            return false;
        }
        let Some(level) = self.levels.last_mut() else { return false };
        let Some(entry) = level.next() else {
            self.levels.pop();
            self.rules.leave();
            if !self.levels.is_empty() {
                self.path.pop();
                leave(&mut self.below);
            }
            return true;
        };
        let length = self.below.len();
        append(&mut self.below, &entry.name);
        let verdict = self.rules.verdict(&self.below, entry.kind.is_dir(), &mut self.quota.work);
        let descended = !self.quota.work.is_spent() && self.take(&entry, verdict);
        if !descended {
            self.below.truncate(length);
        }
        if self.quota.work.is_spent() {
            self.cut_short(
                "comparing its entries with its ignore files takes too long; name sub-folders or files",
            );
            return false;
        }
        // Beyond the files that are taken out the others are still counted.
        self.cut.is_none()
    }

    /// Decides about an entry; whether it is a folder that is walked next.
    fn take(&mut self, entry: &Child, verdict: Verdict) -> bool {
        let hidden = entry.name.as_encoded_bytes().first() == Some(&b'.');
        let left_out = match verdict {
            Verdict::Ignored => true,
            Verdict::Unmentioned => hidden,
            // Git's own folder is no entry for git, whatever is kept.
            Verdict::Kept => deny::is_version_control(&entry.name),
        };
        if left_out {
            return false;
        }
        let path = self.path.join(&entry.name);
        if entry.kind.is_dir() && is_installed(&entry.name, &path) {
            self.installed.push(path);
            return false;
        }
        if self.quota.files == 0 && !entry.kind.is_dir() {
            self.beyond += u64::from(matches!(classify(entry, path), Found::File(_)));
            return false;
        }
        if entry.kind.is_dir() {
            if self.levels.len() >= self.quota.depth {
                self.found.push(Found::Skipped(path, "too deep; name this folder to include it".to_owned()));
                return false;
            }
            self.path = path;
            self.open_folder();
            return true;
        }
        let found = classify(entry, path);
        self.quota.files -= usize::from(matches!(found, Found::File(_)));
        self.found.push(found);
        false
    }

    /// Reads the names in the folder at `path` and its ignore files.
    fn open_folder(&mut self) {
        let Quota { entries, is_over, .. } = &mut *self.quota;
        let mut listing = Vec::new();
        let mut more = false;
        match std::fs::read_dir(&self.path) {
            Ok(read) => {
                for entry in read {
                    // A folder can have any number of entries; not all of them are kept to be sorted.
                    if *entries == 0 || is_over() {
                        more = true;
                        break;
                    }
                    *entries -= 1;
                    match entry
                        .and_then(|entry| Ok(Child { kind: entry.file_type()?, name: entry.file_name() }))
                    {
                        Ok(entry) => listing.push(entry),
                        Err(error) => self.found.push(unreadable(&self.path, &error)),
                    }
                }
            }
            Err(error) => self.found.push(unreadable(&self.path, &error)),
        }
        listing.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        self.rules.enter(&mut self.quota.ignore_files, self.root, &self.path, &self.below);
        self.levels.push(listing.into_iter());
        if more {
            self.cut_short(TOO_MANY);
        }
    }

    fn cut_short(&mut self, why: &str) {
        self.cut.get_or_insert_with(|| why.to_owned());
    }
}

const TOO_MANY: &str = "more files than are taken out of folders in one call; name sub-folders or files";

fn append(below: &mut Vec<u8>, name: &OsStr) {
    if !below.is_empty() {
        below.push(b'/');
    }
    below.extend_from_slice(name.as_encoded_bytes());
}

fn leave(below: &mut Vec<u8>) {
    let end = below.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    below.truncate(end);
}

fn classify(entry: &Child, path: PathBuf) -> Found {
    if entry.kind.is_symlink() {
        return Found::Link(path);
    }
    if !entry.kind.is_file() {
        return Found::Passed(path, "not a regular file".to_owned());
    }
    match entry.name.to_str().and_then(generated) {
        Some(what) => Found::Passed(path, format!("{what}; name it to include it")),
        None => Found::File(path),
    }
}

fn unreadable(folder: &Path, error: &std::io::Error) -> Found {
    Found::Skipped(folder.to_path_buf(), format!("cannot be read: {}", error.kind()))
}

/// Folders that a package manager or a build filled, by the marks that they leave for this purpose.
fn is_installed(name: &OsStr, path: &Path) -> bool {
    ["node_modules", "bower_components", "__pycache__"].iter().any(|known| name == *known)
        || ["CACHEDIR.TAG", "pyvenv.cfg"].iter().any(|mark| path.join(mark).exists())
}

/// Files that a program wrote and people do not review.
pub(crate) fn generated(name: &str) -> Option<&'static str> {
    const LOCKS: &[&str] = &[
        "package-lock.json",
        "npm-shrinkwrap.json",
        "pnpm-lock.yaml",
        "bun.lockb",
        "go.sum",
        "packages.lock.json",
        "gradle.lockfile",
        ".terraform.lock.hcl",
    ];
    const GENERATED: &[&str] =
        &[".map", ".pb.go", "_pb2.py", "_pb2_grpc.py", ".g.dart", ".designer.cs", ".snap"];
    let name = name.to_ascii_lowercase();
    let stem = name.rsplit_once('.').map_or("", |(stem, _)| stem);
    if LOCKS.contains(&name.as_str()) || name.ends_with(".lock") {
        return Some("lock file");
    }
    if stem.ends_with(".min") || stem.ends_with("-min") || stem.ends_with(".bundle") {
        return Some("minified file");
    }
    (GENERATED.iter().any(|end| name.ends_with(end)) || stem.ends_with(".generated"))
        .then_some("generated file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_call_is_not_walked_for() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.rs"), "x").unwrap();
        let mut over = Quota::new(&Limits::default(), None, &|| true);
        let Walked { found, cut, .. } = walk(dir.path(), dir.path(), &mut over);
        assert!(found.is_empty() && cut.is_some(), "{found:?}");
        let mut open = Quota::new(&Limits::default(), None, &|| false);
        let Walked { found, cut, .. } = walk(dir.path(), dir.path(), &mut open);
        assert_eq!((found.len(), cut), (1, None));
    }

    #[test]
    fn generated_names_are_known() {
        for name in [
            "Cargo.lock",
            "yarn.lock",
            "package-lock.json",
            "app.min.js",
            "app.js.map",
            "x.pb.go",
            "a.generated.ts",
        ] {
            assert!(generated(name).is_some(), "{name}");
        }
        for name in ["main.rs", "lock.rs", "Makefile", "admin.js", "map.ts", "min.js", "package.json"] {
            assert_eq!(generated(name), None, "{name}");
        }
    }
}
