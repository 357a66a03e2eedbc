//! One finding, whatever its fields are called. What is read is taken out of the value, and the rest stays with the finding under the
//! model's own names, so that nothing is lost.

use exai_core::Severity;
use serde_json::{Map, Value};

use super::{
    field::{Lines, Location, is_lines_only, lines, location, text},
    names::{
        CVSS, DETAIL, END_LINE, FIX, HOLDERS, LINE, PATH, QUOTE, SEVERITY, SEVERITY_PERHAPS, SUBJECT, TITLE,
        fold, is,
    },
};
use crate::severity::{Said, SeverityWords};

/// Longest title that is made from the detail when there is none, in characters.
const TITLE_CHARS: usize = 120;
/// Longest text that `risk` or `level` may have as a severity, in characters; a longer one describes something.
const LONGEST_LEVEL: usize = 24;
/// The names of the typed fields; a value that could not be read keeps its name behind a prefix.
const TYPED: [&str; 11] = [
    "severity",
    "severity_word",
    "path",
    "line",
    "end_line",
    "quote",
    "title",
    "detail",
    "fix",
    "citation",
    "cut",
];

/// A finding as the model wrote it; nothing in it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFinding {
    /// How much it matters, and the model's own word for it.
    pub said: Said,
    /// The file as the model names it; empty when it names none.
    pub path: String,
    /// First line, from 1, when the model gives one.
    pub line: Option<u32>,
    /// Last line, when the model gives a range.
    pub end_line: Option<u32>,
    /// The cited text.
    pub quote: String,
    /// One line; taken from the detail when the model gives none.
    pub title: String,
    /// Why it matters.
    pub detail: String,
    /// What to change.
    pub fix: String,
    /// Whether the answer broke off in it.
    pub cut: bool,
    /// What else the model said of it, under its own names.
    pub more: Map<String, Value>,
}

/// What stands around a finding and holds for it: the heading of its list, the file of its group.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hints {
    pub(crate) said: Option<Said>,
    pub(crate) path: Option<String>,
}

impl RawFinding {
    /// Reads one finding. A text alone becomes title and detail. `None` when nothing in it could be shown to anyone.
    #[must_use]
    pub fn from_value(value: &Value, words: &SeverityWords) -> Option<Self> {
        Self::with_hints(value, &Hints::default(), words)
    }

    /// Reads one finding of a list for which `hints` hold.
    pub(crate) fn with_hints(value: &Value, hints: &Hints, words: &SeverityWords) -> Option<Self> {
        let mut finding = match value {
            Value::Object(object) => Self::from_object(object.clone(), words)?,
            Value::String(detail) if !detail.trim().is_empty() => Self::from_text(detail.trim(), words),
            _ => return None,
        };
        if finding.said == Said::nothing()
            && let Some(said) = &hints.said
        {
            finding.said = said.clone();
        }
        if finding.path.is_empty()
            && let Some(path) = &hints.path
        {
            let Location { path, lines } = location(path);
            finding.path = path;
            finding.line = finding.line.or(lines.map(|lines| lines.first));
        }
        Some(finding)
    }

    fn from_object(mut object: Map<String, Value>, words: &SeverityWords) -> Option<Self> {
        hoist(&mut object);
        let said = severity(&mut object, words);
        let cut = object.shift_remove(super::names::CUT).is_some();
        let (path, place) = place(&mut object);
        let own = take_lines(&mut object).filter(|lines| lines.first > 0);
        if let (Some(own), Some(place)) = (own, place)
            && own != place
        {
            object.insert("also_at".to_owned(), Value::String(place.of(&path)));
        }
        let range = own.or(place);
        let line = range.map(|lines| lines.first);
        let end = take_end(&mut object).or(range.and_then(|lines| lines.last));
        let quote = take_text(&mut object, QUOTE);
        let fix = take_text(&mut object, FIX);
        let title = take_text(&mut object, TITLE);
        let (title, detail) = described(title, &mut object);
        // Comments of a review say it in their first word: `**nit:** …`.
        let leads = [&title, &detail].into_iter().find(|text| text.starts_with(['*', '[', '【']));
        let lead = leads.map(|text| marked(text, words).0).filter(|lead| *lead != Said::nothing());
        let said = match lead {
            Some(lead) if said == Said::nothing() || lead.severity < said.severity => lead,
            _ => said,
        };
        let says_something = [&title, &detail, &quote, &fix].iter().any(|text| !text.trim().is_empty());
        let finding = Self {
            said,
            path,
            line,
            end_line: end.filter(|end| line.is_some_and(|line| *end > line)),
            quote,
            title,
            detail,
            fix,
            cut,
            more: others(object),
        };
        (says_something || finding.more.values().any(has_text)).then(|| finding.titled())
    }

    /// A finding that stands in running text: its severity and place are known, its words are the text.
    pub(crate) fn in_words(said: Said, place: &str, text: &str) -> Self {
        let Location { path, lines } = location(place);
        let line = lines.map(|lines| lines.first);
        let end_line = lines.and_then(|lines| lines.last).filter(|end| line.is_some_and(|line| *end > line));
        let bare = text.lines().next().unwrap_or_default();
        let title = bare.trim_matches(|c: char| c.is_whitespace() || matches!(c, '#' | '*' | '-' | '_'));
        let (quote, fix, more) = (String::new(), String::new(), Map::new());
        Self {
            said,
            path,
            line,
            end_line,
            quote,
            title: title_from(title),
            detail: text.to_owned(),
            fix,
            cut: false,
            more,
        }
    }

    fn from_text(detail: &str, words: &SeverityWords) -> Self {
        let (said, rest) = marked(detail, words);
        let first = rest.split_whitespace().next().unwrap_or_default();
        let Location { path, lines } =
            location(first.trim_end_matches([':', ',', ')', ']']).trim_start_matches(['(', '[']));
        let line = lines.map(|lines| lines.first);
        Self {
            said,
            path: if line.is_some() { path } else { String::new() },
            line,
            end_line: lines.and_then(|lines| lines.last).filter(|end| line.is_some_and(|line| *end > line)),
            quote: String::new(),
            title: title_from(detail),
            detail: detail.to_owned(),
            fix: String::new(),
            cut: false,
            more: Map::new(),
        }
    }

    /// With a title, made of another text where there is none.
    fn titled(mut self) -> Self {
        if self.title.trim().is_empty() {
            let other = self.more.values().find_map(Value::as_str).unwrap_or_default();
            let texts = [self.detail.as_str(), self.fix.as_str(), self.quote.as_str(), other];
            self.title =
                texts.into_iter().find(|text| !text.trim().is_empty()).map(title_from).unwrap_or_default();
        }
        self
    }
}

/// A severity at the beginning of a text, as in `[HIGH] a.rs:3 …` or `**Critical:** …`, and the text behind it.
pub(crate) fn marked<'t>(text: &'t str, words: &SeverityWords) -> (Said, &'t str) {
    let nothing = (Said::nothing(), text);
    let bare = text
        .trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '_' | '#' | '`' | '-' | '•'));
    let (word, rest) = if let Some(inner) = bare.strip_prefix(['[', '(', '【']) {
        match inner.split_once([']', ')', '】']) {
            Some(parts) => parts,
            None => return nothing,
        }
    } else {
        let end = bare.find([':', '：', '–', '—', '|', '*', ' ']).unwrap_or(bare.len());
        let (word, rest) = bare.split_at_checked(end).unwrap_or((bare, ""));
        // A number there counts sections; a word that others follow may be any of them: `Trivial login bypass`.
        let is_number = word.starts_with(|c: char| c.is_ascii_digit());
        if is_number || !stands_alone(word, rest, words) {
            return nothing;
        }
        (word, rest)
    };
    if word.chars().count() > LONGEST_LEVEL {
        return nothing;
    }
    let Some(mut severity) = words.read(word) else { return nothing };
    let mut word = word.trim();
    // `suggestion (security, blocking): …`, `Low to Critical`
    if severity > Severity::High
        && let Some(more) = bare.split([':', '：', '–', '—', '|', '`', '\n']).next()
        && let Some(worse) = words.read(more).filter(|worse| *worse < severity)
    {
        (severity, word) = (worse, more.trim());
    }
    let rest = rest.trim_start_matches(|c: char| {
        c.is_whitespace() || matches!(c, '*' | '_' | ':' | '：' | '–' | '—' | '-' | '|' | ']')
    });
    let word = (!word.eq_ignore_ascii_case(severity.as_str())).then(|| word.to_owned());
    (Said { severity, word }, rest)
}

/// Whether a word in front of other text is a mark for what follows: it is severe or a sign, or no other word of a sentence follows it.
fn stands_alone(word: &str, rest: &str, words: &SeverityWords) -> bool {
    let rest = rest.trim_start_matches('*');
    let is_sign = !word.chars().all(char::is_alphanumeric) && !word.contains('-');
    let is_shouted = word.chars().any(char::is_uppercase) && !word.chars().any(char::is_lowercase);
    if is_sign || is_shouted || !rest.starts_with(' ') {
        return true;
    }
    if words.read(word).is_none_or(|severity| severity <= Severity::High) {
        return true;
    }
    let next = rest.split_whitespace().next().unwrap_or_default();
    let bare = next.trim_end_matches(['*', ':', ',', ';', '_', '：']);
    let is_place = next.contains(['.', '/', '\\', '`', '(', '[', '"']) && !next.ends_with('.')
        || !next.contains(char::is_alphabetic);
    is_place || crate::severity::is_filler(bare) || words.read(bare).is_some()
}

/// Moves the members of `extra` and the like up to the finding where it has none of that name.
fn hoist(object: &mut Map<String, Value>) {
    let holder =
        object.iter().find(|(key, value)| HOLDERS.contains(&fold(key).as_str()) && value.is_object());
    let Some(key) = holder.map(|(key, _)| key.clone()) else { return };
    let Some(Value::Object(members)) = object.shift_remove(&key) else { return };
    let mut left = Map::new();
    for (name, value) in members {
        if object.contains_key(&name) {
            left.insert(name, value)
        } else {
            object.insert(name, value)
        };
    }
    if !left.is_empty() {
        object.insert(key, Value::Object(left));
    }
}

/// Takes the severity out. What else says how much it matters stays with the finding, and counts where it is worse.
fn severity(object: &mut Map<String, Value>, words: &SeverityWords) -> Said {
    let key_of = |object: &Map<String, Value>, names: &[&str], accepts: &dyn Fn(&Value) -> bool| {
        let found = object.iter().find(|(key, value)| names.contains(&fold(key).as_str()) && accepts(value));
        found.map(|(key, _)| key.clone())
    };
    let scalar = |value: &Value| !value.is_null() && !value.is_object() && !value.is_array();
    let short = |value: &Value| value.as_str().is_none_or(|word| word.chars().count() <= LONGEST_LEVEL);
    let mut said = Said::nothing();
    if let Some(key) = key_of(object, SEVERITY, &scalar) {
        said = words.said(&object.shift_remove(&key).unwrap_or_default());
    } else if let Some(key) = key_of(object, SEVERITY_PERHAPS, &|value| {
        scalar(value) && short(value) && words.said(value).severity != Severity::Unknown
    }) {
        said = words.said(&object.shift_remove(&key).unwrap_or_default());
    }
    let others =
        object.iter().filter_map(|(key, value)| Some((key, value, other_severity(key, value, words)?)));
    let Some((key, value, worst)) = others.min_by_key(|(_, _, severity)| *severity) else { return said };
    if said.severity == Severity::Unknown {
        // A score says what an odd word does not; another mild word does not.
        let is_certain = said.word.is_none() || worst <= Severity::High || is(key, CVSS);
        return if is_certain { Said { severity: worst, word: said.word } } else { said };
    }
    if worst >= said.severity {
        return said;
    }
    let first = said.word.unwrap_or_else(|| said.severity.as_str().to_owned());
    Said { severity: worst, word: Some(format!("{first}, {key} {}", text(value))) }
}

/// What a further member says of the severity: another name for it, a score, `"blocking": true`.
fn other_severity(key: &str, value: &Value, words: &SeverityWords) -> Option<Severity> {
    let name = fold(key);
    if value.is_object() || value.is_array() || value.is_null() {
        return None;
    }
    if CVSS.contains(&name.as_str()) {
        let phrase = value.as_str().map_or_else(|| format!("CVSS {value}"), |text| format!("CVSS {text}"));
        return words.read(value.as_str().unwrap_or(&phrase)).or_else(|| words.read(&phrase));
    }
    if value.as_bool() == Some(true) {
        return words.read(key).filter(|severity| *severity <= Severity::High);
    }
    let is_level = SEVERITY.contains(&name.as_str()) || SEVERITY_PERHAPS.contains(&name.as_str());
    let said = words.said(value).severity;
    (is_level && said != Severity::Unknown).then_some(said)
}

/// Takes the file and its lines out.
fn place(object: &mut Map<String, Value>) -> (String, Option<Lines>) {
    let (mut path, mut lines) = (String::new(), None);
    for name in PATH {
        let Some(key) = object.keys().find(|key| fold(key) == *name).cloned() else { continue };
        let Some(value) = object.get_mut(&key) else { continue };
        let as_it_was = value.clone();
        let found = take_place(value, 0);
        if is_empty(value) {
            object.shift_remove(&key);
        }
        if path.is_empty() {
            path = found.path;
        } else if !found.path.is_empty() && found.path != path {
            // Two names for the place that differ: the second is kept as it is.
            object.insert(key, as_it_was);
        }
        lines = lines.or(found.lines);
    }
    (path, lines)
}

/// Takes a place out of a value, and leaves in it what is none.
fn take_place(value: &mut Value, depth: u8) -> Location {
    match value {
        Value::String(text) => {
            let found = location(text);
            *value = Value::Null;
            found
        }
        Value::Object(members) if depth < 4 => {
            let (mut path, mut found) = place(members);
            found = found.or_else(|| take_lines(members));
            if path.is_empty() && found.is_none() {
                for inner in members.values_mut().filter(|inner| inner.is_object() || inner.is_array()) {
                    let nested = take_place(inner, depth + 1);
                    path = nested.path;
                    found = nested.lines;
                    if !path.is_empty() {
                        break;
                    }
                }
            }
            members.retain(|_, member| !is_empty(member));
            Location { path, lines: found }
        }
        Value::Array(elements) if depth < 4 && elements.len() == 1 => {
            let found = elements.first_mut().map(|first| take_place(first, depth + 1)).unwrap_or_default();
            elements.retain(|element| !is_empty(element));
            found
        }
        _ => Location::default(),
    }
}

/// Takes the lines out. A text that says more than lines stays.
fn take_lines(object: &mut Map<String, Value>) -> Option<Lines> {
    for name in LINE {
        let Some(key) = object.keys().find(|key| fold(key) == *name).cloned() else { continue };
        let Some(found) = object.get(&key).and_then(lines) else { continue };
        if object.get(&key).is_some_and(is_lines_only) {
            object.shift_remove(&key);
        }
        return Some(found);
    }
    None
}

fn take_end(object: &mut Map<String, Value>) -> Option<u32> {
    let key = object.keys().find(|key| END_LINE.contains(&fold(key).as_str())).cloned()?;
    let found = object.get(&key).and_then(lines)?;
    if object.get(&key).is_some_and(is_lines_only) {
        object.shift_remove(&key);
    }
    Some(found.first)
}

/// Takes a text out under the first of `names` that has one.
fn take_text(object: &mut Map<String, Value>, names: &[&str]) -> String {
    for name in names {
        let holds = |(key, value): &(&String, &Value)| fold(key) == *name && !text(value).trim().is_empty();
        if let Some(key) = object.iter().find(holds).map(|(key, _)| key.clone()) {
            return object.shift_remove(&key).map(|value| text(&value)).unwrap_or_default();
        }
    }
    String::new()
}

/// Title and detail. `issue` and the like are the title where a longer description stands beside them.
fn described(title: String, object: &mut Map<String, Value>) -> (String, String) {
    let subject = take_text(object, SUBJECT);
    let detail = take_text(object, DETAIL);
    if subject.is_empty() {
        return (title, detail);
    }
    if detail.is_empty() {
        return (title, subject);
    }
    if title.is_empty() && subject.lines().count() == 1 {
        return (subject, detail);
    }
    (title, format!("{subject}\n{detail}"))
}

/// What was not read, with names that hide no typed field.
fn others(object: Map<String, Value>) -> Map<String, Value> {
    let renamed = |key: String| if TYPED.contains(&key.as_str()) { format!("model_{key}") } else { key };
    object
        .into_iter()
        .filter(|(_, value)| !is_empty(value))
        .map(|(key, value)| (renamed(key), value))
        .collect()
}

pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(elements) => elements.iter().all(is_empty),
        Value::Object(members) => members.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn has_text(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(elements) => elements.iter().any(has_text),
        Value::Object(members) => members.values().any(has_text),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The first line, cut at the end of a word.
fn title_from(detail: &str) -> String {
    let line = detail.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let Some((end, _)) = line.char_indices().nth(TITLE_CHARS) else { return line.to_owned() };
    let head = line.get(..end).unwrap_or_default();
    let whole = head.rsplit_once(char::is_whitespace).map_or(head, |(words, _)| words);
    format!("{}…", whole.trim_end())
}
