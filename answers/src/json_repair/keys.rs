//! The keys that answers and findings use, and how a key is recognised in damaged text.

use super::{blank::skip_blank, quotes::family};
use crate::shape::names::{
    DETAIL, END_LINE, FINDINGS, FIX, LINE, OWN_LISTS, PATH, QUOTE, SEVERITY, SEVERITY_PERHAPS, STATUS, STEPS,
    SUBJECT, SUMMARY, TITLE, fold,
};

/// Longest key that is looked for in damaged text, in bytes.
pub(super) const LONGEST: usize = 80;

/// Names of the parts of a finding.
const FINDING: [&[&str]; 9] = [SEVERITY, SEVERITY_PERHAPS, PATH, LINE, END_LINE, QUOTE, TITLE, DETAIL, FIX];
/// Names of the parts of an answer, and of what single tools ask for.
const ANSWER: [&[&str]; 6] =
    [STATUS, SUMMARY, FINDINGS, STEPS, OWN_LISTS, &["mandatoryinstructions", "reason", "regressioncheck"]];

pub(super) fn is_finding_key(key: &str) -> bool {
    let folded = fold(key);
    FINDING.iter().chain([&SUBJECT]).any(|names| names.contains(&folded.as_str()))
}

pub(super) fn is_known(key: &str) -> bool {
    let folded = fold(key);
    is_finding_key(key) || ANSWER.iter().any(|names| names.contains(&folded.as_str()))
}

/// The quoted or bare key at the start of `text`, when a colon follows it.
pub(super) fn key_at(text: &str) -> Option<Key<'_>> {
    let first = text.chars().next()?;
    if let Some(quotes) = family(first) {
        let body = text.get(first.len_utf8()..)?;
        let mut end = None;
        for (at, c) in body.char_indices().take(LONGEST) {
            if quotes.closes(c) {
                end = Some((at, at + c.len_utf8()));
                break;
            }
            if matches!(c, '\\' | '\n' | '\r' | '{' | '}') {
                return None;
            }
        }
        let (end, after) = end?;
        let word = body.get(..end).filter(|word| !word.is_empty())?;
        return followed_by_colon(body.get(after..)?).then_some(Key { word, quoted: true });
    }
    let end = text.char_indices().take(LONGEST).find(|&(_, c)| !is_word(c)).map_or(text.len(), |(at, _)| at);
    let word = text.get(..end).filter(|word| word.starts_with(|c: char| c.is_alphabetic() || c == '_'))?;
    followed_by_colon(text.get(end..)?).then_some(Key { word, quoted: false })
}

/// A key found by [`key_at`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'a> {
    pub(super) word: &'a str,
    pub(super) quoted: bool,
}

pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '$')
}

pub(super) fn opens_with_quoted_key(text: &str) -> bool {
    key_at(text).is_some_and(|key| key.quoted)
}

fn followed_by_colon(text: &str) -> bool {
    let rest = skip_blank(text);
    rest.starts_with(':') && !rest.starts_with("::")
}
