//! Matches the rules of a language against a chunk.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::chunk::Chunk;
use super::functions::regex;
use super::language::Language;
use super::lexer::Class;
use super::report::{Hit, Report};
use super::rule::{Rule, Scope, Site, View};
use super::rules;
use super::source::Source;

/// A rule that is ready to be matched.
#[derive(Debug)]
struct Compiled {
    rule: &'static Rule,
    regex: Regex,
}

fn compile(tables: &[&'static [Rule]]) -> Vec<Compiled> {
    let rules = tables.iter().copied().flatten();
    rules.filter_map(|rule| Some(Compiled { rule, regex: regex(rule.pattern)? })).collect()
}

/// The rules of a language, compiled when the first file in it is inspected.
fn compiled(language: Language) -> &'static [Compiled] {
    static RUST: LazyLock<Vec<Compiled>> = LazyLock::new(|| compile(rules::tables(Language::Rust)));
    static PYTHON: LazyLock<Vec<Compiled>> = LazyLock::new(|| compile(rules::tables(Language::Python)));
    static JAVASCRIPT: LazyLock<Vec<Compiled>> =
        LazyLock::new(|| compile(rules::tables(Language::JavaScript)));
    static TYPESCRIPT: LazyLock<Vec<Compiled>> =
        LazyLock::new(|| compile(rules::tables(Language::TypeScript)));
    static GO: LazyLock<Vec<Compiled>> = LazyLock::new(|| compile(rules::tables(Language::Go)));
    static JAVA: LazyLock<Vec<Compiled>> = LazyLock::new(|| compile(rules::tables(Language::Java)));
    static C: LazyLock<Vec<Compiled>> = LazyLock::new(|| compile(rules::tables(Language::C)));
    static CPP: LazyLock<Vec<Compiled>> = LazyLock::new(|| compile(rules::tables(Language::Cpp)));
    match language {
        Language::Rust => &RUST,
        Language::Python => &PYTHON,
        Language::JavaScript => &JAVASCRIPT,
        Language::TypeScript => &TYPESCRIPT,
        Language::Go => &GO,
        Language::Java => &JAVA,
        Language::C => &C,
        Language::Cpp => &CPP,
        Language::Shell | Language::Config | Language::Other => &[],
    }
}

/// Matches of one rule in one chunk that are looked at; more of the same adds nothing and would cost time.
const MATCHES_PER_RULE: usize = 1_000;

/// Runs every rule of the language over the chunk.
pub(super) fn apply(source: &Source<'_>, chunk: &Chunk, report: &mut Report) {
    for Compiled { rule, regex } in compiled(chunk.language) {
        if !covers_file(rule.scope, source) {
            continue;
        }
        let (text, class) = match rule.view {
            View::Code => (&chunk.code, Class::Code),
            View::Source => (&chunk.source, Class::Code),
            View::Comments => (&chunk.comments, Class::Comment),
        };
        let mut last_row = None;
        for found in regex.captures_iter(text).take(MATCHES_PER_RULE) {
            let (Some(whole), word) = (found.get(0), found.get(2)) else { continue };
            let start = found.get(1).map_or(whole.start(), |group| group.start());
            let site = Site { chunk, start, end: whole.end(), word: word.map(|word| word.range()) };
            let row = chunk.row(start);
            if chunk.class(start) != class
                || last_row == Some(row)
                || !covers(rule.scope, source, chunk, start)
                || !rule.guard.is_none_or(|guard| guard(&site))
            {
                continue;
            }
            last_row = Some(row);
            report.add(
                &source.file.path,
                Hit {
                    rule: rule.id,
                    severity: rule.severity,
                    line: chunk.line(start),
                    end_line: None,
                    quote: super::secrets::quote(chunk, row),
                    title: rule.title.to_owned(),
                    detail: rule.detail.to_owned(),
                    fix: rule.fix.to_owned(),
                },
            );
        }
    }
}

fn covers_file(scope: Scope, source: &Source<'_>) -> bool {
    scope != Scope::Production || !source.beside_production
}

fn covers(scope: Scope, source: &Source<'_>, chunk: &Chunk, at: usize) -> bool {
    match scope {
        Scope::Everywhere => true,
        Scope::Production => !chunk.may_be_test(at),
        Scope::Tests => source.test || chunk.may_be_test(at),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_compiles_and_is_worded() {
        let languages = [
            Language::Rust,
            Language::Python,
            Language::JavaScript,
            Language::TypeScript,
            Language::Go,
            Language::Java,
            Language::C,
            Language::Cpp,
        ];
        for language in languages {
            let rules: Vec<&Rule> = rules::tables(language).iter().copied().flatten().collect();
            assert_eq!(compiled(language).len(), rules.len(), "a pattern for {language:?} does not compile");
            let ids: BTreeSet<_> = rules.iter().map(|rule| rule.id).collect();
            assert_eq!(ids.len(), rules.len(), "an id is used twice for {language:?}");
            for rule in rules {
                assert!(!rule.title.is_empty() && rule.title.len() <= 72, "{}", rule.id);
                assert!(rule.detail.ends_with('.') && rule.fix.ends_with('.'), "{}", rule.id);
            }
        }
    }
}
