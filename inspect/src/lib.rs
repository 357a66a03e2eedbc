//! Findings without a model: what can be said about given files by reading them with rules.
//!
//! The rules see the typed evidence and nothing else. What lies outside the given lines is not judged.

use std::collections::BTreeMap;

use exai_context::evidence::EvidenceFile;
use exai_core::Finding;
use serde::Serialize;

mod argument;
mod chunk;
mod function;
mod functions;
mod language;
mod lexer;
mod matcher;
mod refused;
mod report;
mod rule;
mod rules;
mod secrets;
mod size;
mod source;
mod structure;

pub use refused::keys_in;
use report::Report;
use source::Source;

/// What the rules say about the given files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// At most 200, by severity, path and line. The longest file and function are always among them.
    pub findings: Vec<Located>,
    /// Counts over the given lines.
    pub facts: Facts,
    /// What was not listed or not looked at, one sentence each.
    pub notes: Vec<String>,
}

/// A finding and the rule that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Located {
    /// Stable name of the rule, such as `rust-unwrap`.
    pub rule: &'static str,
    /// What was found. The quote is the text of `line`, cut at 240 characters; a secret in it shows its first four characters
    /// (two when it is shorter than 16) and then `****`, and such a quote counts as exact all the same.
    #[serde(flatten)]
    pub finding: Finding,
}

/// Counts over the given lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// Files with at least one given line or none.
    pub files: u32,
    /// Given lines.
    pub lines: u32,
    /// The same counts by language.
    pub by_language: BTreeMap<&'static str, LanguageFacts>,
    /// Functions that begin in the given lines, tests included.
    pub functions: u32,
    /// Tests among them.
    pub tests: u32,
    /// The longest file; its length is that of the whole file.
    pub longest_file: Option<Extent>,
    /// The longest function that is given from beginning to end.
    pub longest_function: Option<Extent>,
}

/// Counts for one language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LanguageFacts {
    /// Files.
    pub files: u32,
    /// Given lines.
    pub lines: u32,
    /// Functions, tests included.
    pub functions: u32,
    /// Tests.
    pub tests: u32,
}

/// A file or a function and its length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Extent {
    /// The file.
    pub path: String,
    /// The function; absent for a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// First line.
    pub line: u32,
    /// Last line.
    pub end_line: u32,
    /// Number of lines.
    pub lines: u32,
}

impl Inspection {
    /// The findings without the names of their rules.
    #[must_use]
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings.into_iter().map(|located| located.finding).collect()
    }
}

/// Reads the files with the rules for their languages. The same files give the same answer.
#[must_use]
pub fn inspect(files: &[EvidenceFile]) -> Inspection {
    let mut report = Report::default();
    let mut sources: Vec<Source<'_>> = Vec::with_capacity(files.len());
    for file in files {
        let mut source = Source::of(file);
        let mut chunks = std::mem::take(&mut source.chunks);
        for chunk in &mut chunks {
            secrets::find(&source, chunk, &mut report);
            if chunk.clear && source.is_reviewed() {
                matcher::apply(&source, chunk, &mut report);
            }
        }
        source.chunks = chunks;
        sources.push(source);
    }
    let facts = size::measure(&sources, &mut report);
    let (findings, mut notes) = report.finish();
    notes.extend(limits(&sources));
    Inspection { findings, facts, notes }
}

/// What was not looked at, and why.
fn limits(sources: &[Source<'_>]) -> Vec<String> {
    let named = |paths: Vec<&str>| {
        let more = paths.len().saturating_sub(5);
        let names = paths.into_iter().take(5).collect::<Vec<_>>().join(", ");
        if more > 0 { format!("{names} and {more} more") } else { names }
    };
    let paths = |wanted: fn(&Source<'_>) -> bool| -> Vec<&str> {
        sources.iter().filter(|source| wanted(source)).map(|source| source.file.path.as_str()).collect()
    };
    let cases: [(Vec<&str>, &str); 4] = [
        (
            paths(|source| !source.file.is_whole()),
            "Only the given lines were inspected, not the rest of the file, nor functions that reach beyond the given lines",
        ),
        (
            paths(|source| source.chunks.iter().any(|chunk| !chunk.clear)),
            "Only searched for secrets, because an excerpt begins or ends inside a string or a comment",
        ),
        (
            paths(|source| source.language.is_code() && source.generated),
            "Only searched for secrets, because it is generated, minified or taken over from elsewhere",
        ),
        (
            paths(|source| !source.language.is_code() && !source.chunks.is_empty()),
            "Only searched for secrets, because there are no other rules for this kind of file",
        ),
    ];
    cases
        .into_iter()
        .filter(|(paths, _)| !paths.is_empty())
        .map(|(paths, why)| format!("{why}: {}.", named(paths)))
        .collect()
}
