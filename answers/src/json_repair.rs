//! Reads the JSON that models write.
//!
//! The text is read strictly first. When that fails there is one local repair: text around the answer, fences, comments,
//! trailing or missing commas, other quotes, bare keys, Python literals, control characters and missing brackets are
//! forgiven. What is still hopeless is searched for findings that are complete in themselves. Nothing here guesses: what
//! was cut off in the middle is left out, and the caller keeps the raw text.

mod blank;
mod candidates;
mod cursor;
mod keys;
mod quotes;
mod reader;
mod salvage;
mod strings;

use std::ops::Range;

use serde_json::Value;

/// Longest text that is repaired, in bytes. A longer one is only read strictly.
pub const MAX_REPAIR_BYTES: usize = 8 * 1024 * 1024;

/// What it took to read an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Repair {
    /// It was JSON.
    Strict,
    /// It was whole, after a repair.
    Repaired,
    /// Only part of it could be read: it was cut off or damaged beyond repair. What is there is complete in itself.
    Salvaged,
    /// It could not be read as JSON at all.
    None,
}

/// An answer as read by [`parse`].
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The JSON object or array; `None` when the text has none.
    pub value: Option<Value>,
    /// What it took.
    pub repaired: Repair,
    /// Where it stands in the text; the rest of the text is something else. Empty where that is not known.
    pub span: Range<usize>,
}

impl Parsed {
    const NOTHING: Self = Self { value: None, repaired: Repair::None, span: 0..0 };

    fn of(value: Value, repaired: Repair, span: Range<usize>) -> Self {
        Self { value: Some(value), repaired, span }
    }
}

/// Reads the one JSON answer in `text`, in time linear in its length; never fails.
#[must_use]
pub fn parse(text: &str) -> Parsed {
    let bare = text.trim_start_matches('\u{feff}').trim();
    let start = text.find(bare).unwrap_or(0);
    let parsed = match serde_json::from_str::<Value>(bare) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => Parsed::of(value, Repair::Strict, 0..bare.len()),
        // Some models write the answer as a JSON string; one level of that is undone.
        Ok(Value::String(inner)) => Parsed { span: 0..bare.len(), ..repair(inner.trim()) },
        Ok(_) => return Parsed::NOTHING,
        Err(_) => repair(bare),
    };
    Parsed { span: start + parsed.span.start..start + parsed.span.end, ..parsed }
}

/// The object that is the whole of an answer when it has this status.
#[must_use]
pub fn with_status(text: &str, status: &str) -> Option<Value> {
    if !text.contains(status) {
        return None;
    }
    parse(text).value.filter(|value| value.get("status").and_then(Value::as_str) == Some(status))
}

fn repair(text: &str) -> Parsed {
    if text.len() > MAX_REPAIR_BYTES {
        return Parsed::NOTHING;
    }
    if keys::opens_with_quoted_key(text) {
        // The opening brace was lost.
        let parsed = choose(&format!("{{{text}"));
        let span = parsed.span.start.saturating_sub(1)..parsed.span.end.saturating_sub(1);
        return Parsed { span, ..parsed };
    }
    choose(text)
}

/// Tries the readings in order of trust and takes the one with most findings.
fn choose(text: &str) -> Parsed {
    let balanced = candidates::best(text, quotes::Closing::ByContext);
    if let Some(found) = &balanced
        && found.whole
        && found.rank > 0
    {
        return Parsed::of(found.value.clone(), Repair::Repaired, found.span.clone());
    }
    let first = candidates::best(text, quotes::Closing::AtFirstQuote);
    let is_answer = [&balanced, &first].into_iter().flatten().any(|found| found.rank > 0);
    let salvaged = salvage::findings(text, !is_answer).map(candidates::Candidate::salvaged);
    let mut best: Option<candidates::Candidate> = None;
    for reading in [balanced, first, salvaged].into_iter().flatten() {
        if best.as_ref().is_none_or(|held| reading.worth() > held.worth()) {
            best = Some(reading);
        }
    }
    match best {
        Some(found) if found.whole => Parsed::of(found.value, Repair::Repaired, found.span),
        Some(found) if found.rank > 0 => Parsed::of(found.value, Repair::Salvaged, found.span),
        _ => Parsed::NOTHING,
    }
}
