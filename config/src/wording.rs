//! A user's own system prompts: files in a folder that take the place of the built-in ones.

use std::{fs, path::Path, sync::Arc};

use exai_prompts::{MAX_OVERRIDE_BYTES, Wording};

use super::{keys, layers::Layers, paths, place::Places, problems::Problems};

/// The folder next to `config.toml` that is used when no other is named.
const FOLDER: &str = "prompts";

/// Reads `NAME.md` of the folder. What cannot be used is reported, and the built-in words stand.
pub(super) fn read(layers: &Layers, places: &Places, problems: &mut Problems) -> Arc<Wording> {
    let named = paths::path_of(layers, &keys::PROMPTS_DIR, problems);
    let folder = named.clone().unwrap_or_else(|| places.config.join(FOLDER));
    if !folder.is_dir() {
        if named.is_some() {
            problems.error(format!("prompts_dir: {} is not a folder", folder.display()));
        }
        return Arc::new(Wording::built_in());
    }
    let (wording, errors) = Wording::with(files(&folder, problems));
    for error in errors {
        problems.error(format!("{}: {error}; the built-in words are used", folder.display()));
    }
    Arc::new(wording)
}

fn files(folder: &Path, problems: &mut Problems) -> Vec<(String, String)> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            problems.error(format!("prompts_dir: {} cannot be read: {error}", folder.display()));
            return Vec::new();
        }
    };
    let mut files = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_prompt = path.extension().is_some_and(|ending| ending == "md");
        let Some(name) = path.file_stem().and_then(|name| name.to_str()).filter(|_| is_prompt) else {
            continue;
        };
        // The length is checked before anything is read; a little more than is allowed is enough to be refused.
        let most = u64::try_from(MAX_OVERRIDE_BYTES).unwrap_or(u64::MAX).saturating_mul(2);
        match fs::metadata(&path) {
            Ok(found) if found.len() > most => {
                problems.error(format!("{}: is larger than {MAX_OVERRIDE_BYTES} bytes", path.display()));
            }
            _ => match fs::read_to_string(&path) {
                Ok(text) => files.push((name.to_owned(), text)),
                Err(error) => problems.error(format!("{}: cannot be read: {error}", path.display())),
            },
        }
    }
    files.sort();
    files
}
