//! Evidence for the tests of citations.

use exai_context::evidence::{EvidenceFile, Segment};

/// A file of `lines` lines, of which the given segments were given.
pub(crate) fn excerpted(path: &str, lines: u32, segments: &[(u32, &str)]) -> EvidenceFile {
    EvidenceFile {
        path: path.to_owned(),
        absolute: format!("/home/u/proj/{path}").into(),
        hash: "0".repeat(64),
        bytes: 0,
        lines,
        segments: segments
            .iter()
            .map(|&(first_line, text)| Segment { first_line, text: text.to_owned() })
            .collect(),
        removed: Vec::new(),
    }
}

/// A file that was given whole.
pub(crate) fn whole(path: &str, text: &str) -> EvidenceFile {
    excerpted(path, u32::try_from(text.lines().count()).unwrap_or(u32::MAX), &[(1, text)])
}
