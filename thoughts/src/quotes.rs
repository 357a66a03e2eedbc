//! Where a text speaks about marks instead of using them: in Markdown's code, in the strings of JSON, and in what one line quotes.
//!
//! A thought may leave anything open, so that what is open quotes a mark only when it is closed behind it.

use super::{
    ahead::{self, Layout},
    json::{Json, Step},
    line::Line,
};

/// What is open at a place of a text, letter by letter.
#[derive(Debug, Default, Clone)]
pub(super) struct Quotes {
    code: Option<Code>,
    /// Ticks in a row that are not over yet.
    run: Option<Run>,
    json: Option<Json>,
    /// The line has more than blanks and the marks of lists.
    has_letters: bool,
    line: Line,
    /// For so many bytes a fence or a string that is open here is known to be closed.
    settled: usize,
    /// For so many bytes the fence that is open here is known not to be closed.
    open: usize,
}

#[derive(Debug, Clone)]
enum Code {
    /// Closed by so many backticks, or by the end of the paragraph.
    Inline { count: usize, is_this_line: bool },
    /// Closed by a line with at least so many of these, or within its first line by as many.
    Fence { letter: char, count: usize, is_first_line: bool },
}

#[derive(Debug, Clone)]
struct Run {
    letter: char,
    count: usize,
    begins_line: bool,
}

/// A mark and what comes behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// The first letter of the mark.
    pub(super) letter: char,
    pub(super) behind: &'a str,
    /// Nothing more comes.
    pub(super) is_last: bool,
}

impl Quotes {
    /// Whether the line has something before this place.
    pub(super) fn is_within_a_line(&self) -> bool {
        self.has_letters || self.run.is_some()
    }

    /// How the mark is quoted that comes next; `None` when that shows later only.
    pub(super) fn quote(&mut self, place: Place<'_>) -> Option<Layout> {
        self.end_run(place.letter);
        let ticks = self.line.ticks(place.letter);
        let Place { behind, is_last, .. } = place;
        if self.line.quotes(behind, is_last)? {
            return Some(Layout::Quoted);
        }
        let in_string = self.json.as_ref().is_some_and(Json::is_in_string);
        let fence = match self.code {
            Some(Code::Fence { letter, count, is_first_line }) => Some((letter, count, is_first_line)),
            _ => None,
        };
        if self.settled > 0 && (in_string || fence.is_some()) {
            return Some(Layout::Quoted);
        }
        if let Some((letter, count, is_first_line)) = fence {
            if self.open > 0 {
                return Some(Layout::Open(self.open));
            }
            let (layout, until) = ahead::fence(letter, count, is_first_line, behind, is_last)?;
            match layout {
                Layout::Quoted => self.settled = until,
                Layout::Open(_) => self.open = until,
                Layout::Plain => {}
            }
            return Some(layout);
        }
        if in_string {
            let (layout, until) = ahead::string(behind, is_last)?;
            self.settled = if layout == Layout::Quoted { until } else { 0 };
            return Some(layout);
        }
        if let Some(count) = ticks {
            return ahead::code(count, behind, false, is_last);
        }
        if let Some(Code::Inline { count, is_this_line: false }) = self.code {
            return ahead::code(count, behind, true, is_last);
        }
        Some(Layout::Plain)
    }

    /// Goes on by one letter.
    pub(super) fn see(&mut self, letter: char) {
        self.settled = self.settled.saturating_sub(letter.len_utf8());
        self.open = self.open.saturating_sub(letter.len_utf8());
        self.end_run(letter);
        let is_blank = letter == '\n' && !self.line.has_text();
        self.line.see(letter);
        if let Some(json) = &mut self.json {
            match json.see(letter) {
                Step::Inside => {
                    self.has_letters = letter != '\n';
                    return;
                }
                Step::Over => {
                    (self.json, self.has_letters) = (None, true);
                    return;
                }
                Step::NoJson => (self.json, self.has_letters) = (None, true),
            }
        }
        match letter {
            '\n' => {
                self.has_letters = false;
                match &mut self.code {
                    Some(Code::Inline { .. }) if is_blank => self.code = None,
                    Some(Code::Inline { is_this_line, .. }) => *is_this_line = false,
                    Some(Code::Fence { is_first_line, .. }) => *is_first_line = false,
                    None => {}
                }
            }
            '`' | '~' => {
                let begins_line = !self.has_letters;
                self.run.get_or_insert(Run { letter, count: 0, begins_line }).count += 1;
            }
            '{' | '[' if !self.has_letters && !matches!(self.code, Some(Code::Fence { .. })) => {
                self.json = Some(Json::new(letter));
            }
            '>' | '-' | '*' | '+' => {}
            blank if blank.is_whitespace() => {}
            _ => self.has_letters = true,
        }
    }

    fn end_run(&mut self, next: char) {
        let Some(Run { letter, count, begins_line }) = self.run.take_if(|run| run.letter != next) else {
            return;
        };
        self.has_letters = true;
        let was_fenced = matches!(self.code, Some(Code::Fence { .. }));
        self.read_run(letter, count, begins_line);
        if was_fenced != matches!(self.code, Some(Code::Fence { .. })) {
            self.open = 0;
        }
    }

    fn read_run(&mut self, letter: char, count: usize, begins_line: bool) {
        match &self.code {
            None | Some(Code::Inline { .. }) if begins_line && count >= 3 => {
                self.code = Some(Code::Fence { letter, count, is_first_line: true });
            }
            None if letter == '`' => self.code = Some(Code::Inline { count, is_this_line: true }),
            Some(Code::Inline { count: open, .. }) if letter == '`' && count == *open => self.code = None,
            Some(Code::Fence { letter: fence, count: open, is_first_line }) => {
                let closes = if *is_first_line { count == *open } else { begins_line && count >= *open };
                if letter == *fence && closes {
                    self.code = None;
                }
            }
            None | Some(Code::Inline { .. }) => {}
        }
    }
}
