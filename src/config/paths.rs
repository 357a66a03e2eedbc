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

/// The paths of a setting that is a list.
pub(super) fn paths_of(layers: &Layers, key: &Key, problems: &mut Problems) -> Vec<PathBuf> {
    let found = layers.look_up(key);
    let variable = |name: &str| layers.variable(name).map(str::to_owned);
    Expander::new(&variable, home()).list(&found.value).unwrap_or_else(|problem| {
        problems.error(format!("{} (from {}): {problem}", key.path, found.origin));
        Vec::new()
    })
}

/// The path that a text means, with the environment of the program.
pub(super) fn expanded(layers: &Layers, written: &str) -> Result<PathBuf, String> {
    let variable = |name: &str| layers.variable(name).map(str::to_owned);
    Expander::new(&variable, home()).path(written)
}

fn home() -> Option<PathBuf> {
    etcetera::home_dir().ok()
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
