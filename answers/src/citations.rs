//! Checks what an answer cites against the evidence that was given.
//!
//! Nothing here reads a file: the evidence is the text the expert saw. What is found speaks of the quote, not of the claim.

mod mention;
mod path;
mod quote;
mod reading;

use std::collections::{HashMap, HashSet};

use exai_context::evidence::EvidenceFile;
use exai_core::{Citation, Finding};

pub(crate) use mention::first_place;
pub use mention::{MAX_CITATIONS, cite_text};

use crate::{
    citations::{
        path::{Match, resolve},
        quote::{Found, Given},
    },
    shape::RawFinding,
};

/// How far from the cited line a quote may stand and still be the nearest one meant, in lines.
pub const QUOTE_DISTANCE: u32 = 3;

/// Checks each finding and puts the worst first; the order within a severity is the model's. One that is there twice is kept once.
///
/// A finding whose quote was found names the line where the quote starts, and its file by the evidence's own path. Any other keeps what the
/// model said. A finding without a line gets that of its quote when the quote is in one place only, else 0.
#[must_use]
pub fn check_findings(raw: Vec<RawFinding>, evidence: &[EvidenceFile]) -> Vec<Finding> {
    let mut given = HashMap::new();
    let mut findings: Vec<Finding> =
        raw.into_iter().map(|finding| check(finding, evidence, &mut given)).collect();
    findings.sort_by_key(|finding| finding.severity);
    let mut seen = HashSet::new();
    findings.retain(|finding| seen.insert(serde_json::to_string(finding).unwrap_or_default()));
    findings
}

/// What a place cites: the file as the evidence names it, and the line where the quote was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The file; as the model named it unless it was found.
    pub path: String,
    /// The line; 0 when there is none.
    pub line: u32,
    /// What was found.
    pub citation: Citation,
}

/// Marks what was found as stale when `changed` says that its file on disk is no longer what was given. `changed` is asked at most
/// once for each file.
pub fn mark_stale(
    findings: &mut [Finding],
    evidence: &[EvidenceFile],
    changed: &dyn Fn(&EvidenceFile) -> bool,
) {
    let mut asked: HashMap<&str, bool> = HashMap::new();
    let depends =
        |finding: &&mut Finding| finding.citation.is_found() || finding.citation == Citation::LineExists;
    for finding in findings.iter_mut().filter(depends) {
        let Some(file) = evidence.iter().find(|file| file.path == finding.path) else { continue };
        if *asked.entry(file.path.as_str()).or_insert_with(|| changed(file)) {
            finding.citation = Citation::Stale;
        }
    }
}

/// Checks one place of an answer that is no finding, such as that of a hypothesis.
#[must_use]
pub fn check_place(path: &str, line: Option<u32>, quote: &str, evidence: &[EvidenceFile]) -> Checked {
    let range = line.map(|line| line..=line);
    place(path, range.as_ref(), quote, evidence, &mut HashMap::new())
}

fn check<'e>(
    raw: RawFinding,
    evidence: &'e [EvidenceFile],
    given: &mut HashMap<&'e str, Given<'e>>,
) -> Finding {
    let end_line = raw.end_line.filter(|end| raw.line.is_some_and(|line| *end > line));
    let cited = raw.line.map(|line| line..=end_line.unwrap_or(line));
    let Checked { path, line, citation } = place(&raw.path, cited.as_ref(), &raw.quote, evidence, given);
    // A range moves as a whole, within its file.
    let lines = resolve(&path, evidence).map_or(u32::MAX, |found| found.file().lines).max(line);
    let moved = |end: u32| end.saturating_sub(raw.line.unwrap_or(line)).saturating_add(line).min(lines);
    let end_line = if citation == Citation::Moved { end_line.map(moved) } else { end_line };
    Finding {
        severity: raw.said.severity,
        severity_word: raw.said.word,
        path,
        line,
        end_line: end_line.filter(|end| *end > line),
        quote: raw.quote,
        title: raw.title,
        detail: raw.detail,
        fix: raw.fix,
        citation,
        cut: raw.cut,
        more: raw.more,
    }
}

fn place<'e>(
    path: &str,
    cited: Option<&std::ops::RangeInclusive<u32>>,
    quote: &str,
    evidence: &'e [EvidenceFile],
    given: &mut HashMap<&'e str, Given<'e>>,
) -> Checked {
    let line = cited.map(|cited| *cited.start());
    let unknown = Checked { path: path.to_owned(), line: line.unwrap_or(0), citation: Citation::NotGiven };
    let Some(resolved) = resolve(path, evidence) else { return unknown };
    let file = resolved.file();
    let lines = given.entry(file.path.as_str()).or_insert_with(|| Given::of(file));
    let (line, citation) = match lines.find(quote, cited, QUOTE_DISTANCE) {
        // Within a cited range the quote tells the very line; the range is what the model meant.
        Found::There => (line, Citation::Exact),
        Found::At(found) if line.is_none() => (Some(found), Citation::Exact),
        Found::At(found) => (Some(found), Citation::Moved),
        Found::Removed(found) => (line.or(Some(found)), Citation::Removed),
        Found::Several => (line, Citation::Ambiguous),
        Found::NoQuote if line.is_some_and(|line| lines.has(line)) => (line, Citation::LineExists),
        Found::NoQuote | Found::Nowhere => (line, Citation::Absent),
    };
    // A path that merely ends like a given file may mean another one, unless the quote says otherwise.
    match resolved {
        Match::Likely(_) if !citation.is_found() => unknown,
        Match::Sure(_) | Match::Likely(_) => {
            Checked { path: file.path.clone(), line: line.unwrap_or(0), citation }
        }
    }
}
