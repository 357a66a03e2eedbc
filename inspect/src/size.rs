//! Counts lines, functions and tests, and says what is long and what has no tests.

use exai_core::humanize::counted;
use std::collections::BTreeMap;

use exai_core::Severity;

use super::chunk::Chunk;
use super::function::Function;
use super::report::{Hit, Report};
use super::source::Source;
use super::{Extent, Facts, LanguageFacts, secrets};

/// Lines from which a function is long, and very long. Tests may be longer, because they describe a sequence of events.
const LONG_FUNCTION: u32 = 80;
const VERY_LONG_FUNCTION: u32 = 200;
/// The same for files.
const LONG_FILE: u32 = 500;
const VERY_LONG_FILE: u32 = 1_000;
/// Functions without any test from which their absence is worth a finding, and a stronger one.
const UNTESTED: u32 = 8;
const LARGELY_UNTESTED: u32 = 30;

/// Fills in the facts of all files and reports what is long and what has no tests.
pub(super) fn measure(sources: &[Source<'_>], report: &mut Report) -> Facts {
    let mut facts = Facts::default();
    let mut languages: BTreeMap<&'static str, LanguageFacts> = BTreeMap::new();
    for source in sources {
        let language = languages.entry(source.language.name()).or_default();
        language.files += 1;
        language.lines += source.chunks.iter().map(Chunk::line_count).sum::<u32>();
        let functions = || source.chunks.iter().flat_map(|chunk| &chunk.functions);
        let tests = u32::try_from(functions().filter(|function| function.test).count()).unwrap_or(u32::MAX);
        language.functions += u32::try_from(functions().count()).unwrap_or(u32::MAX);
        language.tests += tests;
        if source.is_reviewed() {
            long_file(source, report);
            long_functions(source, report);
        }
    }
    facts.files = languages.values().map(|language| language.files).sum();
    facts.lines = languages.values().map(|language| language.lines).sum();
    facts.functions = languages.values().map(|language| language.functions).sum();
    facts.tests = languages.values().map(|language| language.tests).sum();
    untested(sources, &languages, report);
    facts.by_language = languages;
    facts.longest_file = longest_file(sources, report);
    facts.longest_function = longest_function(sources, report);
    facts
}

/// The first line of the file that is given and not blank, for a finding about the whole file.
fn first_line(source: &Source<'_>) -> Option<(u32, String)> {
    let rows = source.chunks.iter().flat_map(|chunk| chunk.rows().map(move |row| (chunk, row)));
    let mut rows = rows.map(|(chunk, (row, range))| (chunk, row, range));
    let found =
        rows.find(|(chunk, _, range)| !chunk.text.get(range.clone()).unwrap_or_default().trim().is_empty());
    let (chunk, row, range) = found?;
    Some((chunk.line(range.start), secrets::quote(chunk, row)))
}

fn long_file(source: &Source<'_>, report: &mut Report) {
    let lines = source.file.lines;
    if source.beside_production || lines <= LONG_FILE {
        return;
    }
    let severity = if lines > VERY_LONG_FILE { Severity::Medium } else { Severity::Low };
    let Some((line, quote)) = first_line(source) else { return };
    let hit = Hit {
        rule: "long-file",
        severity,
        line,
        end_line: None,
        quote,
        title: format!("Long file: {}", counted(lines, "line")),
        detail: "A file of this length usually holds several ideas, and a change to one meets all of them."
            .into(),
        fix: "Move one idea with its tests into a file of its own.".into(),
    };
    report.add(&source.file.path, hit);
}

fn long_functions(source: &Source<'_>, report: &mut Report) {
    for chunk in &source.chunks {
        for function in &chunk.functions {
            let Some(lines) = function.lines() else { continue };
            let test = source.test || function.test || chunk.may_be_test(function.start);
            if lines <= if test { VERY_LONG_FUNCTION } else { LONG_FUNCTION } {
                continue;
            }
            let severity = if test || lines <= VERY_LONG_FUNCTION { Severity::Low } else { Severity::Medium };
            let hit = Hit {
                rule: "long-function",
                severity,
                title: format!("Long function: `{}` has {lines} lines", shown(&function.name)),
                detail: "A function of this length is hard to hold in mind and hard to test in parts.".into(),
                fix: "Move one step of it into a function with a name that says what it does.".into(),
                ..function_hit(chunk, function)
            };
            report.add(&source.file.path, hit);
        }
    }
}

fn function_hit(chunk: &Chunk, function: &Function) -> Hit {
    Hit {
        rule: "longest-function",
        severity: Severity::Info,
        line: function.line,
        end_line: function.end_line,
        quote: secrets::quote(chunk, chunk.row(function.start)),
        title: String::new(),
        detail: String::new(),
        fix: String::new(),
    }
}

fn shown(name: &str) -> String {
    name.chars().take(60).collect()
}

fn longest_file(sources: &[Source<'_>], report: &mut Report) -> Option<Extent> {
    // Ties go to the first file; settings and prose only count when there is no code.
    let longest = |code: bool| {
        let fitting =
            sources.iter().filter(move |source| source.is_reviewed() == code && !source.chunks.is_empty());
        fitting.rev().max_by_key(|source| source.file.lines)
    };
    let source = longest(true).or_else(|| longest(false))?;
    let lines = source.file.lines;
    if let Some((line, quote)) = first_line(source) {
        let hit = Hit {
            rule: "longest-file",
            severity: Severity::Info,
            line,
            end_line: None,
            quote,
            title: format!("Longest file: {}", counted(lines, "line")),
            detail: "The longest of the given files; listed for orientation, whatever its length.".into(),
            fix: String::new(),
        };
        report.add(&source.file.path, hit);
    }
    Some(Extent { path: source.file.path.clone(), name: None, line: 1, end_line: lines, lines })
}

fn longest_function(sources: &[Source<'_>], report: &mut Report) -> Option<Extent> {
    let reviewed = sources.iter().filter(|source| source.is_reviewed());
    let chunks = reviewed.flat_map(|source| source.chunks.iter().map(move |chunk| (source, chunk)));
    let functions =
        chunks.flat_map(|(source, chunk)| chunk.functions.iter().map(move |f| (source, chunk, f)));
    let measured = functions.filter_map(|(source, chunk, function)| {
        Some((source, chunk, function, function.lines()?, function.end_line?))
    });
    // The first of several equally long ones.
    let (source, chunk, function, lines, end_line) =
        measured.reduce(|best, next| if next.3 > best.3 { next } else { best })?;
    let name = shown(&function.name);
    let hit = Hit {
        title: format!("Longest function: `{name}` has {}", counted(lines, "line")),
        detail: "The longest function that is given from beginning to end; listed for orientation, whatever its length."
            .into(),
        ..function_hit(chunk, function)
    };
    report.add(&source.file.path, hit);
    Some(Extent { path: source.file.path.clone(), name: Some(name), line: function.line, end_line, lines })
}

fn untested(sources: &[Source<'_>], languages: &BTreeMap<&'static str, LanguageFacts>, report: &mut Report) {
    for (name, facts) in languages {
        let of_language =
            || sources.iter().filter(|source| source.language.name() == *name && source.is_reviewed());
        if facts.tests > 0 || facts.functions < UNTESTED || of_language().any(|source| source.test) {
            continue;
        }
        let Some(largest) = of_language().rev().max_by_key(|source| source.file.lines) else { continue };
        let Some((line, quote)) = first_line(largest) else { continue };
        let severity = if facts.functions < LARGELY_UNTESTED { Severity::Low } else { Severity::Medium };
        let hit = Hit {
            rule: "no-tests",
            severity,
            line,
            end_line: None,
            quote,
            title: format!("No {name} tests among the given files"),
            detail: format!(
                "The given files define {} functions in {name} and no test; tests may exist elsewhere.",
                facts.functions
            ),
            fix: "Add a test for the function that would hurt most when it breaks, or include the tests."
                .into(),
        };
        report.add(&largest.file.path, hit);
    }
}
