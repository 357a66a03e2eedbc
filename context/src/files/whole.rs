//! One file's whole text, and the rules for what may be shown, for files that are found by other means than a caller's words.

use std::io::Read as _;
use std::path::Path;

use super::budget::Limits;
use super::deny;
use super::encoding::{Encoding, SNIFF, Sniffed, sniff};
use super::open::open_beneath;
use super::read::{Load, Loaded, Selection, load};
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
    pub(crate) encoding: Encoding,
    /// What was not clear about its text.
    pub(crate) note: Option<String>,
}

/// Reads a file whole by the rules for all files: beneath a root, no secrets, text, not too large.
pub(crate) fn read_whole(roots: &Roots, path: &Path) -> Result<WholeText, Rejection> {
    let located = roots.admit(path)?;
    let limits = Limits::default();
    let too_large = || Rejection::Unsuitable(format!("larger than {} bytes", limits.whole_bytes));
    match load(&located.root, &located.absolute, &Selection::Whole, u32::MAX, false, &limits)? {
        Load::Text(mut loaded) if loaded.complete => {
            let text = std::mem::take(&mut loaded.parts).into_iter().map(|part| part.text).collect();
            let Loaded { lines, hash, bytes, encoding, note, .. } = loaded;
            Ok(WholeText { text, lines, hash, bytes, encoding, note })
        }
        Load::Text(_) | Load::TooLarge(_) => Err(too_large()),
    }
}

/// What the beginning of a file looks like; `None` when it may not or cannot be read.
pub(crate) fn looks_like(roots: &Roots, path: &Path) -> Option<Sniffed> {
    let located = roots.admit(path).ok()?;
    let file = open_beneath(&located.root, &located.absolute).ok()?;
    let mut head = Vec::new();
    file.take(SNIFF as u64).read_to_end(&mut head).ok()?;
    (!head.is_empty()).then(|| sniff(&head))
}

/// Why a file is refused for its name, if it is.
pub(crate) fn refused_by_name(path: &Path) -> Option<&'static str> {
    deny::by_name(path, false)
}
