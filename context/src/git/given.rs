//! What was read of a file's changes.

use super::patch::{Hunk, MAX_LINE, Patch};
use crate::{evidence::PRIVATE_KEY, files::WholeText, lfs};
use exai_core::humanize::counted;

/// What was read of a file's changes.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) hunks: Vec<Hunk>,
    /// Lines that there was no room for.
    pub(super) dropped: u64,
    /// Lines that were cut.
    pub(super) long_lines: u32,
    /// Whether it has to be shown how each line ends.
    pub(super) mixed_ends: bool,
    /// What is to be said of the changes.
    pub(super) remarks: Vec<String>,
    /// The file on disk.
    pub(super) on_disk: Option<OnDisk>,
}

/// A file on disk as it was when its changes were read.
#[derive(Debug)]
pub(super) struct OnDisk {
    pub(super) hash: String,
    pub(super) bytes: u64,
    pub(super) lines: u32,
}

impl From<&WholeText> for OnDisk {
    fn from(whole: &WholeText) -> Self {
        Self { hash: whole.hash.clone(), bytes: whole.bytes, lines: whole.lines }
    }
}

impl Given {
    /// Adds the changes of a patch; a file that became a link has two.
    pub(super) fn add(&mut self, patch: Patch) {
        let mut lines = patch.hunks.iter().flat_map(|hunk| &hunk.lines);
        let is_pointer = lines.clone().any(|line| lfs::begins_pointer(&line.text))
            && lines.all(|line| lfs::is_pointer_line(&line.text));
        self.hunks.extend(patch.hunks);
        self.dropped += patch.dropped;
        self.long_lines += patch.long_lines;
        self.mixed_ends |= patch.mixed_ends;
        self.remarks.extend(patch.remark);
        if is_pointer {
            self.remark("a pointer of Git LFS: what it stands for is not here");
        }
        if patch.replaced {
            self.remark("not valid UTF-8: unreadable bytes are shown as U+FFFD");
        }
    }

    /// Says something of the changes, once.
    pub(super) fn remark(&mut self, words: &str) {
        if !self.remarks.iter().any(|said| said == words) {
            self.remarks.push(words.to_owned());
        }
    }

    /// Why lines are not given whole, if some are not.
    pub(super) fn cut_lines(&self) -> Option<String> {
        (self.long_lines > 0).then(|| {
            let lines = counted(self.long_lines as usize, "line");
            format!("{lines} longer than {MAX_LINE} bytes cut")
        })
    }
}

/// Why a change is not shown that shows a private key, whether it comes or goes.
pub(super) fn refused_for_key() -> String {
    format!("refused: {PRIVATE_KEY}")
}
