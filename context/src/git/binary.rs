//! Files that git compares as binary ones, and those among them that are text all the same.

use std::{path::PathBuf, sync::Arc};

use super::{change::Changed, failure::GitFailure};
use crate::files::{Encoding, Roots, Sniffed, looks_like};

/// Why the change of a file is not shown that git has no lines of.
pub(super) const BINARY: &str = "binary, or marked so in .gitattributes";
/// The most files whose beginning is looked at.
const MAX_READ: usize = 1_000;

/// Says of a file that git takes for a binary one what it is when it is text on disk. Git takes text in UTF-16 for binary, and what it is
/// told to.
pub(super) async fn name_texts(roots: &Arc<Roots>, files: &mut [Changed]) -> Result<(), GitFailure> {
    let is_open = |file: &&Changed| file.withheld.as_deref() == Some(BINARY);
    let open: Vec<PathBuf> =
        files.iter().filter(is_open).take(MAX_READ).map(|file| file.absolute.clone()).collect();
    if open.is_empty() {
        return Ok(());
    }
    let roots = Arc::clone(roots);
    let look = move || open.iter().map(|path| looks_like(&roots, path).and_then(said)).collect::<Vec<_>>();
    let said = tokio::task::spawn_blocking(look)
        .await
        .map_err(|error| GitFailure::Failed { command: "diff".to_owned(), message: error.to_string() })?;
    let open = files.iter_mut().filter(|file| file.withheld.as_deref() == Some(BINARY));
    for (file, said) in open.zip(said) {
        file.withheld = said.or_else(|| file.withheld.take());
    }
    Ok(())
}

fn said(sniffed: Sniffed) -> Option<String> {
    let what = match sniffed {
        Sniffed::Binary => return None,
        Sniffed::OtherText => "text in another encoding, marked as binary in .gitattributes".to_owned(),
        Sniffed::Text(encoding @ (Encoding::Utf8 | Encoding::Legacy(_))) => {
            format!("text in {}, marked as binary in .gitattributes", encoding.name())
        }
        Sniffed::Text(encoding) => format!("text in {}, which git compares as binary", encoding.name()),
    };
    Some(format!(
        "{what}: what has changed in it is not shown; name the file in relevant_files to have it read whole"
    ))
}
