//! A forgiving JSON reader: one pass, bounded depth. It closes what was left open and says when the text ended too early.

use serde_json::{Map, Value};

use super::{
    blank::{near, skip_blank},
    cursor::{Container, Cursor},
    keys,
    quotes::{Closing, family},
    strings::Text,
};
use crate::shape::{
    looks_like_finding,
    names::{CUT, DETAIL, FIX, SUMMARY, TITLE, fold},
};

/// Words in a row that are neither key nor value, before what looked like an object counts as prose.
const JUNK: u32 = 8;
/// Keys whose text is still worth having when it was cut off; of a path or a severity the half says something else.
const PROSE: [&[&str]; 5] = [&["answer", "response", "analysis"], SUMMARY, TITLE, DETAIL, FIX];

/// A value, and whether its end was there.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) value: Value,
    pub(super) whole: bool,
}

/// The nesting is deeper than the limit.
#[derive(Debug)]
pub(super) struct TooDeep;

/// Reads one value from a position on.
pub(super) struct Reader<'a> {
    cursor: Cursor<'a>,
    /// Whether an element was dropped because two had run into one.
    pub(super) dropped: bool,
    /// The key of a member that was met inside an array which was left open.
    pending_key: Option<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, pos: usize, closing: Closing) -> Self {
        Self { cursor: Cursor::new(text, pos, closing), dropped: false, pending_key: None }
    }

    /// Byte offset of the next character.
    pub(super) fn position(&self) -> usize {
        self.cursor.pos
    }

    /// The value that starts here; `None` when a bracket, a comma or the end is in its place.
    pub(super) fn value(&mut self) -> Result<Option<Item>, TooDeep> {
        loop {
            self.cursor.skip_blank();
            let Some(next) = self.cursor.peek() else { return Ok(None) };
            if let Some(quotes) = family(next) {
                let Text { text, whole } = self.cursor.string(quotes, false);
                return Ok(Some(Item { value: Value::String(text), whole }));
            }
            match next {
                '{' => return self.within(Container::Object, Self::object).map(Some),
                '[' => return self.within(Container::Array, Self::array).map(Some),
                ',' | '}' | ']' => return Ok(None),
                ':' => self.cursor.advance_char(),
                _ => return Ok(self.bare_value()),
            }
        }
    }

    fn within(
        &mut self,
        container: Container,
        read: impl FnOnce(&mut Self) -> Result<Item, TooDeep>,
    ) -> Result<Item, TooDeep> {
        if !self.cursor.enter(container) {
            return Err(TooDeep);
        }
        let item = read(self);
        self.cursor.leave();
        item
    }

    fn object(&mut self) -> Result<Item, TooDeep> {
        let mut members = Map::new();
        let (mut junk, mut merged) = (0, false);
        self.cursor.skip_blank();
        // `{{` is how a brace is written in many template languages, and models copy it.
        let doubled = self.cursor.take('{');
        let whole = loop {
            let key = match self.pending_key.take() {
                Some(key) => key,
                None => match self.next_key(!members.is_empty(), doubled)? {
                    Step::Key(key) => key,
                    Step::Again => continue,
                    Step::End { whole } => break whole,
                },
            };
            self.cursor.skip_blank();
            if !self.cursor.take(':') {
                junk += 1;
                if junk > JUNK {
                    break false;
                }
                continue;
            }
            junk = 0;
            match self.value()? {
                Some(item) if item.whole || worth_keeping(&key, &item.value) => {
                    let cut = !item.whole;
                    merged |= self.cursor.in_array_somewhere() && members.contains_key(&key);
                    members.insert(key, item.value);
                    if cut {
                        break false;
                    }
                }
                Some(_) => break false,
                None if self.cursor.at_end() => break false,
                None => {
                    members.insert(key, Value::Null);
                }
            }
        };
        if merged {
            // A string that lost its end ran into the next element: neither of the two can be trusted.
            self.dropped = true;
            return Ok(Item { value: Value::Null, whole });
        }
        Ok(Item { value: Value::Object(members), whole })
    }

    /// What is where an object expects a key.
    fn next_key(&mut self, has_members: bool, doubled: bool) -> Result<Step, TooDeep> {
        self.cursor.skip_blank();
        let Some(next) = self.cursor.peek() else { return Ok(Step::End { whole: false }) };
        match next {
            '}' => {
                self.cursor.advance_char();
                if doubled {
                    self.cursor.skip_blank();
                    self.cursor.take('}');
                }
                if self.is_stray_close() { Ok(Step::Again) } else { Ok(Step::End { whole: true }) }
            }
            // The brace is missing; the bracket belongs to an array further out.
            ']' if self.cursor.in_array_somewhere() => Ok(Step::End { whole: true }),
            ']' | ',' | ':' => {
                self.cursor.advance_char();
                Ok(Step::Again)
            }
            // The brace is missing and the next element starts.
            '{' if has_members && self.cursor.in_array_somewhere() => Ok(Step::End { whole: true }),
            // Another object starts: this one was never finished.
            '{' if has_members && self.cursor.at_root() => Ok(Step::End { whole: false }),
            '{' | '[' => {
                self.value()?;
                Ok(Step::Again)
            }
            _ => Ok(self.key().map_or(Step::End { whole: false }, Step::Key)),
        }
    }

    fn key(&mut self) -> Option<String> {
        let next = self.cursor.peek()?;
        if let Some(quotes) = family(next) {
            let Text { text, whole } = self.cursor.string(quotes, true);
            return whole.then_some(text);
        }
        let rest = self.cursor.rest();
        let end = rest.find(|c: char| !keys::is_word(c)).unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        if word.is_empty() {
            self.cursor.advance_char();
            return Some(String::new());
        }
        self.cursor.bare_keys |= skip_blank(near(rest.get(end..).unwrap_or_default())).starts_with(':');
        self.cursor.pos += end;
        Some(word.to_owned())
    }

    fn array(&mut self) -> Result<Item, TooDeep> {
        let mut elements = Vec::new();
        let whole = loop {
            self.cursor.skip_blank();
            let Some(next) = self.cursor.peek() else { break false };
            match next {
                ']' => {
                    self.cursor.advance_char();
                    break true;
                }
                ',' | ':' => self.cursor.advance_char(),
                // After an object a brace too many; otherwise the array was left open and its object ends.
                '}' if elements.last().is_some_and(Value::is_object) && self.is_brace_too_many() => {
                    self.cursor.advance_char();
                }
                '}' if self.cursor.in_object_somewhere() => break true,
                '}' => self.cursor.advance_char(),
                _ => {
                    let Some(item) = self.value()? else { continue };
                    if self.pending_key.is_some() {
                        elements.push(item.value);
                        break true;
                    }
                    match item {
                        Item { value: Value::String(key), whole: true } if self.is_member_key() => {
                            self.pending_key = Some(key);
                            break true;
                        }
                        Item { value, whole: true } => {
                            if !is_ellipsis(&value) {
                                elements.push(value);
                            }
                        }
                        Item { value, whole: false } => {
                            elements.extend(self.cut_finding(value));
                            break false;
                        }
                    }
                }
            }
        };
        Ok(Item { value: Value::Array(elements), whole })
    }

    /// The finding in which the text ends, marked as such, when enough of it is there to be of use.
    fn cut_finding(&self, value: Value) -> Option<Value> {
        (self.cursor.at_end() && looks_like_finding(&value)).then(|| marked_as_cut(value))
    }

    /// A number, a literal of JSON, JavaScript or Python, or a word without quotes.
    fn bare_value(&mut self) -> Option<Item> {
        let rest = self.cursor.rest();
        let mut previous = ' ';
        let mut end = rest.len();
        for (at, c) in rest.char_indices() {
            let comment =
                previous.is_whitespace() && (c == '#' || rest.get(at..).is_some_and(|r| r.starts_with("//")));
            if at > 0 && (comment || matches!(c, ',' | '}' | ']' | '{' | '[' | '"' | '“' | '\n' | '\r')) {
                end = at;
                break;
            }
            previous = c;
        }
        let whole = end < rest.len();
        let word = rest.get(..end).unwrap_or_default().trim();
        self.cursor.pos += end;
        let value = match word {
            "true" | "True" | "TRUE" => Value::Bool(true),
            "false" | "False" | "FALSE" => Value::Bool(false),
            "null" | "None" | "Null" | "NULL" | "undefined" | "nil" => Value::Null,
            "NaN" | "nan" | "Infinity" | "-Infinity" | "inf" | "-inf" => Value::Null,
            word => number(word).unwrap_or_else(|| Value::String(word.to_owned())),
        };
        Some(Item { value, whole })
    }

    /// Whether the brace that closed the outermost object was one too many: another member follows.
    fn is_stray_close(&self) -> bool {
        if !self.cursor.at_root() {
            return false;
        }
        member_follows(self.cursor.rest())
    }

    fn is_brace_too_many(&self) -> bool {
        let rest = skip_blank(near(self.cursor.rest()).trim_start_matches(['}', ' ', '\n', '\r', '\t']));
        if let Some(after) = rest.strip_prefix(',') {
            return skip_blank(after).starts_with('{');
        }
        rest.starts_with([']', '{'])
    }

    fn is_member_key(&self) -> bool {
        self.cursor.in_object_somewhere() && skip_blank(near(self.cursor.rest())).starts_with(':')
    }
}

enum Step {
    Key(String),
    Again,
    End { whole: bool },
}

/// Whether `, "key":` (or the same without the comma) is here.
pub(super) fn member_follows(rest: &str) -> bool {
    let rest = skip_blank(near(rest));
    let rest = rest.strip_prefix(',').map_or(rest, skip_blank);
    keys::key_at(rest).is_some_and(|key| key.quoted || keys::is_known(key.word))
}

/// A finding that the text breaks off in.
pub(super) fn marked_as_cut(mut finding: Value) -> Value {
    if let Some(members) = finding.as_object_mut() {
        members.insert(CUT.to_owned(), Value::Bool(true));
    }
    finding
}

/// A value that was cut off is kept when what is there cannot mislead: a container drops its own cut parts.
fn worth_keeping(key: &str, value: &Value) -> bool {
    match value {
        Value::Object(_) | Value::Array(_) => true,
        Value::String(text) => {
            !text.trim().is_empty() && PROSE.iter().any(|names| names.contains(&fold(key).as_str()))
        }
        _ => false,
    }
}

fn is_ellipsis(value: &Value) -> bool {
    value.as_str().is_some_and(|text| matches!(text, "..." | "…"))
}

fn number(word: &str) -> Option<Value> {
    if !word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        return None;
    }
    if let Ok(number) = serde_json::from_str::<serde_json::Number>(word) {
        return Some(Value::Number(number));
    }
    if !word.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E')) {
        return None;
    }
    let plain = word.strip_prefix('+').unwrap_or(word);
    if let Ok(whole) = plain.parse::<i64>() {
        return Some(Value::from(whole));
    }
    plain.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Value::Number)
}
