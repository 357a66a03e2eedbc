//! The prompt of an agent: its role, the conversation so far, the names of files, and the request.

use exai_context::files::Roots;
use exai_core::thread::Thread;

use crate::error::EngineError;
use exai_core::transcript;

/// The most files that are named.
const MAX_FILES: usize = 200;
/// The longest history, in characters; the latest turns stay.
const MAX_HISTORY: usize = 60_000;

/// The files with their paths and sizes. The agent reads their contents itself.
pub(super) fn references(roots: &Roots, files: &[String]) -> Result<Vec<String>, EngineError> {
    if files.len() > MAX_FILES {
        let count = files.len();
        return Err(EngineError::invalid(
            "absolute_file_paths",
            format!("has {count} entries, at most {MAX_FILES} are taken; name folders instead"),
        ));
    }
    files
        .iter()
        .map(|file| {
            let located = roots.locate(file).map_err(|rejection| {
                EngineError::invalid("absolute_file_paths", format!("{file}: {rejection}"))
            })?;
            let range = located
                .range
                .map(|range| format!(", lines {} to {}", range.first, range.last))
                .unwrap_or_default();
            let size = std::fs::metadata(&located.absolute).map(|found| found.len()).unwrap_or_default();
            let what = if located.is_folder { "folder".to_owned() } else { format!("{size} bytes{range}") };
            Ok(format!("- {} ({what})", located.absolute.display()))
        })
        .collect()
}

/// The whole prompt.
pub(super) fn render(orders: &str, thread: Option<&Thread>, files: &[String], request: &str) -> String {
    let mut text = format!("{}\n", orders.trim());
    if let Some(thread) = thread {
        let history = history(thread);
        if !history.is_empty() {
            text.push_str("\n# The conversation so far\n");
            text.push_str(&history);
        }
    }
    if !files.is_empty() {
        text.push_str("\n# Files to look at\n");
        text.push_str(&files.join("\n"));
        text.push('\n');
    }
    text.push_str("\n# Request\n");
    text.push_str(request.trim());
    text.push('\n');
    text
}

fn history(thread: &Thread) -> String {
    let mut turns: Vec<String> = Vec::new();
    let mut length = 0;
    for turn in thread.turns.iter().rev() {
        let words = transcript::words(&turn.body);
        if words.trim().is_empty() {
            continue;
        }
        let text = format!("\n## {} ({})\n{}\n", transcript::speaker(&turn.body), turn.tool, words.trim());
        length += text.chars().count();
        if length > MAX_HISTORY {
            break;
        }
        turns.push(text);
    }
    turns.reverse();
    turns.concat()
}
