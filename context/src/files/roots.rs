//! The folders that are open to this server: which candidates count, and which are too wide to be meant.

use std::path::{Component, Path, PathBuf};

use super::deny;

/// Where a root comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootOrigin {
    /// The operator's configuration.
    Configured,
    /// The variable in which a client names its project.
    ClientProject,
    /// The MCP `roots/list` answer of a client.
    ClientRoots,
    /// The folder the server was started in.
    WorkingDirectory,
}

/// A folder that might become a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootCandidate {
    /// Absolute, as it was proposed.
    pub path: PathBuf,
    /// Where it comes from.
    pub origin: RootOrigin,
}

/// A candidate that did not become a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredRoot {
    /// As it was proposed.
    pub path: PathBuf,
    /// Where it comes from.
    pub origin: RootOrigin,
    /// Why it was ignored, for diagnostics.
    pub reason: &'static str,
}

/// The folders beneath which files may be read. Cheap to build: a few system calls a candidate.
#[derive(Debug, Clone, Default)]
pub struct Roots {
    paths: Vec<PathBuf>,
    ignored: Vec<IgnoredRoot>,
    home: Option<PathBuf>,
    user_excludes: Option<PathBuf>,
}

/// Folders of the operating system. None of them is a root, and what lies below is one only when an operator configured it.
const SYSTEM: &[&str] = &[
    "/Applications",
    "/Library",
    "/System",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/private/etc",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/var",
];

/// Never open, not even by configuration: reading there shows the machine, or acts on it.
const KERNEL: &[&str] = &["/dev", "/proc", "/sys"];

/// Whether a canonical path lies in `/proc`, `/sys` or `/dev`.
pub(crate) fn is_kernel(path: &Path) -> bool {
    KERNEL.iter().any(|top| path.starts_with(top))
}

impl Roots {
    /// Keeps the candidates that exist, are folders and are narrow enough, in the given order. A root inside another one is
    /// covered by it. `home` is the home of the user the server runs as; a leading `~` in file names stands for it.
    pub fn resolve(candidates: impl IntoIterator<Item = RootCandidate>, home: Option<&Path>) -> Self {
        let home = home.map(|home| std::fs::canonicalize(home).unwrap_or_else(|_| home.to_path_buf()));
        let mut roots = Self { home, ..Self::default() };
        for candidate in candidates {
            match admit(&candidate, roots.home.as_deref()) {
                Ok(path) => roots.insert(path),
                Err(reason) => {
                    let RootCandidate { path, origin } = candidate;
                    roots.ignored.push(IgnoredRoot { path, origin, reason });
                }
            }
        }
        roots
    }

    /// The same with the ignore file that the user has for all repositories.
    #[must_use]
    pub fn with_user_excludes(mut self, path: Option<PathBuf>) -> Self {
        self.user_excludes = path;
        self
    }

    /// The ignore file that the user has for all repositories. It may not be there.
    pub(crate) fn user_excludes(&self) -> Option<&Path> {
        self.user_excludes.as_deref()
    }

    /// The roots, canonical, none inside another, in the order they were proposed.
    #[must_use]
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// The candidates that were ignored, with the reason.
    #[must_use]
    pub fn ignored(&self) -> &[IgnoredRoot] {
        &self.ignored
    }

    /// The home folder that `~` stands for.
    pub(crate) fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// The root that contains a canonical path; compared by component, so `/srv/ab` is not inside `/srv/a`.
    pub(crate) fn containing(&self, canonical: &Path) -> Option<&Path> {
        self.paths.iter().map(PathBuf::as_path).find(|root| canonical.starts_with(root))
    }

    /// The name of a canonical path in prompts: relative when there is one root, absolute otherwise.
    pub(crate) fn display(&self, canonical: &Path) -> String {
        let name = match self.paths.as_slice() {
            [root] => canonical.strip_prefix(root).unwrap_or(canonical),
            _ => canonical,
        };
        if name.as_os_str().is_empty() { ".".to_owned() } else { name.to_string_lossy().into_owned() }
    }

    fn insert(&mut self, path: PathBuf) {
        if self.containing(&path).is_none() {
            self.paths.retain(|known| !known.starts_with(&path));
            self.paths.push(path);
        }
    }
}

/// The canonical folder, or why it cannot be a root.
fn admit(candidate: &RootCandidate, home: Option<&Path>) -> Result<PathBuf, &'static str> {
    if !candidate.path.is_absolute() {
        return Err("not an absolute path");
    }
    let path = std::fs::canonicalize(&candidate.path).map_err(|_| "does not exist, or cannot be reached")?;
    if path.parent().is_none() {
        return Err("the root of the file system is too wide");
    }
    if is_home_or_above(&path, home) {
        return Err("a home folder, or a folder above one, is too wide");
    }
    if is_kernel(&path) {
        return Err("a folder of the kernel");
    }
    let below_home = home.is_some_and(|home| path.starts_with(home));
    for top in SYSTEM.iter().map(Path::new) {
        if path == top {
            return Err("a system folder");
        }
        if path.starts_with(top) && !below_home && candidate.origin != RootOrigin::Configured {
            return Err("inside a system folder: only a configured root may be there");
        }
    }
    if deny::by_name(&path, true).is_some() {
        return Err("a folder that holds secrets");
    }
    if !path.is_dir() {
        return Err("not a folder");
    }
    Ok(path)
}

/// Homes of other users are recognised by their place: `/home/name` and `/Users/name`.
fn is_home_or_above(path: &Path, home: Option<&Path>) -> bool {
    if home.is_some_and(|home| home.starts_with(path)) {
        return true;
    }
    ["/home", "/Users"].iter().any(|homes| {
        path.strip_prefix(homes).is_ok_and(|below| {
            below.components().filter(|part| matches!(part, Component::Normal(_))).count() <= 1
        })
    })
}
