//! The files that a call names, before anybody is asked: a name that is misspelt must not end in a review of less than was meant.

use std::path::Path;

use exai_context::{
    evidence::FileReport,
    files::{Rejection, Roots},
};

use crate::{call::Call, error::EngineError, prompt_files::Gathered};

/// The most missing files that are told of.
const MAX_TOLD: usize = 10;
/// The most names that are offered in place of a missing one.
const MAX_NEAR: usize = 3;
/// How alike a name must be to be offered, from 0 to 1.
const ALIKE: f64 = 0.75;
/// The most entries of a folder that are compared.
const MAX_ENTRIES: usize = 10_000;

/// Fails when one of the files does not exist.
///
/// # Errors
/// [`EngineError::FilesNotFound`] with the nearest names.
pub(crate) async fn check_named(files: &[String], call: &Call) -> Result<(), EngineError> {
    if files.is_empty() {
        return Ok(());
    }
    let (roots, files) = (call.roots.roots().await, files.to_vec());
    let work = tokio::task::spawn_blocking(move || {
        let is_missing = |file: &&String| matches!(roots.locate(file), Err(Rejection::NotThere));
        let missing: Vec<&String> = files.iter().filter(is_missing).collect();
        let told = missing.iter().take(MAX_TOLD).map(|file| with_near_names(file, &roots));
        let mut told: Vec<String> = told.collect();
        if missing.len() > MAX_TOLD {
            told.push(format!("and {} more", missing.len() - MAX_TOLD));
        }
        told
    });
    let told = work.await.unwrap_or_default();
    if told.is_empty() { Ok(()) } else { Err(EngineError::FilesNotFound { files: told.join("; ") }) }
}

/// Fails when a call named files and the model would see nothing of any of them.
///
/// # Errors
/// [`EngineError::InvalidInput`] with the reason of each.
pub(crate) fn check_readable(
    field: &'static str,
    named: bool,
    gathered: &Gathered,
) -> Result<(), EngineError> {
    if !named || !gathered.files.is_empty() || gathered.report.is_empty() {
        return Ok(());
    }
    let reason =
        |file: &FileReport| format!("{}: {}", file.path, file.reason.as_deref().unwrap_or("not given"));
    let mut reasons: Vec<String> = gathered.report.iter().take(MAX_TOLD).map(reason).collect();
    if gathered.report.len() > MAX_TOLD {
        reasons.push(format!("and {} more", gathered.report.len() - MAX_TOLD));
    }
    Err(EngineError::invalid(
        field,
        format!(
            "none of it can be read: {}. Name text files or folders with text; for PDF and office documents use file_query",
            reasons.join("; ")
        ),
    ))
}

fn with_near_names(file: &str, roots: &Roots) -> String {
    let near = near_names(file, roots);
    if near.is_empty() {
        return format!("`{file}` does not exist");
    }
    format!("`{file}` does not exist; near it: {}", near.join(", "))
}

/// Names in the same folder that are much like the missing one. Hidden ones are not told.
fn near_names(file: &str, roots: &Roots) -> Vec<String> {
    let path = Path::new(file);
    let folder = path.parent().and_then(Path::to_str).filter(|folder| !folder.is_empty()).unwrap_or(".");
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Vec::new() };
    let Ok(located) = roots.locate(folder) else { return Vec::new() };
    let Ok(entries) = std::fs::read_dir(&located.absolute) else { return Vec::new() };
    let mut near: Vec<(f64, String)> = entries
        .take(MAX_ENTRIES)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|entry| !entry.starts_with('.'))
        .map(|entry| {
            (strsim::normalized_damerau_levenshtein(&entry.to_lowercase(), &name.to_lowercase()), entry)
        })
        .filter(|(alike, _)| *alike >= ALIKE)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let shown = |entry: String| if folder == "." { entry } else { format!("{folder}/{entry}") };
    near.into_iter().take(MAX_NEAR).map(|(_, entry)| shown(entry)).collect()
}
