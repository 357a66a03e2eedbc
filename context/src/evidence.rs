//! Typed evidence: the text of files that was opened for one call. The prompt is rendered from it, the offline inspection reads
//! it, and citations are checked against it, so all three mean the same lines.

use std::path::PathBuf;

use serde::Serialize;

/// Why a file is refused that holds a private key.
pub const PRIVATE_KEY: &str =
    "a private key stands in it; a dummy key of a test is refused as well, because it looks the same";

/// A run of consecutive lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Number of the first line, from 1.
    pub first_line: u32,
    /// The lines, each ending in `\n` (the last one may lack it). Never carries line numbers.
    pub text: String,
}

/// A file, or the parts of it that are given to the expert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceFile {
    /// The name in the prompt and in findings: relative to the root when there is one root, absolute otherwise.
    pub path: String,
    /// Where it was read.
    pub absolute: PathBuf,
    /// BLAKE3 of the whole file as 64 hex digits.
    pub hash: String,
    /// Size of the whole file.
    pub bytes: u64,
    /// Lines of the whole file.
    pub lines: u32,
    /// What is given, in order, without overlap.
    pub segments: Vec<Segment>,
    /// Lines of the old side that a change removes and that are given, each run with the number of the line that follows it on the new side.
    pub removed: Vec<Segment>,
}

impl EvidenceFile {
    /// Whether every line of the file is given.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let given: usize = self.segments.iter().map(|segment| segment.text.lines().count()).sum();
        given == self.lines as usize
    }

    /// Whether these are the same parts of the same file.
    #[must_use]
    pub fn shows(&self, other: &Self) -> bool {
        self.path == other.path && self.hash == other.hash && self.segments == other.segments
    }

    /// The text of one line, when that line is given.
    #[must_use]
    pub fn line(&self, number: u32) -> Option<&str> {
        self.segments.iter().find_map(|segment| {
            let offset = number.checked_sub(segment.first_line)?;
            segment.text.lines().nth(offset as usize)
        })
    }
}

/// What happened to a file that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileStatus {
    /// Given whole (or the whole range that was asked for).
    Included,
    /// Given in part, because the budget did not allow more.
    Excerpted,
    /// Not given; the reason is harmless (binary, ignored, over budget, not there).
    Skipped,
    /// Not given; policy forbids it.
    Refused,
}

/// The account of one offered file, for the answer's metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// As in [`EvidenceFile::path`], or as the caller wrote it when it was not opened.
    pub path: String,
    /// What happened to it.
    pub status: FileStatus,
    /// Why, for everything but `included`; also says when a file of an earlier turn has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Estimated tokens that it takes in the prompt.
    pub tokens: u32,
    /// Whether something of it that was named or changed is not shown: who has to see all of it has not seen this. What a folder holds and
    /// nobody reviews, such as a lock file, is not meant.
    #[serde(skip)]
    pub unseen: bool,
    /// Whether the caller named it, not a folder around it.
    #[serde(skip)]
    pub named: bool,
    /// How many files this line stands for; more than one where those of a folder were only counted.
    #[serde(skip)]
    pub files: u64,
}

impl FileReport {
    /// One file with an outcome and its reason.
    #[must_use]
    pub fn new(path: String, status: FileStatus, reason: Option<String>, tokens: u32) -> Self {
        Self { path, status, reason, tokens, unseen: status == FileStatus::Excerpted, named: false, files: 1 }
    }

    /// Whether the reason is that a private key stands in it.
    #[must_use]
    pub fn tells_of_private_key(&self) -> bool {
        self.reason.as_deref().is_some_and(|reason| reason.contains(PRIVATE_KEY))
    }

    /// The same, where what is left out had to be seen.
    #[must_use]
    pub fn unseen(self) -> Self {
        Self { unseen: true, ..self }
    }
}
