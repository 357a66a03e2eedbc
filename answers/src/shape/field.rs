//! Single fields of an answer as models vary them: text, line numbers, `path:line` in one.

use serde_json::{Map, Value};

use super::names::fold;

/// The lines that a finding names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lines {
    pub(super) first: u32,
    /// The last one of a range.
    pub(super) last: Option<u32>,
}

impl Lines {
    /// The place in a file, as text names it.
    pub(super) fn of(self, path: &str) -> String {
        match self.last {
            Some(last) => format!("{path}:{}-{last}", self.first),
            None => format!("{path}:{}", self.first),
        }
    }
}

/// A place in a file, as text names it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Location {
    pub(super) path: String,
    pub(super) lines: Option<Lines>,
}

/// The first of `names` (folded keys) that is there and not null.
pub(super) fn pick<'v>(object: &'v Map<String, Value>, names: &[&str]) -> Option<&'v Value> {
    names
        .iter()
        .find_map(|name| object.iter().find(|(key, value)| !value.is_null() && fold(key) == *name))
        .map(|(_, v)| v)
}

/// Text of a field: a string as it is, a list line by line, an object as `name: value` line by line.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(elements) => {
            elements.iter().map(text).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
        }
        Value::Object(members) => {
            let lines = members
                .iter()
                .map(|(name, value)| (name, text(value)))
                .filter(|(_, value)| !value.is_empty());
            lines.map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n")
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Line numbers of a field: `12`, `"12-14"`, `"L12"`, `[12, 14]`, `{"start": 12, "end": 14}`.
pub(super) fn lines(value: &Value) -> Option<Lines> {
    match value {
        Value::Number(number) => line_number(number).map(|first| Lines { first, last: None }),
        Value::String(text) => lines_in(text),
        Value::Array(elements) => {
            let begin = lines(elements.first().filter(|v| v.is_number() || v.is_string())?)?;
            let last = elements.last().filter(|v| v.is_number() || v.is_string()).and_then(lines);
            let last = last.map(|lines| lines.last.unwrap_or(lines.first)).or(begin.last);
            Some(Lines { first: begin.first, last })
        }
        Value::Object(range) => {
            let scalar = |names: &[&str]| {
                pick(range, names).filter(|v| v.is_number() || v.is_string()).and_then(lines)
            };
            let begin = scalar(&["start", "from", "line", "startline", "linestart", "begin"])?;
            let last = scalar(&["end", "to", "endline", "lineend"]).map(|lines| lines.first).or(begin.last);
            Some(Lines { first: begin.first, last })
        }
        _ => None,
    }
}

/// Whether a value says nothing but lines.
pub(super) fn is_lines_only(value: &Value) -> bool {
    match value {
        Value::String(text) => {
            let is_word = |word: &str| {
                matches!(word.to_lowercase().as_str(), "line" | "lines" | "l" | "to" | "第" | "行")
            };
            text.split(|c: char| c.is_ascii_digit() || " -–—.,:=~#".contains(c))
                .filter(|word| !word.is_empty())
                .all(is_word)
        }
        Value::Array(elements) => elements.iter().all(is_lines_only),
        Value::Object(range) => range.values().all(Value::is_number),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

fn line_number(number: &serde_json::Number) -> Option<u32> {
    if let Some(whole) = number.as_u64() {
        return u32::try_from(whole).ok();
    }
    // `12.0`; the text form avoids a lossy cast.
    let text = number.to_string();
    text.strip_suffix(".0")?.parse().ok()
}

/// The first number of a text and, when a dash or "to" follows, the second.
fn lines_in(text: &str) -> Option<Lines> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let (first, rest) = leading_number(text.get(start..)?)?;
    let rest = rest.trim_start();
    let range = ["-", "–", "—", "..", "to "].iter().find_map(|mark| rest.strip_prefix(mark));
    let last = range.and_then(|rest| leading_number(rest.trim_start_matches([' ', '=', 'L', 'l', '.'])));
    Some(Lines { first, last: last.map(|(line, _)| line) })
}

fn leading_number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

/// Splits `src/a.rs:12`, `src/a.rs:12-14`, `src/a.rs:12:5` and `src/a.rs#L12-L14`; a path without lines stays as it is.
pub(super) fn location(text: &str) -> Location {
    let text = text.trim().trim_matches(['`', '"', '\'', '*']);
    let hash = text.find("#L").map(|at| (at, at + 2));
    let colon = text.match_indices(':').map(|(at, _)| (at, at + 1)).find(|&(_, after)| {
        // The whole rest must be numbers, so that a drive letter or `std::vec` is no line.
        text.get(after..).is_some_and(|rest| {
            rest.trim_start_matches([' ', 'L']).starts_with(|c: char| c.is_ascii_digit())
                && rest.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | 'L' | '-' | '–' | ':' | ','))
        })
    });
    if let Some((at, after)) = hash.or(colon)
        && let Some(found) = text.get(after..).and_then(lines_in)
    {
        return Location { path: text.get(..at).unwrap_or_default().trim().to_owned(), lines: Some(found) };
    }
    Location { path: text.to_owned(), lines: None }
}
