//! Where a quoted text is in the given parts of a file.

use std::ops::RangeInclusive;

use exai_context::evidence::EvidenceFile;

use super::reading::{Reading, fold, join, plain, readings};

/// A quote with fewer characters than this that are no white space must be a whole line: `}` and `return x` are on many.
const SIGNIFICANT: usize = 8;
/// The most lines over which the pieces of a quote may be spread.
const SPREAD: usize = 40;

/// The given lines of one file.
#[derive(Debug)]
pub(super) struct Given<'e> {
    /// Line number and text, ascending; gaps in the numbers are parts that were left out.
    lines: Vec<(u32, &'e str)>,
    /// Lines that the change removes, with the number of the line that follows.
    removed: Vec<(u32, &'e str)>,
}

/// Where a quote was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// At the cited lines.
    There,
    /// At this line, and at no other that is as near.
    At(u32),
    /// Among the removed lines, in front of this one.
    Removed(u32),
    /// At several lines, none of them near.
    Several,
    /// Nowhere.
    Nowhere,
    /// There is no quote, or one too short to tell anything.
    NoQuote,
}

impl<'e> Given<'e> {
    pub(super) fn of(file: &'e EvidenceFile) -> Self {
        let numbered = |first: u32, text: &'e str| (first..).zip(text.lines());
        let before = |first: u32, text: &'e str| text.lines().map(move |line| (first, line));
        Self {
            lines: file.segments.iter().flat_map(|part| numbered(part.first_line, &part.text)).collect(),
            removed: file.removed.iter().flat_map(|part| before(part.first_line, &part.text)).collect(),
        }
    }

    /// Whether this line was given.
    pub(super) fn has(&self, line: u32) -> bool {
        self.lines.binary_search_by_key(&line, |&(number, _)| number).is_ok()
    }

    /// Looks for a quote: at the cited lines, then at most `distance` lines away, then among removed lines, then anywhere.
    pub(super) fn find(&self, quote: &str, cited: Option<&RangeInclusive<u32>>, distance: u32) -> Found {
        let readings = readings(quote);
        if readings.is_empty() {
            return Found::NoQuote;
        }
        let mut is_too_short = true;
        for reading in &readings {
            let is_long = reading.significant() >= SIGNIFICANT;
            is_too_short &= !is_long;
            let numbers = self.starts(&self.lines, reading, is_long);
            if let Some(found) = nearest(&numbers, cited, distance) {
                return found;
            }
            if let Some(&number) = self.starts(&self.removed, reading, is_long).first() {
                return Found::Removed(number);
            }
            match numbers.as_slice() {
                [] => {}
                // A short line that is unique elsewhere says nothing about a citation far from it.
                [only] if is_long || cited.is_none() => return Found::At(*only),
                _ => return Found::Several,
            }
        }
        // A short piece of the cited line says no more than that the line is there.
        let is_piece =
            || cited.is_some_and(|cited| readings.iter().any(|reading| self.holds(cited, reading)));
        if is_too_short && is_piece() { Found::NoQuote } else { Found::Nowhere }
    }

    /// Whether one of the cited lines holds a reading.
    fn holds(&self, cited: &RangeInclusive<u32>, reading: &Reading) -> bool {
        let lines = self.lines.iter().filter(|(number, _)| cited.contains(number));
        reading
            .only()
            .is_some_and(|only| lines.into_iter().any(|(_, line)| text_of(line, reading).contains(only)))
    }

    /// The numbers of the lines at which a reading starts.
    fn starts(&self, lines: &[(u32, &str)], reading: &Reading, is_long: bool) -> Vec<u32> {
        let is_there = |index: &usize| {
            if is_long { starts_at(lines, reading, *index) } else { is_line(lines, reading, *index) }
        };
        (0..lines.len())
            .filter(is_there)
            .filter_map(|index| lines.get(index).map(|&(number, _)| number))
            .collect()
    }
}

fn nearest(numbers: &[u32], cited: Option<&RangeInclusive<u32>>, distance: u32) -> Option<Found> {
    let cited = cited?;
    if numbers.iter().any(|number| cited.contains(number)) {
        return Some(Found::There);
    }
    let away = |number: &u32| number.abs_diff(*cited.start()).min(number.abs_diff(*cited.end()));
    numbers.iter().copied().filter(|number| away(number) <= distance).min_by_key(away).map(Found::At)
}

fn text_of(line: &str, reading: &Reading) -> String {
    let folded = fold(line);
    if reading.is_plain { plain(&folded) } else { folded }
}

fn is_line(lines: &[(u32, &str)], reading: &Reading, index: usize) -> bool {
    lines.get(index).is_some_and(|&(_, line)| reading.only() == Some(text_of(line, reading).as_str()))
}

/// Whether the first piece starts on the line at `index`, and the others follow it without a gap in the numbers.
fn starts_at(lines: &[(u32, &str)], reading: &Reading, index: usize) -> bool {
    let Some(&(number, line)) = lines.get(index) else { return false };
    let Some((first_piece, others)) = reading.pieces.split_first() else { return false };
    let first = text_of(line, reading);
    // Most lines hold nothing of it: the first character tells without joining any text.
    if !first_piece.chars().next().is_some_and(|c| first.contains(c)) {
        return false;
    }
    let mut text = first.clone();
    let needed = first.len() + reading.pieces.iter().map(|piece| piece.len() + 1).sum::<usize>();
    let mut expected = number;
    for &(number, line) in lines.iter().skip(index + 1).take(SPREAD) {
        // Removed lines of one run have the number of the line that follows them all.
        if number != expected && number != expected.saturating_add(1)
            || others.is_empty() && text.len() >= needed
        {
            break;
        }
        expected = number;
        if reading.is_plain { join(&mut text, &plain(line)) } else { join(&mut text, line) }
    }
    // The quote must start on this line, not merely below it.
    let found = memchr::memmem::find(text.as_bytes(), first_piece.as_bytes()).filter(|at| *at < first.len());
    let Some(mut at) = found.map(|at| at + first_piece.len()) else { return false };
    for piece in others {
        let rest = text.as_bytes().get(at..).unwrap_or_default();
        let Some(next) = memchr::memmem::find(rest, piece.as_bytes()) else { return false };
        at += next + piece.len();
    }
    true
}
