//! What the list of changes leaves open: whether a touched binary file differs, and which commit a submodule is at.

use std::{collections::HashSet, ffi::OsString};

use super::{
    base::short,
    change::Changed,
    diff_arguments::patch_arguments,
    failure::GitFailure,
    listing::ListedFile,
    patch::{self, Mark},
    program::words,
    repository::Repository,
};

/// The most binary files that are hashed; the others count as changed.
const MAX_HASHED: usize = 1_000;

/// Drops binary files that are the same as before: git lists those that were merely touched, without comparing them.
pub(super) async fn without_equal_binaries(
    repository: &Repository,
    mut entries: Vec<ListedFile>,
) -> Result<Vec<ListedFile>, GitFailure> {
    let is_open = |entry: &ListedFile| {
        entry.letter == b'M'
            && entry.lines.is_none()
            && entry.modes.old == entry.modes.new
            && entry.modes.new.starts_with("100")
            && entry.objects.new.bytes().all(|byte| byte == b'0')
            && is_plain(entry.path.as_encoded_bytes())
    };
    let open: Vec<&ListedFile> = entries.iter().filter(|entry| is_open(entry)).take(MAX_HASHED).collect();
    if open.is_empty() {
        return Ok(entries);
    }
    let mut input = Vec::new();
    for entry in &open {
        input.extend_from_slice(entry.path.as_encoded_bytes());
        input.push(b'\n');
    }
    let said = repository.ask(&words(["hash-object", "--no-filters", "--stdin-paths"]), &input).await?;
    let hashes = String::from_utf8_lossy(&said.stdout);
    let equal: HashSet<OsString> = open
        .iter()
        .zip(hashes.lines())
        .filter(|(entry, hash)| entry.objects.old == *hash)
        .map(|(entry, _)| entry.path.clone())
        .collect();
    entries.retain(|entry| !equal.contains(&entry.path));
    Ok(entries)
}

/// Whether git reads a line with this path as this path: it undoes quotes, and drops a carriage return at the end.
pub(super) fn is_plain(path: &[u8]) -> bool {
    !path.contains(&b'\n') && !path.starts_with(b"\"") && !path.ends_with(b"\r")
}

/// Says of each changed submodule from which commit to which it went. The list does not name the one that is checked out.
pub(super) async fn name_submodules(
    repository: &Repository,
    comparison: &[OsString],
    files: &mut [Changed],
) -> Result<(), GitFailure> {
    let paths: Vec<OsString> =
        files.iter().filter(|file| file.is_submodule).map(|file| file.from_top.clone()).collect();
    if paths.is_empty() {
        return Ok(());
    }
    let mut arguments = patch_arguments(repository);
    arguments.extend(comparison.iter().cloned());
    arguments.extend(words(["--"]));
    arguments.extend(paths);
    let patches = patch::parse(&repository.tell(&arguments, &[]).await?);
    for file in files.iter_mut().filter(|file| file.is_submodule) {
        let name = file.from_top.to_string_lossy();
        let lines = || {
            patches
                .iter()
                .filter(|patch| patch.path() == name)
                .flat_map(|patch| &patch.hunks)
                .flat_map(|hunk| &hunk.lines)
        };
        let commit = |mark: Mark| {
            lines()
                .find(|line| line.mark == mark)
                .and_then(|line| line.text.strip_prefix("Subproject commit "))
                .unwrap_or("0")
        };
        file.note = Some(submodule_note(commit(Mark::Removed), commit(Mark::Added)));
    }
    Ok(())
}

/// What is said of a submodule.
pub(super) fn submodule_note(before: &str, after: &str) -> String {
    format!("submodule, commit {} to {}", commit(before), commit(after))
}

fn commit(object: &str) -> &str {
    if object.bytes().all(|byte| byte == b'0') { "none" } else { short(object) }
}
