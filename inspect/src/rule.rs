//! A rule as a row of data.

use std::ops::Range;

use exai_core::Severity;

use super::chunk::Chunk;

/// The view of the chunk that a pattern is matched against. A match must begin in code, or in a comment for [`View::Comments`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// Comments and string contents are blank.
    Code,
    /// Comments are blank.
    Source,
    /// Everything else is blank.
    Comments,
}

/// Where a rule holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Everywhere,
    /// Not in tests, examples, benchmarks and build scripts.
    Production,
    /// Only in tests.
    Tests,
}

/// Decides whether a match is meant.
pub(super) type Guard = fn(&Site<'_>) -> bool;

/// One rule. The place of a finding is group 1 of the pattern, or else the whole match.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: &'static str,
    pub(super) severity: Severity,
    pub(super) view: View,
    pub(super) scope: Scope,
    pub(super) pattern: &'static str,
    pub(super) guard: Option<Guard>,
    pub(super) title: &'static str,
    pub(super) detail: &'static str,
    pub(super) fix: &'static str,
}

impl Rule {
    /// A rule about code, everywhere.
    pub(super) const fn new(id: &'static str, severity: Severity, pattern: &'static str) -> Self {
        Self {
            id,
            severity,
            view: View::Code,
            scope: Scope::Everywhere,
            pattern,
            guard: None,
            title: "",
            detail: "",
            fix: "",
        }
    }

    pub(super) const fn view(self, view: View) -> Self {
        Self { view, ..self }
    }

    pub(super) const fn scope(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    pub(super) const fn guard(self, guard: Guard) -> Self {
        Self { guard: Some(guard), ..self }
    }

    pub(super) const fn says(self, title: &'static str, detail: &'static str, fix: &'static str) -> Self {
        Self { title, detail, fix, ..self }
    }
}

/// A match of a pattern.
#[derive(Debug)]
pub(super) struct Site<'a> {
    pub(super) chunk: &'a Chunk,
    /// Where the finding is.
    pub(super) start: usize,
    /// End of the whole match.
    pub(super) end: usize,
    /// Group 2 of the pattern, when there is one.
    pub(super) word: Option<Range<usize>>,
}
