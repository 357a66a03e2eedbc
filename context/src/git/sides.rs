//! What a change shows of a file, as evidence: the lines of the new side, and those that it removes.

use std::collections::BTreeSet;

use super::{
    patch::{Line, Mark},
    render::Shown,
};
use crate::evidence::Segment;

/// The two sides of a change as they are shown.
#[derive(Default)]
pub(super) struct Sides {
    /// The new side.
    pub(super) segments: Vec<Segment>,
    /// Lines of the old side alone.
    pub(super) removed: Vec<Segment>,
    /// The numbers of the lines that were added or changed.
    pub(super) added: BTreeSet<u32>,
    /// The number of the last line of the new side.
    pub(super) last: u32,
    /// How many lines of the new side there are.
    pub(super) given: u32,
}

impl Sides {
    pub(super) fn of(shown: &Shown<'_>) -> Self {
        let mut sides = Self::default();
        for hunk in &shown.hunks {
            let mut following = hunk.first_line;
            let mut is_run = false;
            for (number, line) in hunk.numbered() {
                match number {
                    Some(number) => {
                        sides.keep(number, line);
                        following = number.saturating_add(1);
                        is_run = false;
                    }
                    None => {
                        push(&mut sides.removed, following, is_run, &line.text);
                        is_run = true;
                    }
                }
            }
        }
        sides
    }

    fn keep(&mut self, number: u32, line: &Line) {
        if line.mark == Mark::Added {
            self.added.insert(number);
        }
        let follows = !self.segments.is_empty() && number == self.last.saturating_add(1);
        push(&mut self.segments, number, follows, &line.text);
        (self.last, self.given) = (number, self.given + 1);
    }
}

/// Adds a line to the last segment, or begins one with it.
fn push(segments: &mut Vec<Segment>, first_line: u32, goes_on: bool, line: &str) {
    if !goes_on {
        segments.push(Segment { first_line, text: String::new() });
    }
    if let Some(segment) = segments.last_mut() {
        segment.text.push_str(line);
        segment.text.push('\n');
    }
}
