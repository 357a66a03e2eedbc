//! One file's whole text, and the rules for what may be shown, for files that are found by other means than a caller's words.

use std::path::Path;

use super::budget::Limits;
use super::deny;
use super::read::{Load, Selection, load};
use super::rejection::Rejection;
use super::roots::Roots;

/// The text of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WholeText {
    /// The text, its line ends normalised.
    pub(crate) text: String,
    /// Lines in it.
    pub(crate) lines: u32,
    /// BLAKE3 of the bytes as 64 hex digits.
    pub(crate) hash: String,
    /// Size of the file.
    pub(crate) bytes: u64,
}

/// Reads a file whole by the rules for all files: beneath a root, no secrets, text, not too large.
pub(crate) fn read_whole(roots: &Roots, path: &Path) -> Result<WholeText, Rejection> {
    let located = roots.admit(path)?;
    let limits = Limits::default();
    let too_large = || Rejection::Unsuitable(format!("larger than {} bytes", limits.whole_bytes));
    match load(&located.root, &located.absolute, &Selection::Whole, u32::MAX, false, &limits)? {
        Load::Text(loaded) if loaded.complete => {
            let text = loaded.parts.into_iter().map(|part| part.text).collect();
            Ok(WholeText { text, lines: loaded.lines, hash: loaded.hash, bytes: loaded.bytes })
        }
        Load::Text(_) | Load::TooLarge(_) => Err(too_large()),
    }
}

/// Why a file is refused for its name, if it is.
pub(crate) fn refused_by_name(path: &Path) -> Option<&'static str> {
    deny::by_name(path, false)
}
