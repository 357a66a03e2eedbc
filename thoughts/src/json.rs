//! JSON that begins a line of an answer, as far as its strings are concerned.

/// What is open of it.
#[derive(Debug, Clone)]
pub(super) struct Json {
    first: char,
    depth: usize,
    /// What follows the first bracket is JSON too.
    is_sure: bool,
    in_string: bool,
    escaped: bool,
}

/// What a letter makes of it.
pub(super) enum Step {
    Inside,
    Over,
    NoJson,
}

impl Json {
    /// Begins with this bracket.
    pub(super) fn new(first: char) -> Self {
        Self { first, depth: 1, is_sure: false, in_string: false, escaped: false }
    }

    pub(super) fn is_in_string(&self) -> bool {
        self.in_string
    }

    /// Goes on by one letter.
    pub(super) fn see(&mut self, letter: char) -> Step {
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
