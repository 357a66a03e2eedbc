//! Finds the places that running text mentions: `src/a.rs:12`, `src/a.rs:12-14`, `src/a.rs#L12`.

use std::collections::HashSet;

use exai_core::{Citation, Mention};

use super::{
    QUOTE_DISTANCE,
    path::{Match, resolve},
    quote::{Found, Given},
};
use exai_context::evidence::EvidenceFile;

/// Most citations that are taken from one text.
pub const MAX_CITATIONS: usize = 200;
/// The most characters between a place and the text that is quoted for it.
const GAP: usize = 12;
/// Longest path that is recognised, in bytes.
const LONGEST_PATH: usize = 512;
/// Longest file extension, in characters.
const LONGEST_EXTENSION: usize = 10;
/// Last parts of host names: `example.com:443` is no file, unless a file of that name was given.
const HOSTS: [&str; 8] = ["com", "org", "net", "io", "dev", "local", "internal", "localhost"];

/// The places that `text` mentions, in its order, without repetition, at most [`MAX_CITATIONS`].
///
/// A path counts when it names a given file, or looks like a file by its extension. Text in backticks next to the place is looked for in
/// the file; without it the line (both lines of a range) must have been given.
#[must_use]
pub fn cite_text(text: &str, evidence: &[EvidenceFile]) -> Vec<Mention> {
    // Such paths cannot be distinguished from the words around them, so they are looked for as they are.
    let unusual: Vec<&EvidenceFile> =
        evidence.iter().filter(|file| file.path.chars().any(|c| !is_path_char(c))).collect();
    let mut seen = HashSet::new();
    let mut citations = Vec::new();
    for mark in memchr::memchr2_iter(b':', b'#', text.as_bytes()) {
        if citations.len() >= MAX_CITATIONS {
            break;
        }
        let Some((first, last)) = lines_after(text, mark) else { continue };
        let before = text.get(..mark).unwrap_or_default();
        let Some((path, file)) = path_before(before, &unusual, evidence) else { continue };
        if !seen.insert((file.map_or(path, |file| file.path.as_str()), first)) {
            continue;
        }
        let quote = quote_next_to(text, mark, path);
        let citation = file.map_or(Citation::NotGiven, |file| checked(file, (first, last), quote));
        citations.push(Mention { path: path.to_owned(), line: first, citation });
    }
    citations
}

/// The first place that a text mentions, with its lines: `src/a.rs:12-14`.
pub(crate) fn first_place(text: &str) -> Option<&str> {
    memchr::memchr2_iter(b':', b'#', text.as_bytes()).find_map(|mark| {
        lines_after(text, mark)?;
        let (path, _) = path_before(text.get(..mark)?, &[], &[])?;
        let end = text
            .get(mark..)?
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '#' | 'L' | '-' | '–')));
        let end = end.map_or(text.len(), |end| mark + end);
        text.get(mark - path.len()..end).map(|place| place.trim_end_matches([':', '-', '–']))
    })
}

fn checked(file: &EvidenceFile, (first, last): (u32, u32), quote: Option<&str>) -> Citation {
    let given = Given::of(file);
    let by_line = if given.has(first) && given.has(last) { Citation::LineExists } else { Citation::Absent };
    let Some(quote) = quote else { return by_line };
    match given.find(quote, Some(&(first..=last)), QUOTE_DISTANCE) {
        Found::There => Citation::Exact,
        Found::At(_) => Citation::Moved,
        Found::Removed(_) => Citation::Removed,
        Found::Several => Citation::Ambiguous,
        Found::Nowhere => Citation::Absent,
        Found::NoQuote => by_line,
    }
}

/// The text in backticks that stands directly behind the place, or directly before it: `a.rs:3` (`let x = 1;`).
fn quote_next_to<'t>(text: &'t str, mark: usize, path: &str) -> Option<&'t str> {
    let after = text.get(mark..)?;
    let end = after
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '#' | 'L' | '-' | '–')))
        .unwrap_or(after.len());
    let after = after.get(end..)?;
    // The place may be in backticks itself.
    let after = after.strip_prefix('`').unwrap_or(after);
    let gap =
        after.find('`').filter(|gap| *gap <= GAP && !after.get(..*gap).is_some_and(|gap| gap.contains('\n')));
    let behind = gap.and_then(|gap| after.get(gap + 1..)).and_then(|rest| rest.split('`').next());
    let is_quote = |quote: &&str| !quote.trim().is_empty() && first_place(quote).is_none();
    if behind.as_ref().is_some_and(is_quote) {
        return behind;
    }
    let before = text.get(..mark)?.strip_suffix(path)?;
    let before = before.strip_suffix('`').unwrap_or(before);
    let line = before.rsplit('\n').next().unwrap_or(before);
    let close = line.rfind('`').filter(|close| line.len() - close <= GAP)?;
    line.get(..close)?.rsplit('`').next().filter(is_quote).filter(|quote| quote.len() < close)
}

/// First and last line of `:12`, `:12-14`, `#L12` or `#L12-L14` at `mark`.
fn lines_after(text: &str, mark: usize) -> Option<(u32, u32)> {
    let rest = text.get(mark..)?;
    let rest =
        rest.strip_prefix("#L").or_else(|| rest.strip_prefix(":L")).or_else(|| rest.strip_prefix(':'))?;
    let (first, rest) = number(rest)?;
    let range = rest.strip_prefix(['-', '–']).map(|rest| rest.strip_prefix('L').unwrap_or(rest));
    let last = range.and_then(number).map_or(first, |(last, _)| last);
    (first > 0).then_some((first, last.max(first)))
}

fn number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

/// The path that ends `before`, and the given file that it surely names.
fn path_before<'t, 'e>(
    before: &'t str,
    unusual: &[&'e EvidenceFile],
    evidence: &'e [EvidenceFile],
) -> Option<(&'t str, Option<&'e EvidenceFile>)> {
    let named = unusual.iter().filter(|file| before.ends_with(&file.path)).max_by_key(|file| file.path.len());
    if let Some(file) = named {
        return Some((before.get(before.len() - file.path.len()..)?, Some(file)));
    }
    let path = last_path(before);
    if path.is_empty() || path.starts_with("//") && !before.ends_with(&format!("file:{path}")) {
        return None;
    }
    let path = path.strip_prefix("//").unwrap_or(path);
    match resolve(path, evidence) {
        Some(Match::Sure(file)) => Some((path, Some(file))),
        _ => looks_like_file(path).then_some((path, None)),
    }
}

/// The longest run of path characters at the end, with a drive letter.
fn last_path(before: &str) -> &str {
    let floor = before.ceil_char_boundary(before.len().saturating_sub(LONGEST_PATH));
    let near = before.get(floor..).unwrap_or_default();
    let start = near.rfind(|c: char| !is_path_char(c)).map_or(0, |at| near.ceil_char_boundary(at + 1));
    let path = near.get(start..).unwrap_or_default();
    if !path.starts_with(['/', '\\']) {
        return path;
    }
    let drive = near.get(..start).and_then(|head| head.strip_suffix(':')).filter(|head| {
        let mut tail = head.chars().rev();
        tail.next().is_some_and(|c| c.is_ascii_alphabetic())
            && tail.next().is_none_or(|c| !c.is_alphanumeric())
    });
    drive.and_then(|head| near.get(head.len() - 1..)).unwrap_or(path)
}

fn is_path_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '\\' | '@' | '+' | '~' | '$' | '%')
}

/// Whether a path that was not given is one by its looks: a name with an extension.
fn looks_like_file(path: &str) -> bool {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    let is_extension = extension.starts_with(|c: char| c.is_ascii_alphabetic())
        && extension.len() <= LONGEST_EXTENSION
        && extension.chars().all(|c| c.is_ascii_alphanumeric());
    let is_host = name == path && HOSTS.contains(&extension);
    is_extension && !is_host && stem.chars().any(char::is_alphanumeric)
}
