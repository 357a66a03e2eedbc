//! Reviews in Markdown: tables with a column for the severity, headings for severities, marked list items and lines.
//!
//! What is read is certain: a severity in its own cell, heading or mark, or a place in a file. The text is delivered as well, because only
//! the model knows whether the rest of it reports something.

mod blocks;
mod table;

use exai_core::Severity;
use serde_json::Map;

use self::blocks::{Block, Kind, blocks};
use super::may_hold_findings;
use crate::{
    citations::{cite_text, first_place},
    coverage, doubt,
    inert::{is_inert, says_clean},
    reading::{Reading, Understood},
    severity::{Said, SeverityWords, is_filler},
    shape::{ExpertAnswer, RawFinding, marked},
};

/// Reads a review; `None` when no finding in it is certain.
pub(crate) fn read(text: &str, words: &SeverityWords) -> Option<Reading> {
    let mut review = Review {
        words,
        findings: Vec::new(),
        heading: Said::nothing(),
        place: String::new(),
        open: None,
        is_awaited: false,
        is_doubtful: false,
        is_loose: false,
        left: String::new(),
        headings: String::new(),
    };
    for block in blocks(text) {
        review.take(&block);
    }
    let Review { findings, left, headings, is_awaited, mut is_doubtful, is_loose, .. } = review;
    if findings.is_empty() {
        return None;
    }
    is_doubtful |= is_awaited || may_hold_findings(&left, words) || speaks_of_severity(&left, words);
    let is_loose = is_loose || !is_inert(&left, true) || findings.iter().any(may_be_several);
    let summary = left.trim().to_owned();
    let answer = ExpertAnswer { findings, ..ExpertAnswer::in_words(summary, text) };
    let is_whole = !is_doubtful
        && (doubt::is_decided(&answer) || !is_loose && !coverage::misses(text, &answer, &headings, words));
    let understood = if is_whole { Understood::Whole } else { Understood::Partly };
    Some(Reading { answer: Some(answer), understood, remarks: String::new() })
}

/// Whether the words of a mild finding may report another one: they name several places, or something worse.
fn may_be_several(finding: &RawFinding) -> bool {
    let text = &finding.detail;
    let places = cite_text(text, &[]);
    let first = places.first();
    places
        .iter()
        .any(|place| first.is_some_and(|first| (&place.path, place.line) != (&first.path, first.line)))
        || doubt::severe_in(text).is_some_and(|severity| severity < finding.said.severity)
}

struct Review<'w> {
    words: &'w SeverityWords,
    findings: Vec<RawFinding>,
    /// What the last heading says of the findings below it.
    heading: Said,
    place: String,
    /// How deep in lists the last finding stands, while what follows may belong to it.
    open: Option<usize>,
    /// Whether nothing stands below the last heading for a high severity yet.
    is_awaited: bool,
    /// Whether something that was added to a finding may report another one.
    is_doubtful: bool,
    /// Whether something was added to a finding only because it stands behind it.
    is_loose: bool,
    /// What belongs to no finding.
    left: String,
    /// Headings that were read as the severity or the place of what is below them.
    headings: String,
}

impl Review<'_> {
    fn take(&mut self, block: &Block<'_>) {
        match &block.kind {
            Kind::Table(rows) => {
                let found = table::findings(rows, &self.place, self.words);
                self.open = None;
                if found.is_empty() {
                    self.leave(block.text);
                }
                // The names of its columns say nothing by themselves.
                if let Some(names) = rows.first().filter(|_| !found.is_empty()) {
                    self.headings.push_str(&names.join("\n"));
                    self.headings.push('\n');
                }
                self.is_awaited &= found.is_empty();
                self.findings.extend(found);
            }
            Kind::Heading => self.heading(block.text),
            Kind::Item | Kind::Paragraph => self.words(block),
            Kind::Other if self.belongs(block) && !block.text.starts_with('<') => self.add(block.text),
            Kind::Other => self.leave(block.text),
        }
    }

    /// Whether a block stands inside the item of the last finding, or behind a finding that is no item.
    fn belongs(&self, block: &Block<'_>) -> bool {
        self.open.is_some_and(|depth| block.depth >= depth)
    }

    fn heading(&mut self, text: &str) {
        let bare = unnumbered(text.trim_start_matches('#'));
        self.open = None;
        self.is_doubtful |= self.is_awaited;
        self.is_awaited = false;
        if self.begins(bare, 0) {
            return;
        }
        self.heading = Said::nothing();
        let (said, rest) = marked(bare, self.words);
        if said != Said::nothing() && first_place(rest).is_none() {
            // "### High severity issues" stands over a list; what follows the word names no defect when it is known.
            self.is_awaited = said.severity <= Severity::High;
            self.heading = said;
            self.known(bare, rest);
            return;
        }
        if let Some(place) = first_place(bare) {
            self.place = place.to_owned();
            self.known(bare, bare);
            return;
        }
        if is_file(bare) {
            bare.trim_matches('`').clone_into(&mut self.place);
            return;
        }
        self.leave(text);
    }

    /// Keeps a heading that says nothing besides its severity or place.
    fn known(&mut self, text: &str, rest: &str) {
        let words = rest.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let is_known = |word: &str| {
            is_filler(word)
                || self.words.read(word).is_some()
                || self.place.contains(word)
                || is_inert(word, true)
        };
        if words.into_iter().all(is_known) {
            self.headings.push_str(text);
            self.headings.push('\n');
        }
    }

    /// A paragraph or an item: a finding of its own, more of the last one, or neither.
    fn words(&mut self, block: &Block<'_>) {
        let text = block.text.trim();
        let is_item = block.kind == Kind::Item;
        // Lines that each begin a finding are one paragraph in Markdown.
        if let Some((first, rest)) = self.split(text) {
            self.words(&Block { kind: block.kind.clone(), text: first, depth: block.depth });
            self.words(&Block { kind: Kind::Paragraph, text: rest, depth: block.depth });
            return;
        }
        if self.begins(text, block.depth) {
            return;
        }
        if says_clean(text) && block.depth <= 1 {
            self.is_awaited = false;
            self.open = None;
            self.leave(block.text);
            return;
        }
        if is_item && self.heading != Said::nothing() && block.depth == 1 {
            self.push(self.heading.clone(), text, block.depth);
        } else if self.belongs(block) && (!is_item || block.depth > 1) {
            self.is_loose |= block.depth == 0 && !is_inert(text, true);
            self.add(block.text);
        } else {
            self.open = None;
            self.leave(block.text);
        }
    }

    /// The text in front of the second of its lines that begins a finding, and the text from there on.
    fn split<'t>(&self, text: &'t str) -> Option<(&'t str, &'t str)> {
        let ends = memchr::memchr_iter(b'\n', text.as_bytes());
        let next = ends
            .map(|end| end + 1)
            .find(|at| text.get(*at..).is_some_and(|rest| self.beginning(rest).is_some()))?;
        text.split_at_checked(next)
    }

    /// Whether a text begins with a severity and names a place, or begins with a place.
    fn begins(&mut self, text: &str, depth: usize) -> bool {
        let said = self.beginning(text);
        if let Some(said) = said.clone() {
            self.push(said, text, depth);
        }
        said.is_some()
    }

    fn beginning(&self, text: &str) -> Option<Said> {
        let (said, rest) = marked(unnumbered(text), self.words);
        let first_line = text.lines().next().unwrap_or_default();
        let is_marked = said != Said::nothing() && !rest.trim().is_empty();
        let place = first_place(first_line);
        let leads = place.is_some_and(|place| first_line.find(place).is_some_and(|at| at <= 4));
        if is_marked && (place.is_some() || !self.place.is_empty() || is_bracketed(text)) {
            return Some(said);
        }
        if leads {
            let (inner, _) = first_line.split_once(place.unwrap_or_default()).map_or(
                (Said::nothing(), ""),
                |(_, rest)| {
                    let rest = rest.trim_start_matches(|c: char| {
                        c.is_ascii_digit() || matches!(c, ':' | '-' | '`' | '*' | ' ' | '–' | '—')
                    });
                    marked(rest, self.words)
                },
            );
            let said = if inner == Said::nothing() { self.heading.clone() } else { inner };
            return (said != Said::nothing()).then_some(said);
        }
        None
    }

    fn push(&mut self, said: Said, text: &str, depth: usize) {
        self.is_awaited = false;
        let (_, rest) = marked(text, self.words);
        let place = first_place(text).map(str::to_owned);
        let path = place.unwrap_or_else(|| self.place.clone());
        let mut finding = RawFinding::in_words(said, &path, text);
        if finding.title.is_empty() {
            rest.clone_into(&mut finding.title);
        }
        finding.more = Map::new();
        self.findings.push(finding);
        self.open = Some(depth);
    }

    fn add(&mut self, text: &str) {
        self.is_doubtful |= speaks_of_severity(text, self.words);
        if let Some(last) = self.findings.last_mut() {
            last.detail.push_str("\n\n");
            last.detail.push_str(text.trim_end());
        }
    }

    fn leave(&mut self, text: &str) {
        if !self.left.is_empty() {
            self.left.push_str("\n\n");
        }
        self.left.push_str(text.trim());
    }
}

/// A text without the number in front of it: `1.`, `2)`, `3.1`.
fn unnumbered(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ')' | ' '))
}

/// Whether a word for a high severity is anywhere in a text: it may speak of a finding.
fn speaks_of_severity(text: &str, words: &SeverityWords) -> bool {
    let runs = text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty());
    runs.into_iter().any(|word| words.read(word).is_some_and(|severity| severity <= Severity::High))
}

/// `[HIGH] …` and `**Critical:** …` mark a finding by themselves.
fn is_bracketed(text: &str) -> bool {
    let bare = text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ')' | ' ' | '-'));
    bare.starts_with(['[', '【']) || bare.starts_with("**")
}

fn is_file(text: &str) -> bool {
    let bare = text.trim_matches(|c: char| matches!(c, '`' | '*' | ' '));
    !bare.contains(' ')
        && bare.rsplit(['/', '\\']).next().is_some_and(|name| name.contains('.') && !name.ends_with('.'))
}
