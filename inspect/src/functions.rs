//! Finds the functions and the test code of a chunk.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::{Captures, Regex};

use super::chunk::Chunk;
use super::language::Language;
use super::lexer::Class;
use super::structure::Header;

mod braces;
mod indent;

/// A function definition.
#[derive(Debug, Clone)]
pub(super) struct Function {
    pub(super) name: String,
    /// Byte offset of its name or keyword.
    pub(super) start: usize,
    /// Byte offset of its end, or of the end of the chunk when it does not end there.
    pub(super) end: usize,
    /// First and last line in the file; the last one is unknown when it is not given.
    pub(super) line: u32,
    pub(super) end_line: Option<u32>,
    /// It is a test.
    pub(super) test: bool,
}

impl Function {
    /// How many lines it has, when its end is given.
    pub(super) fn lines(&self) -> Option<u32> {
        Some(self.end_line?.saturating_sub(self.line).saturating_add(1))
    }
}

/// Fills in the functions and the test ranges of the chunk.
pub(super) fn read(chunk: &mut Chunk, to_the_end: bool) {
    let (functions, tests) = match chunk.language {
        Language::Python => indent::read(chunk, to_the_end),
        _ => braces::read(chunk),
    };
    chunk.functions = functions;
    chunk.tests = merge(tests);
}

/// Leaves only the outermost ranges, in order.
pub(super) fn merge(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// A regular expression over bytes; the tests make sure that every one compiles.
pub(super) fn regex(pattern: &str) -> Option<Regex> {
    regex::bytes::RegexBuilder::new(pattern).unicode(false).multi_line(true).build().ok()
}
