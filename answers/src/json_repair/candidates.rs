//! Finds the answer among the braces of a text: prose before and after it, drafts, quoted code.

use std::ops::Range;

use serde_json::Value;

use super::{
    blank::{near, skip_blank},
    keys,
    quotes::Closing,
    reader::{Reader, member_follows},
};
use crate::shape::{finding_list, looks_like_finding, unwrapped};

/// A JSON value that was found in the text.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) value: Value,
    /// Whether its end was there.
    pub(super) whole: bool,
    /// How much it looks like an answer: 2 has findings, 1 has a status or is a list of findings, 0 anything else.
    pub(super) rank: u8,
    /// Where it stands in the text.
    pub(super) span: Range<usize>,
}

impl Candidate {
    pub(super) fn salvaged(value: Value) -> Self {
        Self { rank: rank(&value), value, whole: false, span: 0..0 }
    }

    /// Compares readings of the same text: an answer before anything else, then the number of findings.
    pub(super) fn worth(&self) -> (bool, usize, bool) {
        let findings = finding_list(&self.value).unwrap_or_default();
        (self.rank > 0, findings.iter().filter(|finding| looks_like_finding(finding)).count(), self.whole)
    }

    /// Within one reading a later answer replaces an equal earlier one: models draft first. Of other values the largest wins.
    fn replaces(&self, held: &Self) -> bool {
        let size = |candidate: &Self| if candidate.rank == 0 { candidate.span.len() } else { 0 };
        (self.rank, self.whole, size(self)) >= (held.rank, held.whole, size(held))
    }
}

/// The value in `text` that most looks like the answer. Keys without quotes are only considered when nothing else has findings.
pub(super) fn best(text: &str, closing: Closing) -> Option<Candidate> {
    let quoted = scan(text, closing, |key| key.quoted);
    if quoted.as_ref().is_some_and(|found| found.rank > 1) {
        return quoted;
    }
    let bare = scan(text, closing, |key| !key.quoted && (keys::is_known(key.word) || text.starts_with('{')));
    match (quoted, bare) {
        (Some(quoted), Some(bare)) if !quoted.replaces(&bare) => Some(bare),
        (None, bare) => bare,
        (quoted, _) => quoted,
    }
}

fn scan(text: &str, closing: Closing, accepts: impl Fn(keys::Key<'_>) -> bool) -> Option<Candidate> {
    let mut best: Option<Candidate> = None;
    let mut pos = 0;
    while let Some(found) = text.as_bytes().get(pos..).and_then(|rest| memchr::memchr2(b'{', b'[', rest)) {
        let start = pos + found;
        pos = start + 1;
        let Some(rest) = text.get(start..) else { continue };
        if !opens(rest, &accepts) {
            continue;
        }
        let (read, end) = read(text, start, closing);
        pos = end.max(pos);
        if let Some(candidate) = read
            && best.as_ref().is_none_or(|held| candidate.replaces(held))
        {
            best = Some(candidate);
        }
    }
    best
}

/// Whether a bracket opens JSON rather than code or prose: an object with a key, or an array of such objects.
fn opens(rest: &str, accepts: impl Fn(keys::Key<'_>) -> bool) -> bool {
    let mut inside = inner(near(rest));
    if rest.starts_with('[') {
        if !inside.starts_with('{') {
            return false;
        }
        inside = inner(inside);
    }
    if inside.starts_with('{') {
        inside = inner(inside);
    }
    keys::key_at(inside).is_some_and(accepts)
}

/// What follows a bracket.
fn inner(text: &str) -> &str {
    text.get(1..).map_or("", skip_blank)
}

/// The value at `start` and where the search goes on.
fn read(text: &str, start: usize, closing: Closing) -> (Option<Candidate>, usize) {
    let rest = text.get(start..).unwrap_or_default();
    let mut strict = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
    if let Some(Ok(value)) = strict.next() {
        let bytes = strict.byte_offset();
        // A member after the end means that a brace was one too many; the forgiving reader goes on there.
        if !rest.get(bytes..).is_some_and(member_follows) {
            let span = start..start + bytes;
            return (Some(Candidate { rank: rank(&value), value, whole: true, span }), start + bytes);
        }
    }
    let mut reader = Reader::new(text, start, closing);
    let item = reader.value();
    let span = start..reader.position().max(start);
    let candidate = item.ok().flatten().filter(|item| !is_empty(&item.value)).map(|item| Candidate {
        rank: rank(&item.value),
        value: item.value,
        whole: item.whole && !reader.dropped,
        span,
    });
    (candidate, reader.position())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        _ => false,
    }
}

fn rank(value: &Value) -> u8 {
    match unwrapped(value) {
        Value::Array(_) => u8::from(finding_list(value).is_some()),
        answer @ Value::Object(members) => {
            if finding_list(answer).is_some() {
                2
            } else {
                u8::from(members.contains_key("status") || members.contains_key("summary"))
            }
        }
        _ => 0,
    }
}
