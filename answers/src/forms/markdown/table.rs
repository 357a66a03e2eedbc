//! Tables whose columns say how severe something is, where it is and what it is.

use serde_json::{Map, Value};

use crate::{
    severity::SeverityWords,
    shape::{
        Hints, RawFinding, looks_like_finding,
        names::{DETAIL, SEVERITY, SEVERITY_PERHAPS, SUBJECT, TITLE, fold},
    },
};

/// The findings of a table; none when a column for the severity or for the text is missing, or a row says neither.
pub(super) fn findings(rows: &[Vec<String>], place: &str, words: &SeverityWords) -> Vec<RawFinding> {
    let Some((head, body)) = rows.split_first() else { return Vec::new() };
    let head = named(head, body, words);
    let is_column = |names: &[&str]| head.iter().any(|name| names.contains(&fold(name).as_str()));
    if !(is_column(SEVERITY) || is_column(SEVERITY_PERHAPS))
        || !(is_column(TITLE) || is_column(SUBJECT) || is_column(DETAIL))
    {
        return Vec::new();
    }
    let hints = Hints { said: None, path: (!place.is_empty()).then(|| place.to_owned()) };
    let row = |cells: &Vec<String>| {
        let members = head.iter().zip(cells).filter(|(_, cell)| !cell.is_empty());
        let members: Map<String, Value> = members
            .map(|(name, cell)| (name.trim_matches(['*', ' ']).to_owned(), Value::String(plain(cell))))
            .collect();
        let value = Value::Object(members);
        looks_like_finding(&value).then(|| RawFinding::with_hints(&value, &hints, words)).flatten()
    };
    let found: Option<Vec<RawFinding>> = body.iter().map(row).collect();
    found.unwrap_or_default()
}

/// The names of the columns. One without a name whose every cell is a severity is the severity.
fn named(head: &[String], body: &[Vec<String>], words: &SeverityWords) -> Vec<String> {
    let is_severity = |column: usize| {
        !body.is_empty()
            && body.iter().all(|row| row.get(column).is_some_and(|cell| words.read(cell).is_some()))
    };
    let name = |(column, name): (usize, &String)| {
        if name.is_empty() && is_severity(column) { "severity".to_owned() } else { name.clone() }
    };
    head.iter().enumerate().map(name).collect()
}

/// A cell without the emphasis or the code marks around all of it.
fn plain(cell: &str) -> String {
    let inner =
        |mark: &str| cell.strip_prefix(mark)?.strip_suffix(mark).filter(|inner| !inner.contains(mark));
    ["**", "__", "`", "*", "_"]
        .iter()
        .find_map(|mark| inner(mark))
        .unwrap_or(cell)
        .replace("<br>", "\n")
        .replace("\\|", "|")
}
