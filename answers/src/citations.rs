//! Checks what an answer cites against the evidence that was given.
//!
//! A finding is verified when its file was given, its line lies in what was given of it, and the quoted text is within
//! three lines of that line. Nothing here reads a file: the evidence is the text the expert saw.

mod mention;
mod path;
mod quote;

use std::{cmp::Ordering, collections::HashMap};

use exai_context::evidence::EvidenceFile;
use exai_core::{Finding, Verified};

pub use mention::{MAX_CITATIONS, cite_text};

use crate::{
    citations::{
        path::{Match, resolve},
        quote::Given,
    },
    json_repair::RawFinding,
};

/// How far from the cited line a quote may stand, in lines.
pub const QUOTE_DISTANCE: u32 = 3;

/// Checks each finding, sorts them by severity, path and line, and merges those with the same path, line and title.
///
/// A verified finding names the line where its quote starts, and its file by the evidence's own path. An unverified one
/// keeps the model's line. A finding without a line is never verified: its line is where its quote is when that is
/// one place only, else 0.
#[must_use]
pub fn check_findings(raw: Vec<RawFinding>, evidence: &[EvidenceFile]) -> Vec<Finding> {
    let mut given = HashMap::new();
    let mut findings: Vec<Finding> =
        raw.into_iter().map(|finding| check(finding, evidence, &mut given)).collect();
    findings.sort_by(order);
    merge(findings)
}

/// Marks verified findings as stale when `changed` says that their file on disk is no longer what was given. `changed` is
/// asked at most once for each file.
pub fn mark_stale(
    findings: &mut [Finding],
    evidence: &[EvidenceFile],
    changed: &dyn Fn(&EvidenceFile) -> bool,
) {
    let mut asked: HashMap<&str, bool> = HashMap::new();
    for finding in findings.iter_mut().filter(|finding| finding.verified == Verified::Yes) {
        let Some(file) = evidence.iter().find(|file| file.path == finding.path) else { continue };
        if *asked.entry(file.path.as_str()).or_insert_with(|| changed(file)) {
            finding.verified = Verified::Stale;
        }
    }
}

fn check<'e>(
    raw: RawFinding,
    evidence: &'e [EvidenceFile],
    given: &mut HashMap<&'e str, Given<'e>>,
) -> Finding {
    let mut finding = Finding {
        severity: raw.severity,
        path: raw.path,
        line: raw.line.unwrap_or(0),
        end_line: raw.end_line.filter(|end| raw.line.is_some_and(|line| *end > line)),
        quote: raw.quote,
        title: raw.title,
        detail: raw.detail,
        fix: raw.fix,
        verified: Verified::No,
    };
    let Some(found) = resolve(&finding.path, evidence) else { return finding };
    let file = found.file();
    let lines = given.entry(file.path.as_str()).or_insert_with(|| Given::of(file));
    let place = match raw.line {
        Some(line) => lines.find_near(&finding.quote, line, QUOTE_DISTANCE),
        None => lines.find_only(&finding.quote),
    };
    if let (Some(line), Some(place)) = (raw.line, place) {
        finding.verified = Verified::Yes;
        // A range moves as a whole.
        let moved = |end: u32| end.saturating_sub(line).saturating_add(place).min(file.lines.max(place));
        finding.end_line = finding.end_line.map(moved).filter(|end| *end > place);
    }
    if let Some(place) = place {
        finding.line = place;
    }
    // A path that merely ends like a given file may mean another one, unless the quote says otherwise.
    if matches!(found, Match::Sure(_)) || finding.verified == Verified::Yes {
        finding.path.clone_from(&file.path);
    }
    finding
}

fn order(a: &Finding, b: &Finding) -> Ordering {
    a.severity
        .cmp(&b.severity)
        .then_with(|| a.path.cmp(&b.path))
        .then_with(|| a.line.cmp(&b.line))
        .then_with(|| a.title.cmp(&b.title))
}

/// Keeps the first (worst) of findings with the same path, line and title, filled up from the others.
fn merge(findings: Vec<Finding>) -> Vec<Finding> {
    let mut places: HashMap<(String, u32, String), usize> = HashMap::new();
    let mut merged: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings {
        let key = (finding.path.clone(), finding.line, finding.title.clone());
        match places.get(&key).and_then(|&index| merged.get_mut(index)) {
            Some(kept) => absorb(kept, finding),
            None => {
                places.insert(key, merged.len());
                merged.push(finding);
            }
        }
    }
    merged
}

fn absorb(kept: &mut Finding, other: Finding) {
    if kept.verified != Verified::Yes && other.verified == Verified::Yes {
        kept.verified = Verified::Yes;
        kept.quote = other.quote;
    }
    kept.end_line = kept.end_line.max(other.end_line);
    for (mine, theirs) in [(&mut kept.detail, other.detail), (&mut kept.fix, other.fix)] {
        if theirs.len() > mine.len() {
            *mine = theirs;
        }
    }
}
