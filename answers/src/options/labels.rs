//! Lettered and numbered entries of a text, one behind the other or a line each.

use std::sync::LazyLock;

use regex::Regex;

/// How far before the first entry its lead is read, in characters.
const LEAD: usize = 80;

static LABEL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?xm)(?: ^ | [\s\[(*>,;:] )
        (?P<word> (?i:option|alternative|variant|choice|candidate) \s+ )?
        [(\[*]* (?P<label> [A-Za-z] | \d{1,2} ) \**
        (?: [)\]]\**[.:]? \s* | [.:]\** \s+ | \s+ [–—-] \s+ ) \S",
    )
    .ok()
});
static BEGINS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x)^ [\s>*(\[]* (?: (?i:option|alternative|variant|choice|candidate) \s+ )?
        [(\[*]* (?: [A-Za-z] | \d{1,2} ) \** (?: [)\]] | [.:]\**\s | \s+[–—-]\s )",
    )
    .ok()
});
/// Words before entries that are conditions or reasons.
static CONDITIONS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b(?:if|when|whenever|unless|because|any\s+of)\b[^.!?]*$").ok());
/// Words that take one of the entries behind them.
static CHOICE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?xi)\b(?:use|choose|pick|select|take|prefer|with|to|into|in|on|by|be|either|between)
        (?:\s+either)? \s*:?\s*$",
    )
    .ok()
});

/// What stands before the last entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joined {
    And,
    Or,
    Neither,
}

/// Two or more entries with consecutive labels.
#[derive(Debug)]
pub(super) struct Labels {
    pub joined: Joined,
    /// A, B, C instead of numbers or small letters.
    pub are_capitals: bool,
    /// Each is called an option.
    pub are_named: bool,
    /// They say when or why something holds.
    pub are_conditions: bool,
    /// The words before them take one of them.
    pub follow_a_choice: bool,
}

/// Whether a line is such an entry.
pub(super) fn begins(line: &str) -> bool {
    BEGINS.as_ref().is_some_and(|label| label.is_match(line))
}

impl Labels {
    /// The first run of entries in a text.
    pub(super) fn of(text: &str) -> Option<Self> {
        let pattern = LABEL.as_ref()?;
        let mut run: Vec<(usize, usize, char)> = Vec::new();
        let mut are_named = true;
        for one in pattern.captures_iter(text) {
            let (whole, label) = (one.get(0)?, one.name("label")?.as_str());
            let Some(key) = key(label) else { continue };
            let follows = run.last().is_some_and(|(_, _, last)| follows(*last, key));
            if follows || (run.len() < 2 && is_first(key)) {
                if !follows {
                    run.clear();
                    are_named = true;
                }
                are_named &= one.name("word").is_some();
                run.push((whole.start(), whole.end(), key));
            }
        }
        let (start, _, first) = *run.first()?;
        let [.., (_, before_last, _), (last, ..)] = run.as_slice() else { return None };
        let lead = text.get(..start).unwrap_or_default().trim_end();
        let lead: String = lead.chars().skip(lead.chars().count().saturating_sub(LEAD)).collect();
        let matches =
            |pattern: &LazyLock<Option<Regex>>| pattern.as_ref().is_some_and(|one| one.is_match(&lead));
        Some(Self {
            joined: joined(text.get(*before_last..*last).unwrap_or_default()),
            are_capitals: first.is_ascii_uppercase(),
            are_named,
            are_conditions: matches(&CONDITIONS),
            follow_a_choice: matches(&CHOICE),
        })
    }
}

/// One character for each label, so that the next label is the next character.
fn key(label: &str) -> Option<char> {
    match label.parse::<u32>() {
        Ok(number) => char::from_u32(u32::from('0').checked_add(number)?).filter(|_| number < 10),
        Err(_) => label.chars().next(),
    }
}

fn is_first(key: char) -> bool {
    ['A', 'a', '1'].contains(&key)
}

fn follows(last: char, next: char) -> bool {
    u32::from(next) == u32::from(last).saturating_add(1)
}

/// The word at the end of the entry before the last one.
fn joined(entry: &str) -> Joined {
    let word = entry.trim_end_matches(|c: char| !c.is_alphanumeric());
    match word.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default() {
        "or" | "OR" => Joined::Or,
        "and" | "AND" | "then" => Joined::And,
        _ => Joined::Neither,
    }
}
