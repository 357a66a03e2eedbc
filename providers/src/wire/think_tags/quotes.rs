//! Where a text speaks about marks instead of using them: in Markdown's code, and in the strings of JSON.

/// So many bytes of a line are waited for, to see whether code is closed in it.
const MAX_AHEAD: usize = 2_000;

/// What is open at a place of a text, letter by letter.
#[derive(Debug, Default, Clone)]
pub(super) struct Quotes {
    code: Option<Code>,
    /// Ticks in a row that are not over yet.
    run: Option<Run>,
    json: Option<Json>,
    /// The line has more than blanks and the marks of lists.
    has_letters: bool,
}

#[derive(Debug, Clone)]
enum Code {
    /// Closed by so many backticks, or by the end of the line.
    Inline(usize),
    /// Closed by a line with at least so many of these, or within its first line by as many.
    Fence { letter: char, count: usize, is_first_line: bool },
}

#[derive(Debug, Clone)]
struct Run {
    letter: char,
    count: usize,
    begins_line: bool,
}

/// JSON that began a line.
#[derive(Debug, Clone)]
struct Json {
    first: char,
    depth: usize,
    /// What follows the first bracket is JSON too.
    is_sure: bool,
    in_string: bool,
    escaped: bool,
}

impl Quotes {
    /// Whether the line has something before this place.
    pub(super) fn is_within_a_line(&self) -> bool {
        self.has_letters || self.run.is_some()
    }

    /// Whether `rest`, which comes next and begins with `letter`, is quoted; `None` when that shows later only. A backtick that has no
    /// partner in its line opens nothing.
    pub(super) fn quote(&mut self, letter: char, rest: &str, is_last: bool) -> Option<bool> {
        self.end_run(letter);
        if !matches!(self.code, Some(Code::Inline(_))) {
            return Some(self.code.is_some() || self.json.as_ref().is_some_and(|json| json.in_string));
        }
        let mut ahead = self.clone();
        for (at, letter) in rest.char_indices() {
            if letter == '\n' {
                ahead.end_run(letter);
                return Some(ahead.code.is_none());
            }
            ahead.see(letter);
            if ahead.code.is_none() || at > MAX_AHEAD {
                return Some(true);
            }
        }
        ahead.end_run('\n');
        if ahead.code.is_none() && is_last { Some(true) } else { is_last.then_some(false) }
    }

    /// Goes on by one letter.
    pub(super) fn see(&mut self, letter: char) {
        self.end_run(letter);
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
                    Some(Code::Inline(_)) => self.code = None,
                    Some(Code::Fence { is_first_line, .. }) => *is_first_line = false,
                    None => {}
                }
            }
            '`' | '~' => {
                let begins_line = !self.has_letters;
                self.run.get_or_insert(Run { letter, count: 0, begins_line }).count += 1;
            }
            '{' | '[' if !self.has_letters && self.code.is_none() => {
                self.json =
                    Some(Json { first: letter, depth: 1, is_sure: false, in_string: false, escaped: false });
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
        match &self.code {
            None if begins_line && count >= 3 => {
                self.code = Some(Code::Fence { letter, count, is_first_line: true });
            }
            None if letter == '`' => self.code = Some(Code::Inline(count)),
            Some(Code::Inline(open)) if letter == '`' && count == *open => self.code = None,
            Some(Code::Fence { letter: fence, count: open, is_first_line }) => {
                let closes = if *is_first_line { count == *open } else { begins_line && count >= *open };
                if letter == *fence && closes {
                    self.code = None;
                }
            }
            None | Some(Code::Inline(_)) => {}
        }
    }
}

enum Step {
    Inside,
    Over,
    NoJson,
}

impl Json {
    fn see(&mut self, letter: char) -> Step {
        if self.in_string {
            match letter {
                _ if self.escaped => self.escaped = false,
                '\\' => self.escaped = true,
                '"' => self.in_string = false,
                _ => {}
            }
            return Step::Inside;
        }
        if !self.is_sure && !letter.is_whitespace() {
            let begins_a_value = matches!(letter, '{' | '[' | '"' | ']' | '-' | '0'..='9' | 't' | 'f' | 'n');
            let may_follow = if self.first == '{' { matches!(letter, '"' | '}') } else { begins_a_value };
            if !may_follow {
                return Step::NoJson;
            }
            self.is_sure = true;
        }
        match letter {
            '"' => self.in_string = true,
            '{' | '[' => self.depth += 1,
            '}' | ']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.depth == 0 { Step::Over } else { Step::Inside }
    }
}
