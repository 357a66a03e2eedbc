//! Files that an answer contains, saved under one folder and never outside it.

#[cfg(unix)]
mod folder;
#[cfg(not(unix))]
#[path = "save/unsupported.rs"]
mod folder;
mod marked;

use std::path::Path;

use exai_core::humanize::counted;
use serde_json::Value;

use self::{
    folder::Folder,
    marked::{Marked, marked},
};

/// What was saved.
pub(super) struct Saved {
    /// Every file and what became of it, a line each.
    pub(super) report: String,
    /// Whether every file of the answer was saved.
    pub(super) is_complete: bool,
}

/// Saves the files that an answer contains.
///
/// Nothing at all is saved when one of the files is there already, unless `force` is set.
pub(super) fn save(folder: &Path, force: bool, answer: &Value) -> Saved {
    let text = answer.get("content").and_then(Value::as_str).unwrap_or_default();
    let Marked { files, refused } = marked(text);
    let mut report: String = refused.iter().map(|why| format!("not saved: {why}\n")).collect();
    if files.is_empty() {
        report.push_str("nothing was saved: the answer contains no file with a path\n");
        return Saved { report, is_complete: false };
    }
    let root = match Folder::open(folder) {
        Ok(root) => root,
        Err(error) => {
            report.push_str(&format!("nothing was saved: {}: {error}\n", folder.display()));
            return Saved { report, is_complete: false };
        }
    };
    let there: Vec<&String> = files.keys().filter(|path| !force && root.has(path)).collect();
    if !there.is_empty() {
        for path in there {
            report.push_str(&format!("already there: {}\n", folder.join(path).display()));
        }
        report.push_str("nothing was saved; give another folder, or --force to replace these files\n");
        return Saved { report, is_complete: false };
    }
    let mut is_complete = refused.is_empty();
    for (path, text) in &files {
        let place = folder.join(path);
        match root.write(path, text, force) {
            Ok(()) => {
                let lines = counted(text.lines().count(), "line");
                report.push_str(&format!("saved {} ({lines})\n", place.display()));
            }
            Err(error) => {
                is_complete = false;
                report.push_str(&format!("not saved: {}: {error}\n", place.display()));
            }
        }
    }
    Saved { report, is_complete }
}
