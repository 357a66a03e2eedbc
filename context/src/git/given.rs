//! What was read of a file's changes.

use super::patch::Hunk;

/// What was read of a file's changes.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) hunks: Vec<Hunk>,
    /// Lines that there was no room for.
    pub(super) dropped: u64,
}

/// Why a change is not shown that brings a private key.
pub(super) const KEY: &str = "refused: a private key";
