//! Pulls complete findings out of a text that cannot be read as a whole.

use serde_json::{Map, Value};

use super::{
    blank::{near, skip_blank},
    keys,
    quotes::{Closing, family},
    reader::{Reader, marked_as_cut},
};
use crate::shape::looks_like_finding;

/// Most findings that are pulled from one text.
const MAX_FINDINGS: usize = 1_000;

/// `{"findings": [...]}` with every finding that is complete in itself after the key `findings`; `None` when there is none.
/// Without that key, objects that look like findings count only when `anywhere` is set.
///
/// The text is split where an object opens with the same key as the first finding, so a string that lost its quote spoils
/// one finding and not the rest.
pub(super) fn findings(text: &str, anywhere: bool) -> Option<Value> {
    let from = list_start(text).or(anywhere.then_some(0))?;
    let starts = starts(text, from);
    let mut found = Vec::new();
    for (index, &start) in starts.iter().enumerate().take(MAX_FINDINGS) {
        let end = starts.get(index + 1).copied().unwrap_or(text.len());
        let Some(chunk) = text.get(start..end) else { continue };
        let finding =
            [Closing::ByContext, Closing::AtFirstQuote].into_iter().find_map(|closing| whole(chunk, closing));
        let is_last = end == text.len();
        found.extend(finding.or_else(|| is_last.then(|| cut(chunk)).flatten()));
    }
    if found.is_empty() {
        return None;
    }
    let mut answer = Map::new();
    answer.insert("findings".to_owned(), Value::Array(found));
    Some(Value::Object(answer))
}

/// Where the key `findings` ends.
fn list_start(text: &str) -> Option<usize> {
    const KEY: &str = "findings";
    memchr::memmem::find_iter(text.as_bytes(), KEY).map(|at| at + KEY.len()).find(|&end| {
        let rest = near(text.get(end..).unwrap_or_default());
        let rest = rest.strip_prefix(|c| family(c).is_some()).unwrap_or(rest);
        skip_blank(rest).starts_with(':')
    })
}

fn starts(text: &str, from: usize) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut first: Option<&str> = None;
    for at in memchr::memchr_iter(b'{', text.as_bytes()).skip_while(|&at| at < from) {
        let inside = text.get(at + 1..).unwrap_or_default();
        let Some(key) = keys::key_at(skip_blank(near(inside))) else { continue };
        if first.map_or_else(|| keys::is_finding_key(key.word), |first| first == key.word) {
            first = Some(key.word);
            starts.push(at);
        }
    }
    starts
}

fn whole(chunk: &str, closing: Closing) -> Option<Value> {
    let item = Reader::new(chunk, 0, closing).value().ok()??;
    (item.whole && looks_like_finding(&item.value)).then_some(item.value)
}

/// The finding in which the text ends.
fn cut(chunk: &str) -> Option<Value> {
    let mut reader = Reader::new(chunk, 0, Closing::ByContext);
    let item = reader.value().ok()??;
    let is_cut = !item.whole && !reader.dropped && reader.position() >= chunk.len();
    (is_cut && looks_like_finding(&item.value)).then(|| marked_as_cut(item.value))
}
