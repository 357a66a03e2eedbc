//! The keys that answers and findings use, and how a key is recognised in damaged text.

use super::{blank::skip_blank, quotes::family};

/// Keys of a finding, folded (lower case, letters and digits only). Used to distinguish a finding from other objects.
const FINDING: [&str; 32] = [
    "severity",
    "level",
    "priority",
    "path",
    "file",
    "filepath",
    "filename",
    "location",
    "line",
    "lines",
    "linenumber",
    "startline",
    "endline",
    "linestart",
    "lineend",
    "quote",
    "snippet",
    "code",
    "title",
    "name",
    "detail",
    "details",
    "description",
    "issue",
    "message",
    "explanation",
    "fix",
    "suggestion",
    "suggestedfix",
    "recommendation",
    "rootcause",
    "minimalfix",
];

/// Keys of the answer itself, folded.
const ANSWER: [&str; 12] = [
    "status",
    "summary",
    "findings",
    "issues",
    "issuesfound",
    "hypotheses",
    "positives",
    "nextsteps",
    "mandatoryinstructions",
    "filesneeded",
    "reason",
    "regressioncheck",
];

/// Longest key that is looked for in damaged text, in bytes.
pub(super) const LONGEST: usize = 80;

/// Lower case, letters and digits only: `filePath`, `file_path` and `File-Path` are one key.
pub(super) fn fold(key: &str) -> String {
    key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

pub(super) fn is_finding_key(key: &str) -> bool {
    FINDING.contains(&fold(key).as_str())
}

pub(super) fn is_known(key: &str) -> bool {
    let folded = fold(key);
    FINDING.contains(&folded.as_str()) || ANSWER.contains(&folded.as_str())
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
