//! Whether everything that an answer says is in the parts that were read of it.
//!
//! The words of the text are compared with those of the parts, so that whatever a reader drops is noticed, for whatever reason.

use std::collections::HashMap;

use exai_core::Severity;
use serde_json::Value;

use crate::{
    inert::{clauses, is_syllable},
    severity::SeverityWords,
    shape::{ExpertAnswer, RawFinding},
};

/// Shorter words say little, and are escapes and units for the most part; in characters.
const SHORTEST: usize = 3;
/// One word alone reports nothing: it is a comment such as `/* first */`, or was cut by an escape. It may be so long, in characters; a script
/// without blanks writes a sentence as one word.
const TOLERATED: usize = 12;
/// Words of forms, which say nothing: languages of fences, literals, and texts that stand for an empty list.
const EMPTY: [&str; 12] = [
    "json", "yaml", "markdown", "true", "false", "null", "none", "findings", "issues", "found", "keine",
    "ninguno",
];

/// Whether the text has words that are neither in the answer's parts nor in the remarks, or has them more often.
pub(crate) fn misses(text: &str, answer: &ExpertAnswer, remarks: &str, severities: &SeverityWords) -> bool {
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
    let mut missing = words(&plain).filter(|word| !known.take(word) && !EMPTY.contains(&word.as_str()));
    let Some(first) = missing.next() else { return false };
    let is_severe = severities.read(&first).is_some_and(|severity| severity <= Severity::High);
    is_severe || weight(&first) > TOLERATED || missing.next().is_some()
}

/// How much a word says, in letters of an alphabet: a sign of another script says as much as several of them.
fn weight(word: &str) -> usize {
    word.chars().map(|c| if is_syllable(c) { 4 } else { 1 }).sum()
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

/// The clauses of a text of which the findings do not say every word.
#[must_use]
pub fn left_unsaid(text: &str, findings: &[exai_core::Finding]) -> String {
    let mut known = Words::default();
    for exai_core::Finding { path, quote, title, detail, fix, severity, severity_word, line, .. } in findings
    {
        [path, quote, title, detail, fix].into_iter().for_each(|said| known.add(said));
        known.add(severity.as_str());
        severity_word.iter().for_each(|word| known.add(word));
        known.add(&line.to_string());
    }
    let is_said = |clause: &String| words(&unescaped(clause)).all(|word| known.has(&word));
    clauses(text).filter(|clause| !is_said(clause)).collect::<Vec<_>>().join("\n")
}

/// Whether a text says the severity that a finding has, in the finding's own word for it.
#[must_use]
pub fn rates(text: &str, finding: &exai_core::Finding) -> bool {
    let said = finding.severity_word.as_deref().unwrap_or(finding.severity.as_str());
    let runs = |text: &str| -> Vec<String> {
        let runs = text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty());
        runs.map(str::to_lowercase).collect()
    };
    let (text_runs, said_runs) = (runs(text), runs(said));
    finding.severity == Severity::Unknown
        || if said_runs.is_empty() {
            text.contains(said.trim())
        } else {
            said_runs.iter().all(|run| text_runs.contains(run))
        }
}

/// Words, and how often each was said.
#[derive(Default)]
struct Words(HashMap<String, usize>);

impl Words {
    fn add(&mut self, text: &str) {
        words(text).for_each(|word| *self.0.entry(word).or_default() += 1);
    }

    fn has(&self, word: &str) -> bool {
        self.0.contains_key(word)
    }

    /// Whether the word is there once more.
    fn take(&mut self, word: &str) -> bool {
        let Some(count) = self.0.get_mut(word).filter(|count| **count > 0) else { return false };
        *count -= 1;
        true
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
    runs.filter(|run| weight(run) >= SHORTEST).map(str::to_lowercase)
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

    fn missed(text: &str, value: Value) -> bool {
        let words = SeverityWords::default();
        misses(text, &ExpertAnswer::from_value(value, &words), "", &words)
    }

    #[test]
    fn whatever_is_dropped_is_noticed() {
        let value = json!({"summary": "It holds.", "findings": [{"severity": "low", "path": "a.rs", "title": "Unused import"}]});
        assert!(!missed(&value.to_string(), value.clone()));
        let twice = r#"{"summary": "It leaks badly.", "summary": "It holds.", "findings": [{"severity": "low", "path": "a.rs", "title": "Unused import"}]}"#;
        assert!(missed(twice, value.clone()));
        for dropped in ["数据库密码是明文", "критично", "SQL inj", "空のパスワード"] {
            assert!(missed(&format!("{value} // {dropped}"), value.clone()), "{dropped}");
        }
        assert!(!missed(&format!("{value} /* first */"), value.clone()));
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
