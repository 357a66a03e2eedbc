//! The line at a place of an answer, and whether it quotes what stands there: in the quotation marks of a string, in an element for
//! code, in a block that is indented, in a diff.

/// So many bytes of a line are waited for, to see whether what is open is closed in it.
pub(super) const MAX_AHEAD: usize = 2_000;
/// Letters of a line that are remembered for what surrounds a mark.
const MAX_TAIL: usize = 64;
/// Bytes of a line that tell a diff and a list.
const MAX_HEAD: usize = 8;
/// What opens a quotation, and what closes it.
const SIGNS: [(char, char); 8] =
    [('"', '"'), ('\'', '\''), ('“', '”'), ('„', '“'), ('‘', '’'), ('«', '»'), ('「', '」'), ('`', '`')];
/// Elements of HTML for code.
const ELEMENTS: [&str; 5] = ["code", "pre", "kbd", "samp", "tt"];
/// What a mark is called when somebody writes about it.
const NAMES: [&str; 13] = [
    "tag",
    "tags",
    "token",
    "tokens",
    "block",
    "blocks",
    "element",
    "elements",
    "marker",
    "markers",
    "delimiter",
    "delimiters",
    "section",
];

/// What stands above a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Above {
    /// Nothing but blanks.
    #[default]
    Nothing,
    Blank,
    Code,
    Text,
}

/// A line so far.
#[derive(Debug, Default, Clone)]
pub(super) struct Line {
    above: Above,
    /// A list's item is above, so that an indentation is no code.
    in_list: bool,
    in_diff: bool,
    indent: usize,
    has_text: bool,
    head: String,
    tail: String,
    double_quotes: usize,
    /// Backticks that opened code in this line, and those of a run that is not over.
    ticks: Option<usize>,
    run: usize,
    in_element: bool,
}

impl Line {
    /// Goes on by one letter.
    pub(super) fn see(&mut self, letter: char) {
        if letter == '`' {
            self.run += 1;
        } else {
            self.end_run();
        }
        if letter == '\n' {
            self.end();
            return;
        }
        if !letter.is_whitespace() {
            self.has_text = true;
        } else if !self.has_text {
            self.indent += if letter == '\t' { 4 } else { 1 };
        }
        if self.head.len() < MAX_HEAD {
            self.head.push(letter);
        }
        if self.tail.len() >= 2 * MAX_TAIL {
            let cut = self.tail.char_indices().map(|(at, _)| at).find(|at| *at >= MAX_TAIL).unwrap_or(0);
            self.tail.drain(..cut);
        }
        self.tail.push(letter);
        match letter {
            '"' => self.double_quotes += 1,
            '>' => self.element(),
            _ => {}
        }
    }

    fn end_run(&mut self) {
        let run = std::mem::take(&mut self.run);
        if run > 0 {
            self.ticks = match self.ticks {
                None => Some(run),
                Some(open) if open == run => None,
                open => open,
            };
        }
    }

    fn element(&mut self) {
        let Some((_, tag)) = self.tail.rsplit_once('<') else { return };
        let (is_close, tag) = tag.strip_prefix('/').map_or((false, tag), |tag| (true, tag));
        let name = tag.trim_end_matches('>').split_whitespace().next().unwrap_or_default();
        if ELEMENTS.iter().any(|element| element.eq_ignore_ascii_case(name)) {
            self.in_element = !is_close;
        }
    }

    fn end(&mut self) {
        let head = self.head.trim_start();
        let above = match self.above {
            _ if self.is_code() => Above::Code,
            Above::Nothing if !self.has_text => Above::Nothing,
            _ if !self.has_text => Above::Blank,
            _ => Above::Text,
        };
        let number = head.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_numbered = number.len() < head.len() && number.starts_with(['.', ')']);
        let is_item = is_numbered || head.starts_with(['-', '*', '+']);
        let in_list = is_item || (self.in_list && (!self.has_text || self.indent > 0));
        let begins_diff = self.head.starts_with("@@ ") || self.head.starts_with("+++ ");
        let in_diff = begins_diff || (self.in_diff && self.is_in_diff());
        *self = Self { above, in_list, in_diff, ..Self::default() };
    }

    fn is_in_diff(&self) -> bool {
        self.in_diff && self.head.starts_with([' ', '+', '-', '\\'])
    }

    fn is_code(&self) -> bool {
        self.has_text && self.is_indented()
    }

    fn is_indented(&self) -> bool {
        self.indent >= 4 && !self.in_list && matches!(self.above, Above::Blank | Above::Code)
    }

    pub(super) fn has_text(&self) -> bool {
        self.has_text
    }

    /// What comes next is no backtick. The backticks that are open in this line.
    pub(super) fn ticks(&mut self, next: char) -> Option<usize> {
        if next != '`' {
            self.end_run();
        }
        self.ticks
    }

    /// Whether the line quotes the mark that comes next and is followed by `behind`; `None` when that shows later only.
    pub(super) fn quotes(&self, behind: &str, is_last: bool) -> Option<bool> {
        if self.is_in_diff() || self.is_indented() {
            return Some(true);
        }
        if let Some(close) = self.sign() {
            match behind.trim_start_matches('\\').chars().next() {
                None if !is_last => return None,
                Some(letter) if letter == close => return Some(true),
                _ => {}
            }
        }
        if self.has_text && is_named(behind, is_last)? {
            return Some(true);
        }
        let in_string = self.double_quotes % 2 == 1;
        let single = self.single_quote();
        if !in_string && !self.in_element && single.is_none() {
            return Some(false);
        }
        let near = behind.get(..behind.floor_char_boundary(MAX_AHEAD)).unwrap_or_default();
        let rest = near.split('\n').next().unwrap_or_default();
        if rest.len() == behind.len() && rest.len() < MAX_AHEAD && !is_last {
            return None;
        }
        let is_string = in_string && closes_string(rest);
        let is_literal = single.is_some_and(|is_at_its_start| closes_literal(rest, is_at_its_start));
        Some(is_string || is_literal || (self.in_element && closes_element(rest)))
    }

    /// Whether a string in single quotes is open, and begins right here. An apostrophe stands behind a letter and opens none, unless
    /// that letter is the prefix of a literal.
    fn single_quote(&self) -> Option<bool> {
        let letters: Vec<char> = self.tail.chars().collect();
        let is_word = |at: usize| letters.get(at).is_some_and(|c| c.is_alphanumeric());
        let is_prefix = |at: usize| matches!(letters.get(at), Some('r' | 'b' | 'f' | 'u'));
        let mut opened = None;
        for (at, _) in letters.iter().enumerate().filter(|(_, letter)| **letter == '\'') {
            let is_inner = at > 0 && is_word(at - 1) && !(is_prefix(at - 1) && (at < 2 || !is_word(at - 2)));
            opened = match opened {
                None if !is_inner => Some(at),
                Some(_) if !is_word(at + 1) => None,
                same => same,
            };
        }
        opened.map(|at| at + 1 == letters.len())
    }

    /// What would close the quotation that was opened just now.
    fn sign(&self) -> Option<char> {
        let mut letters = self.tail.chars().rev();
        let last = letters.next()?;
        let (_, close) = SIGNS.iter().find(|(open, _)| *open == last)?;
        let is_opened = match last {
            '"' => self.double_quotes % 2 == 1 || letters.next() == Some('\\'),
            '`' if self.ticks.is_some() => true,
            '`' | '\'' => !letters.next().is_some_and(char::is_alphanumeric),
            _ => true,
        };
        is_opened.then_some(*close)
    }
}

/// Whether a text goes on with what marks are called.
fn is_named(behind: &str, is_last: bool) -> Option<bool> {
    let Some(text) = behind.strip_prefix(' ') else {
        return if behind.is_empty() && !is_last { None } else { Some(false) };
    };
    let length = text.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(text.len());
    let (word, more) = text.split_at(length);
    if more.is_empty() && !is_last && NAMES.iter().any(|name| name.starts_with(word)) {
        return None;
    }
    Some(NAMES.contains(&word) && !more.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// Whether the rest of a line closes a string that is open before it, and leaves none open.
fn closes_string(rest: &str) -> bool {
    let Some((inner, behind)) = rest.split_once('"') else { return false };
    let opens = inner.ends_with(|c: char| c.is_whitespace() || matches!(c, '(' | '[' | '{' | '=' | ','));
    let goes_on = behind.starts_with(char::is_alphanumeric);
    !opens && !goes_on && behind.matches('"').count().is_multiple_of(2)
}

/// Whether the rest of a line closes a string in single quotes, right here or, where it began right before, anywhere.
fn closes_literal(rest: &str, is_at_its_start: bool) -> bool {
    rest.match_indices('\'').any(|(at, _)| {
        let is_edge =
            at == 0 || (is_at_its_start && !rest.get(..at).is_some_and(|inner| inner.ends_with(' ')));
        is_edge && !rest.get(at + 1..).is_some_and(|behind| behind.starts_with(char::is_alphanumeric))
    })
}

/// Whether an element for code is closed before another begins.
fn closes_element(rest: &str) -> bool {
    let rest = rest.to_ascii_lowercase();
    let first = |tags: [String; 5]| tags.iter().filter_map(|tag| rest.find(tag)).min();
    let close = first(ELEMENTS.map(|name| format!("</{name}>")));
    let open = first(ELEMENTS.map(|name| format!("<{name}>")));
    close.is_some_and(|close| open.is_none_or(|open| close < open))
}
