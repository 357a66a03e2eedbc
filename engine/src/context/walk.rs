//! Takes the files worth reading out of a folder, in a fixed order and within bounds.

use std::path::{Path, PathBuf};
use std::sync::mpsc;

use ignore::{DirEntry, WalkBuilder};

use super::budget::Limits;

/// What a folder holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    File(PathBuf),
    /// A symbolic link; whoever follows it checks where it leads.
    Link(PathBuf),
    /// Left out, with the reason.
    Skipped(PathBuf, String),
}

/// How much of the limits of a call is left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quota {
    files: usize,
    entries: usize,
    depth: usize,
}

impl Quota {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { files: limits.walked_files, entries: limits.walked_entries, depth: limits.walk_depth }
    }
}

/// Entries of a folder in the order of their names, and whether a limit cut the walk short.
///
/// Leaves out hidden entries and what `.gitignore`, `.ignore` and git's own exclude files name, in a git repository or not.
/// The folder itself is walked even when it is hidden or ignored, because the caller named it.
pub(crate) fn walk(folder: &Path, quota: &mut Quota) -> (Vec<Found>, Option<String>) {
    let (sender, installed) = mpsc::channel();
    let walker = WalkBuilder::new(folder)
        .require_git(false)
        .follow_links(false)
        .max_depth(Some(quota.depth))
        .sort_by_file_name(Ord::cmp)
        .filter_entry(move |entry| {
            let pass = !is_installed(entry);
            // The receiver lives as long as the walk.
            pass || sender.send(entry.path().to_path_buf()).is_err()
        })
        .build();
    let mut found = Vec::new();
    let mut cut = None;
    for entry in walker {
        if quota.files == 0 || quota.entries == 0 {
            cut = Some(
                "more files than are taken out of folders in one call; name sub-folders or files".to_owned(),
            );
            break;
        }
        quota.entries -= 1;
        match entry {
            Ok(entry) => match classify(entry, quota.depth) {
                Some(file @ Found::File(_)) => {
                    quota.files -= 1;
                    found.push(file);
                }
                other => found.extend(other),
            },
            Err(error) => found.push(unreadable(folder, &error)),
        }
    }
    let reason = "installed or generated files; name a file in it to include it";
    found.extend(installed.try_iter().map(|path| Found::Skipped(path, reason.to_owned())));
    (found, cut)
}

fn classify(entry: DirEntry, depth: usize) -> Option<Found> {
    let kind = entry.file_type()?;
    if kind.is_dir() {
        let deepest = entry.depth() > 0 && entry.depth() >= depth;
        return deepest.then(|| {
            Found::Skipped(entry.into_path(), "too deep; name this folder to include it".to_owned())
        });
    }
    if kind.is_symlink() {
        return Some(Found::Link(entry.into_path()));
    }
    if !kind.is_file() {
        return Some(Found::Skipped(entry.into_path(), "not a regular file".to_owned()));
    }
    let reason = entry.file_name().to_str().and_then(generated);
    Some(match reason {
        Some(what) => Found::Skipped(entry.into_path(), format!("{what}; name it to include it")),
        None => Found::File(entry.into_path()),
    })
}

fn unreadable(folder: &Path, error: &ignore::Error) -> Found {
    let reason = error
        .io_error()
        .map_or_else(|| "cannot be read".to_owned(), |io| format!("cannot be read: {}", io.kind()));
    let mut at = error;
    loop {
        match at {
            ignore::Error::WithPath { path, .. } => return Found::Skipped(path.clone(), reason),
            ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => at = err,
            _ => return Found::Skipped(folder.to_path_buf(), reason),
        }
    }
}

/// Folders that a package manager or a build filled, by the marks that they leave for this purpose.
fn is_installed(entry: &DirEntry) -> bool {
    if entry.depth() == 0 || !entry.file_type().is_some_and(|kind| kind.is_dir()) {
        return false;
    }
    let name = entry.file_name();
    ["node_modules", "bower_components", "__pycache__"].iter().any(|known| name == *known)
        || ["CACHEDIR.TAG", "pyvenv.cfg"].iter().any(|mark| entry.path().join(mark).exists())
}

/// Files that a program wrote and nobody reviews.
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
