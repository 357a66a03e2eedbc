//! The cap on the answer where it is refused: its other name, none, or a smaller one.

use std::collections::BTreeMap;

use super::{Omission, phrases};

/// Its names in all formats.
const NAMES: [&str; 4] = ["max_completion_tokens", "max_tokens", "max_output_tokens", "maxoutputtokens"];
/// Words for it in sentences.
const WORDS: [&str; 4] = ["max tokens", "output tokens", "completion tokens", "max_new_tokens"];

/// Whether a field of an error is the cap.
pub(super) fn is_name(part: &str) -> bool {
    NAMES.contains(&part)
}

/// Where a text speaks of the cap by a name of its field.
pub(super) fn places(text: &str) -> Vec<(usize, usize)> {
    NAMES.iter().flat_map(|name| phrases::words(text, name)).collect()
}

/// The cap that would be taken: the largest number that the text names and that is below what was sent.
pub(super) fn smaller(text: &str, is_param: bool, sent: &BTreeMap<String, Option<u64>>) -> Option<Omission> {
    let speaks_of_it = is_param || !places(text).is_empty() || WORDS.iter().any(|word| text.contains(word));
    // What does not fit beside this prompt may fit beside another.
    let is_about_prompt = ["context", "prompt", "input length"].iter().any(|word| text.contains(word));
    let has_limit =
        [phrases::TOO_LARGE, phrases::LIMITS].iter().any(|known| !phrases::places(text, known).is_empty());
    if !speaks_of_it || is_about_prompt || !has_limit {
        return None;
    }
    let was = sent
        .iter()
        .filter(|(name, _)| is_name(&name.to_lowercase()))
        .filter_map(|(_, value)| *value)
        .max()?;
    let most = numbers(text).into_iter().filter(|number| *number < was && *number > 0).max()?;
    let is_beyond = ["less than", "smaller than", "below"].iter().any(|phrase| {
        text.contains(&format!("{phrase} {most}")) && !text.contains(&format!("{phrase} or equal"))
    });
    Some(Omission::CapAt(if is_beyond { (most - 1).max(1) } else { most }))
}

/// The other name, or where there is none no cap.
pub(super) fn omission(sent: &BTreeMap<String, Option<u64>>) -> Option<Omission> {
    let is_sent = |name: &str| sent.contains_key(name);
    if is_sent("max_tokens") || is_sent("max_completion_tokens") {
        return Some(Omission::RenamedCap);
    }
    (is_sent("max_output_tokens") || is_sent("maxOutputTokens")).then_some(Omission::Cap)
}

/// The whole numbers of a text, with or without commas; those within names and versions are none.
fn numbers(text: &str) -> Vec<u64> {
    let is_of_number = |c: char| c.is_ascii_digit() || c == ',' || c == '.';
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| rest.find(|c: char| c.is_ascii_digit())) {
        let start = at + start;
        let rest = text.get(start..).unwrap_or_default();
        let end = start + rest.find(|c: char| !is_of_number(c)).unwrap_or(rest.len());
        let written = text.get(start..end).unwrap_or_default().trim_end_matches([',', '.']);
        let before = text.get(..start).and_then(|before| before.chars().next_back());
        let after = text.get(start + written.len()..).unwrap_or_default().chars().next();
        let is_alone = !before.is_some_and(is_of_name)
            && !after.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if is_alone && let Ok(number) = written.replace(',', "").parse() {
            found.push(number);
        }
        at = end.max(start + 1);
    }
    found
}
