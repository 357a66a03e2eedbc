//! Whether everything that an answer says is in the parts that were read of it.
//!
//! The words of the text are compared with those of the parts, so that whatever a reader drops is noticed, for whatever reason.

use std::collections::HashSet;

use serde_json::Value;

use crate::shape::{ExpertAnswer, RawFinding};

/// Shorter words say little, and are escapes and units for the most part; in characters.
const SHORTEST: usize = 4;
/// One word alone reports nothing: it is a comment such as `/* first */`, or was cut by an escape.
const TOLERATED: usize = 1;
/// Words of forms, which say nothing: languages of fences, literals, and texts that stand for an empty list.
const EMPTY: [&str; 12] = [
    "json", "yaml", "markdown", "true", "false", "null", "none", "findings", "issues", "found", "keine",
    "ninguno",
];

/// Whether the text has words that are neither in the answer's parts nor in the remarks.
pub(crate) fn misses(text: &str, answer: &ExpertAnswer, remarks: &str) -> bool {
    let mut known = Words::default();
    known.add(remarks);
    known.add(&answer.summary);
    answer.status.iter().chain(&answer.next_steps).for_each(|text| known.add(text));
    answer.findings.iter().for_each(|finding| known.add_finding(finding));
    for (key, value) in &answer.rest {
        known.add(key);
        known.add_value(value);
    }
    // Names of fields say nothing by themselves; a name that does is in a finding's hints or in the rest.
    known.add_keys(&answer.value);
    let plain = unescaped(text);
    let missing = words(&plain).filter(|word| !known.has(word) && !EMPTY.contains(&word.as_str()));
    missing.take(TOLERATED + 1).count() > TOLERATED
}

/// Whether every word of a finding is in a text.
#[must_use]
pub fn said_in(text: &str, finding: &exai_core::Finding) -> bool {
    let mut known = Words::default();
    known.add(text);
    known.add(&unescaped(text));
    let exai_core::Finding { path, quote, title, detail, fix, .. } = finding;
    [path, quote, title, detail, fix].into_iter().all(|said| words(said).all(|word| known.has(&word)))
}

#[derive(Default)]
struct Words(HashSet<String>);

impl Words {
    fn add(&mut self, text: &str) {
        self.0.extend(words(text));
    }

    fn has(&self, word: &str) -> bool {
        self.0.contains(word)
    }

    fn add_finding(&mut self, finding: &RawFinding) {
        let RawFinding { said, path, quote, title, detail, fix, more, .. } = finding;
        [path, quote, title, detail, fix].into_iter().for_each(|text| self.add(text));
        self.add(said.severity.as_str());
        said.word.iter().for_each(|word| self.add(word));
        for (key, value) in more {
            self.add(key);
            self.add_value(value);
        }
        [finding.line, finding.end_line].into_iter().flatten().for_each(|line| self.add(&line.to_string()));
    }

    fn add_value(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add(text),
            Value::Array(elements) => elements.iter().for_each(|element| self.add_value(element)),
            Value::Object(members) => members.iter().for_each(|(key, value)| {
                self.add(key);
                self.add_value(value);
            }),
            Value::Number(_) | Value::Bool(_) | Value::Null => self.add(&value.to_string()),
        }
    }

    /// The names of fields, and what is no text.
    fn add_keys(&mut self, value: &Value) {
        match value {
            Value::Array(elements) => elements.iter().for_each(|element| self.add_keys(element)),
            Value::Object(members) => members.iter().for_each(|(key, value)| {
                self.add(key);
                self.add_keys(value);
            }),
            // JSON in a text was read as what it is.
            Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
                if let Ok(inner) = serde_json::from_str::<Value>(text.trim()) {
                    self.add_keys(&inner);
                }
            }
            Value::String(_) => {}
            Value::Number(_) | Value::Bool(_) | Value::Null => self.add(&value.to_string()),
        }
    }
}

/// Runs of letters and digits, in lower case.
fn words(text: &str) -> impl Iterator<Item = String> {
    let runs = text.split(|c: char| !c.is_alphanumeric());
    runs.filter(|run| run.chars().count() >= SHORTEST).map(str::to_lowercase)
}

/// The text with the escapes of JSON undone, also those of JSON in a text, so that `\nfoo` is the word `foo`.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        plain.push_str(before);
        let bare = escape.trim_start_matches('\\');
        let sign = bare.chars().next();
        rest = match sign {
            Some('u') => match code_point(bare) {
                Some((c, rest)) => {
                    plain.push(c);
                    rest
                }
                None => bare,
            },
            // Other letters are as likely the first of a word, as in `\d`; the blank separates in any case.
            Some('n' | 't' | 'r' | 'b' | 'f') => {
                plain.push(' ');
                bare.get(1..).unwrap_or_default()
            }
            _ => {
                plain.push(' ');
                bare
            }
        };
    }
    plain.push_str(rest);
    plain
}

/// The character of `uXXXX`, with its second half where it has one.
fn code_point(bare: &str) -> Option<(char, &str)> {
    let unit = |text: &str| u32::from_str_radix(text.get(1..5)?, 16).ok();
    let high = unit(bare)?;
    let rest = bare.get(5..)?;
    if let Some(c) = char::from_u32(high) {
        return Some((c, rest));
    }
    let second = rest.trim_start_matches('\\');
    let low = second.strip_prefix('u').and_then(|_| unit(second));
    let joined = low.filter(|low| (0xDC00..0xE000).contains(low));
    let joined = joined
        .and_then(|low| char::from_u32(0x1_0000 + ((high.checked_sub(0xD800)?) << 10) + (low - 0xDC00)));
    Some(joined.map_or((char::REPLACEMENT_CHARACTER, rest), |c| (c, second.get(5..).unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::severity::SeverityWords;

    fn missed(text: &str, value: Value) -> bool {
        misses(text, &ExpertAnswer::from_value(value, &SeverityWords::default()), "")
    }

    #[test]
    fn whatever_is_dropped_is_noticed() {
        let value = json!({"summary": "It holds.", "findings": [{"severity": "low", "path": "a.rs", "title": "Unused import"}]});
        assert!(!missed(&value.to_string(), value.clone()));
        let twice = r#"{"summary": "It leaks badly.", "summary": "It holds.", "findings": [{"severity": "low", "path": "a.rs", "title": "Unused import"}]}"#;
        assert!(missed(twice, value.clone()));
        let commented = format!("{value} // but the whole authentication is missing");
        assert!(missed(&commented, value));
    }

    #[test]
    fn escapes_hide_no_words() {
        let text = r#"{"summary": "first\nsecond \"third\" gr\u00f6\u00dfe \ud83d\ude00fourth C:\\Users\\temp", "findings": []}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        assert!(!missed(text, value));
    }
}
