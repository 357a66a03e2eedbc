//! Takes as much from the beginning of a JSON value as fits, so that what was taken and what is left are the whole again.

use serde_json::{Map, Value};

/// A text below this size is not divided while it fits elsewhere: half a title helps nobody.
const SHORT: usize = 800;
/// The least space into which the beginning of a text is put, for the same reason.
const LEAST: usize = 300;

/// What was taken.
pub(super) struct Taken {
    /// The value, in the form of the whole.
    pub value: Value,
    /// Where a text or an entry goes on in what is left: `content`, `findings`, `votes[].opinion`; `[]` is the first entry of the list.
    /// `None` when nothing was divided.
    pub divided: Option<String>,
}

/// The size of a text in JSON, without its quotes. Clients count in UTF-16, as JavaScript does.
fn size_of_char(letter: char) -> usize {
    match letter {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        letter if u32::from(letter) < 0x20 => 6,
        letter => letter.len_utf16(),
    }
}

/// The size of a text when it is at most `most`. A long text is not counted to its end: it may be divided a thousand times.
fn text_within(text: &str, most: usize) -> Option<usize> {
    // A unit of UTF-16 takes at most three bytes.
    if text.len() / 3 > most {
        return None;
    }
    let size = 2 + text.chars().map(size_of_char).sum::<usize>();
    (size <= most).then_some(size)
}

/// The size of an entry of an object, with the comma behind it, when it is at most `most`.
fn entry_within(key: &str, value: &Value, most: usize) -> Option<usize> {
    let key = text_within(key, most)? + 2;
    Some(key + within(value, most.checked_sub(key)?)?)
}

/// The size of a value as it is written, when it is at most `most`.
fn within(value: &Value, most: usize) -> Option<usize> {
    let size = match value {
        Value::String(text) => text_within(text, most)?,
        Value::Array(list) => list
            .iter()
            .try_fold(2_usize, |used, value| Some(used + 1 + within(value, most.checked_sub(used + 1)?)?))?,
        Value::Object(object) => object.iter().try_fold(2_usize, |used, (key, value)| {
            Some(used + entry_within(key, value, most.checked_sub(used)?)?)
        })?,
        scalar => scalar.to_string().len(),
    };
    (size <= most).then_some(size)
}

/// The size of an entry of an object, with the comma behind it.
pub(super) fn size_of_entry(key: &str, value: &Value) -> usize {
    entry_within(key, value, usize::MAX).unwrap_or(usize::MAX)
}

/// The size of a value as it is written.
pub(super) fn size(value: &Value) -> usize {
    within(value, usize::MAX).unwrap_or(usize::MAX)
}

/// Takes the beginning of an object. With `must`, something is taken in any case, because nothing else is in the part.
pub(super) fn take(object: &mut Map<String, Value>, space: usize, must: bool) -> Option<Taken> {
    let mut taken = Map::new();
    let mut left = space.saturating_sub(2);
    while let Some((key, value)) = object.iter_mut().next() {
        let key = key.clone();
        if let Some(size) = entry_within(&key, value, left) {
            left -= size;
            taken.insert(key.clone(), value.take());
            object.shift_remove(&key);
            continue;
        }
        let inside = left.saturating_sub(text_within(&key, left).unwrap_or(left) + 2);
        let Some(part) = take_value(value, inside, must && taken.is_empty()) else { break };
        let path = part.divided.map(|path| format!("{key}{path}"));
        taken.insert(key.clone(), part.value);
        if path.is_none() {
            object.shift_remove(&key);
        }
        return Some(Taken { value: Value::Object(taken), divided: path });
    }
    (!taken.is_empty()).then_some(Taken { value: Value::Object(taken), divided: None })
}

/// Takes the beginning of a value. The path of what is divided begins with a point or a bracket, or is empty for the value itself.
fn take_value(value: &mut Value, space: usize, must: bool) -> Option<Taken> {
    match value {
        Value::String(text) => take_text(text, space, must),
        Value::Array(list) if !list.is_empty() => take_entries(list, space, must),
        Value::Object(object) if !object.is_empty() => {
            let part = take(object, space, must)?;
            let divided = match part.divided {
                Some(path) => Some(format!(".{path}")),
                // The border is between two entries.
                None => (!object.is_empty()).then(String::new),
            };
            Some(Taken { value: part.value, divided })
        }
        // It has no beginning of its own. Larger than a whole part it cannot be, except where a part has hardly any space.
        whole => must.then(|| Taken { value: whole.take(), divided: None }),
    }
}

/// Takes whole entries. One is divided only when it alone is larger than a part.
fn take_entries(list: &mut Vec<Value>, space: usize, must: bool) -> Option<Taken> {
    let mut left = space.saturating_sub(2);
    let fitting = list
        .iter()
        .take_while(|value| match within(value, left.saturating_sub(1)) {
            Some(size) => {
                left = left.saturating_sub(size + 1);
                true
            }
            None => false,
        })
        .count();
    let mut taken: Vec<Value> = list.drain(..fitting).collect();
    if !taken.is_empty() || !must {
        let divided = (!list.is_empty()).then(String::new);
        return (!taken.is_empty()).then_some(Taken { value: Value::Array(taken), divided });
    }
    let first = list.first_mut()?;
    let part = take_value(first, left, true)?;
    taken.push(part.value);
    let divided = match part.divided {
        Some(path) => Some(format!("[]{path}")),
        None => {
            list.remove(0);
            (!list.is_empty()).then(String::new)
        }
    };
    Some(Taken { value: Value::Array(taken), divided })
}

fn take_text(text: &mut String, space: usize, must: bool) -> Option<Taken> {
    if !must && (space < LEAST || text_within(text, SHORT).is_some()) {
        return None;
    }
    let end = end_within(text, space.saturating_sub(2));
    let end = if end == 0 { text.chars().next().map_or(0, char::len_utf8) } else { end };
    let rest = text.split_off(end);
    let value = Value::String(std::mem::replace(text, rest));
    Some(Taken { value, divided: (!text.is_empty()).then(String::new) })
}

/// Where to divide a text: behind a paragraph where one ends late enough, else behind a line, a sentence, a word.
fn end_within(text: &str, space: usize) -> usize {
    let mut used = 0;
    let fitting = text.char_indices().find(|(_, letter)| {
        used += size_of_char(*letter);
        used > space
    });
    let Some((end, _)) = fitting else { return text.len() };
    let fits = text.get(..end).unwrap_or_default();
    // The more a border says, the more space it may leave free.
    [("\n\n", 70), ("\n", 85), (". ", 90), (" ", 95)]
        .into_iter()
        .filter_map(|(border, percent)| {
            let found = fits.rfind(border)? + border.len();
            (found >= end * percent / 100 && found > 0).then_some(found)
        })
        .next()
        .unwrap_or(end)
}
