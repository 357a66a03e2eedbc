//! Consecutive given lines of one file, lexed: what the rules look at.

use std::ops::Range;

use super::function::Function;
use super::language::Language;
use super::lexer::{self, Class};
use super::structure::Structure;

/// A run of given lines without a gap, in every view that rules need. All views have the length of the text.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) language: Language,
    /// Number of the first line, from 1.
    pub(super) first_line: u32,
    pub(super) text: String,
    pub(super) classes: Vec<Class>,
    /// Comments and string contents blank.
    pub(super) code: Vec<u8>,
    /// Comments blank.
    pub(super) source: Vec<u8>,
    /// Everything but comments blank.
    pub(super) comments: Vec<u8>,
    pub(super) structure: Structure,
    pub(super) functions: Vec<Function>,
    /// Byte ranges of test code, in order and apart.
    pub(super) tests: Vec<Range<usize>>,
    /// Byte ranges that a quote must not show.
    pub(super) secrets: Vec<Range<usize>>,
    /// The lines before it, if any, are not given.
    pub(super) partial: bool,
    /// Where strings and code begin and end is known well enough for the rules.
    pub(super) clear: bool,
    lines: Vec<usize>,
}

impl Chunk {
    /// Lexes the text; its functions are not looked for yet.
    pub(super) fn new(language: Language, first_line: u32, text: String) -> Self {
        let partial = first_line > 1;
        let marks = lexer::mark(language, &text, partial);
        let view = |keep: fn(Class) -> bool| -> Vec<u8> {
            let shown = |(byte, class): (u8, &Class)| if byte == b'\n' || keep(*class) { byte } else { b' ' };
            text.bytes().zip(&marks.classes).map(shown).collect()
        };
        let code = view(|class| matches!(class, Class::Code | Class::Quote));
        let source = view(|class| class != Class::Comment);
        let comments = view(|class| class == Class::Comment);
        let breaks =
            memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1).filter(|at| *at < text.len());
        let lines = std::iter::once(0).chain(breaks).collect();
        let structure =
            if language.is_code() { Structure::of(language, &code) } else { Structure::default() };
        Self {
            language,
            first_line,
            classes: marks.classes,
            code,
            source,
            comments,
            structure,
            functions: Vec::new(),
            tests: Vec::new(),
            secrets: Vec::new(),
            partial,
            clear: !(partial && marks.open),
            lines,
            text,
        }
    }

    /// How many lines it has.
    pub(super) fn line_count(&self) -> u32 {
        u32::try_from(self.lines.len()).unwrap_or(u32::MAX)
    }

    /// Index of the line that holds the byte, from 0.
    pub(super) fn row(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// Number of the line that holds the byte, in the file.
    pub(super) fn line(&self, at: usize) -> u32 {
        self.first_line.saturating_add(u32::try_from(self.row(at)).unwrap_or(u32::MAX))
    }

    /// Byte range of a line without its line break.
    pub(super) fn row_range(&self, row: usize) -> Range<usize> {
        let start = self.lines.get(row).copied().unwrap_or(self.text.len());
        let end = self.lines.get(row + 1).copied().unwrap_or(self.text.len());
        let line = self.text.get(start..end).unwrap_or_default();
        start..start + line.trim_end_matches(['\n', '\r']).len()
    }

    /// Byte ranges of all lines, with their row.
    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, Range<usize>)> {
        (0..self.lines.len()).map(|row| (row, self.row_range(row)))
    }

    /// The class of a byte; code beyond the end.
    pub(super) fn class(&self, at: usize) -> Class {
        self.classes.get(at).copied().unwrap_or(Class::Code)
    }

    /// The innermost function around a byte.
    pub(super) fn function_at(&self, at: usize) -> Option<&Function> {
        let after = self.functions.partition_point(|function| function.start <= at);
        self.functions.get(..after)?.iter().rev().take(200).find(|function| at < function.end)
    }

    /// Whether the byte belongs to test code.
    pub(super) fn is_test(&self, at: usize) -> bool {
        let after = self.tests.partition_point(|range| range.start <= at);
        after.checked_sub(1).and_then(|index| self.tests.get(index)).is_some_and(|range| at < range.end)
    }

    /// The same, or it may do so because what is around it is not given.
    pub(super) fn may_be_test(&self, at: usize) -> bool {
        let unseen = self.partial && self.language == Language::Rust && !self.begins_at_the_margin(at);
        unseen || self.is_test(at)
    }

    /// Whether the outermost visible block around `at` belongs to an item that is not indented, hence not part of a test module.
    fn begins_at_the_margin(&self, at: usize) -> bool {
        let Some((_, outermost)) = self.structure.ancestors(at).last() else { return false };
        let row = self.row_range(self.row(outermost.at));
        !self.text.get(row).unwrap_or_default().starts_with([' ', '\t'])
    }
}
