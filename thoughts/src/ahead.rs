//! Whether what is open before a mark is closed behind it, as code and strings of an answer are and those of a broken-off thought are
//! not.

use super::line::MAX_AHEAD;

/// What a mark is where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Spoken of.
    Quoted,
    /// Used.
    Plain,
    /// In a fence that is not closed, as far as this many bytes behind it tell.
    Open(usize),
}

/// Whether the fence is closed by what comes behind the mark, and up to which byte this settles it. `None` when that shows later only.
///
/// A bare fence closes; one with the name of a language opens another. Several bare ones are told by their number: an answer's own
/// blocks are opened and closed.
pub(super) fn fence(
    letter: char,
    count: usize,
    is_first_line: bool,
    behind: &str,
    is_last: bool,
) -> Option<(Layout, usize)> {
    let mut lines = behind.split_inclusive('\n');
    let line = lines.next().unwrap_or_default();
    if is_first_line && !line.ends_with('\n') && !is_last {
        return None;
    }
    if is_first_line && runs(line, letter, count, is_last) > 0 {
        return Some((Layout::Quoted, line.len()));
    }
    let mut at = line.len();
    let mut bare = 0_usize;
    for line in lines {
        if !line.ends_with('\n') && !is_last {
            return None;
        }
        at += line.len();
        let least = if bare == 0 { count } else { 3 };
        match fence_line(line, letter) {
            Some((ticks, is_bare)) if ticks >= least && is_bare => bare += 1,
            Some((ticks, _)) if ticks >= least => return Some(by_number(bare, at)),
            _ => {}
        }
    }
    is_last.then(|| by_number(bare, at))
}

/// An odd number of bare lines closes what is open before them.
fn by_number(bare: usize, at: usize) -> (Layout, usize) {
    (if bare % 2 == 1 { Layout::Quoted } else { Layout::Open(at) }, at)
}

/// The letters of a fence that a line begins with, and whether nothing follows them.
fn fence_line(line: &str, letter: char) -> Option<(usize, bool)> {
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '>' | '-' | '*' | '+'));
    let info = line.trim_start_matches(letter);
    let count = (line.len() - info.len()) / letter.len_utf8();
    (count >= 3 && !info.contains(letter)).then(|| (count, info.trim().is_empty()))
}

/// Whether a string of JSON is closed, and at which byte. A quotation mark within an answer's sentence closes none.
pub(super) fn string(behind: &str, is_last: bool) -> Option<(Layout, usize)> {
    let mut escaped = false;
    for (at, letter) in behind.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                let next = behind.get(at + 1..).and_then(|more| more.chars().find(|c| !c.is_whitespace()));
                return match next {
                    Some(',' | ':' | ']' | '}') => Some((Layout::Quoted, at)),
                    None if !is_last => None,
                    _ => Some((Layout::Plain, at)),
                };
            }
            _ => {}
        }
    }
    is_last.then_some((Layout::Plain, behind.len()))
}

/// Whether code of so many backticks is closed in the rest of its line, or of its paragraph where it began in an earlier line.
pub(super) fn code(count: usize, behind: &str, of_paragraph: bool, is_last: bool) -> Option<Layout> {
    let near = behind.get(..behind.floor_char_boundary(MAX_AHEAD)).unwrap_or_default();
    let end = if of_paragraph { near.find("\n\n") } else { near.find('\n') };
    // A tag that ends its line ends a thought rather than a line of code.
    if of_paragraph && behind.starts_with('\n') {
        return Some(Layout::Plain);
    }
    let end = end.or((behind.len() > MAX_AHEAD || is_last).then_some(behind.len()))?;
    let end = end.min(MAX_AHEAD);
    let rest: &str = behind.get(..behind.floor_char_boundary(end)).unwrap_or_default();
    let is_odd = runs(rest, '`', count, true) % 2 == 1;
    Some(if is_odd { Layout::Quoted } else { Layout::Plain })
}

/// Runs of exactly so many of a letter; one at the end counts when nothing can follow it.
fn runs(text: &str, letter: char, count: usize, is_last: bool) -> usize {
    let mut found = 0;
    let mut run = 0;
    for other in text.chars() {
        if other == letter {
            run += 1;
        } else {
            found += usize::from(run == count);
            run = 0;
        }
    }
    found + usize::from(is_last && run == count)
}
