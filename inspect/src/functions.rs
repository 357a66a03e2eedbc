//! Finds the functions and the test code of a chunk.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::{Captures, Regex};

use super::chunk::Chunk;
use super::function::Function;
use super::language::Language;
use super::lexer::Class;
use super::structure::Header;

mod braces;
mod indent;

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
