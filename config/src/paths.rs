//! Settings that are paths.

use std::path::{Path, PathBuf};

use super::{expand::Expander, key::Key, layers::Layers, problems::Problems};

/// The path of a setting; `None` when it is not set. One that cannot be expanded is reported, and counts as not set.
pub(super) fn path_of(layers: &Layers, key: &Key, problems: &mut Problems) -> Option<PathBuf> {
    let found = layers.look_up(key);
    if found.value.is_empty() {
        return None;
    }
    expanded(layers, &found.value)
        .map_err(|problem| problems.error(format!("{} (from {}): {problem}", key.path, found.origin)))
        .ok()
}

/// The paths of a setting that is a list. Each that cannot be expanded is reported, and the others stand.
pub(super) fn paths_of(layers: &Layers, key: &Key, problems: &mut Problems) -> Vec<PathBuf> {
    let found = layers.look_up(key);
    let variable = |name: &str| layers.variable(name).map(str::to_owned);
    let paths = Expander::new(&variable, home()).list(&found.value).into_iter();
    paths
        .filter_map(|path| {
            path.map_err(|problem| problems.error(format!("{} (from {}): {problem}", key.path, found.origin)))
                .ok()
        })
        .collect()
}

/// The path that a text means, with the environment of the program.
pub(super) fn expanded(layers: &Layers, written: &str) -> Result<PathBuf, String> {
    let variable = |name: &str| layers.variable(name).map(str::to_owned);
    Expander::new(&variable, home()).path(written)
}

fn home() -> Option<PathBuf> {
    etcetera::home_dir().ok()
}

/// What keeps files from being written to a folder; `None` when nothing does. Only an attempt tells, and leaves nothing behind.
pub(super) fn why_not_written(folder: &Path) -> Option<String> {
    let there = folder.ancestors().find(|path| path.symlink_metadata().is_ok())?;
    let attempt = there.join(format!(".exai-check-{}", std::process::id()));
    let error = std::fs::create_dir(&attempt).and_then(|()| std::fs::remove_dir(&attempt)).err()?;
    let what = if there == folder { "written to" } else { "made" };
    Some(format!("{} cannot be {what}: {error}", folder.display()))
}

/// What keeps a folder from being used or made; `None` when nothing does.
pub(super) fn why_no_folder(folder: &Path) -> Option<String> {
    let there = folder.ancestors().find(|path| path.symlink_metadata().is_ok())?;
    let is_folder = there.is_dir();
    match (is_folder, there == folder) {
        (true, _) => None,
        (false, true) => Some(format!("{} is not a folder", folder.display())),
        (false, false) => {
            Some(format!("{} cannot be made: {} is not a folder", folder.display(), there.display()))
        }
    }
}
