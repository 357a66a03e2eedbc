//! Models that think aloud in their answer mark their thoughts with tags, or give them a channel; this takes the two apart.
//!
//! A mark counts wherever it stands, unless it is quoted in code or in a string of JSON. Servers strip the opening tag when it was part
//! of their template, so that a closing tag that comes first makes a thought of everything before it, and a thought that holds another
//! one may go on behind the first closing tag. Both are found out late: what was said before is taken back then.

mod marks;
mod quotes;

use self::{
    marks::{CHANNEL, Found, Mark, Pair},
    quotes::Quotes,
};

/// The longest header of a message, in bytes; the name of a function may be in it.
const MAX_HEADER: usize = 200;
/// What a header begins with.
const HEADERS: [&str; 7] = ["assistant", "analysis", "commentary", "final", "system", "developer", "user"];

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Thought(String),
    /// The last so many bytes of the text were a thought.
    WasThought(usize),
}

/// What is being read.
enum State {
    Answer,
    Thought {
        /// What closes it; `None` in a channel.
        pair: Option<Pair>,
        /// Thoughts within it.
        inner: usize,
        last: Option<char>,
        /// Of a tag in the middle of a line: the tag and what follows. Without an end it was no thought.
        aside: Option<String>,
    },
    /// The header of a message, and whether a thought came before it.
    Header {
        raw: String,
        in_thought: bool,
    },
}

/// Splits a streamed answer; pieces may end within a mark.
pub(crate) struct ThinkTags {
    state: State,
    /// What may be the beginning of a mark.
    held: String,
    quotes: Quotes,
    /// White space in front of the answer.
    blank: String,
    /// Bytes of the answer so far, and how many of them stood before the last thought.
    said: usize,
    kept: usize,
    /// Thoughts that the last one held, and that are still to be closed.
    open: usize,
    has_marks: bool,
    has_channels: bool,
}

impl ThinkTags {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Answer,
            held: String::new(),
            quotes: Quotes::default(),
            blank: String::new(),
            said: 0,
            kept: 0,
            open: 0,
            has_marks: false,
            has_channels: false,
        }
    }

    /// The parts of the answer so far that can be told apart.
    pub(crate) fn push(&mut self, text: &str, out: &mut Vec<Piece>) {
        self.held.push_str(text);
        self.read(false, out);
    }

    /// What was held back, once nothing more comes.
    pub(crate) fn finish(&mut self, out: &mut Vec<Piece>) {
        self.read(true, out);
        match std::mem::replace(&mut self.state, State::Answer) {
            State::Thought { aside: Some(aside), .. } => self.say_all(&aside, out),
            State::Header { raw, in_thought: false } if !is_header(&raw) => self.say_all(&raw, out),
            State::Answer | State::Thought { .. } | State::Header { .. } => {}
        }
        if !self.blank.is_empty() && !self.has_marks {
            add(out, Piece::Text(std::mem::take(&mut self.blank)));
        }
    }

    fn read(&mut self, is_last: bool, out: &mut Vec<Piece>) {
        let held = std::mem::take(&mut self.held);
        let mut rest = held.as_str();
        while let Some(letter) = rest.chars().next() {
            let used = match self.state {
                State::Answer => self.answer(rest, letter, is_last, out),
                State::Thought { .. } => self.thought(rest, letter, is_last, out),
                State::Header { .. } => self.header(rest, letter, is_last, out),
            };
            let Some(used) = used else { break };
            rest = rest.get(used..).unwrap_or_default();
        }
        rest.clone_into(&mut self.held);
    }

    /// One step within the answer: the bytes that it took, or `None` when more is needed.
    fn answer(&mut self, rest: &str, letter: char, is_last: bool, out: &mut Vec<Piece>) -> Option<usize> {
        match marks::find(rest) {
            Found::Partial if !is_last => return None,
            Found::Mark(mark, length) => {
                let is_quoted = self.quotes.quote(letter, rest, is_last)?;
                let word = rest.get(..length).unwrap_or_default();
                if !is_quoted && self.acts(mark, word, out) {
                    return Some(length);
                }
            }
            Found::Partial | Found::Nothing => {}
        }
        self.say(letter, out);
        Some(letter.len_utf8())
    }

    /// What a mark in the answer does; `false` when it is text.
    fn acts(&mut self, mark: Mark, word: &str, out: &mut Vec<Piece>) -> bool {
        match mark {
            Mark::Open(pair) => {
                let aside = (self.said > 0 && self.quotes.is_within_a_line()).then(|| word.to_owned());
                self.has_marks |= aside.is_none();
                self.open = 0;
                self.state = State::Thought { pair: Some(pair), inner: 0, last: None, aside };
            }
            Mark::Close(_) => {
                if self.open > 0 || !self.has_marks {
                    self.take_back(out);
                }
                self.open = self.open.saturating_sub(1);
                self.has_marks = true;
            }
            Mark::Header => self.state = State::Header { raw: word.to_owned(), in_thought: false },
            // Behind the last thought; elsewhere such marks are the text of somebody who writes about them.
            Mark::End | Mark::Message => return self.has_channels,
        }
        true
    }

    /// One step within a thought.
    fn thought(&mut self, rest: &str, letter: char, is_last: bool, out: &mut Vec<Piece>) -> Option<usize> {
        let State::Thought { pair, inner, last, .. } = &mut self.state else { return None };
        let mut used = letter.len_utf8();
        match marks::find(rest) {
            Found::Partial if !is_last => return None,
            Found::Mark(mark, length) => {
                let is_own = match mark {
                    Mark::Open(of) | Mark::Close(of) => *pair == Some(of),
                    Mark::Header | Mark::End => pair.is_none(),
                    Mark::Message => false,
                };
                let behind = rest.get(length..).and_then(|behind| behind.chars().next());
                if is_own && *last == Some('`') && behind.is_none() && !is_last {
                    return None;
                }
                let is_quoted = *last == Some('`') && behind == Some('`');
                if is_own && !is_quoted {
                    match mark {
                        Mark::Open(_) => *inner += 1,
                        Mark::Header => {
                            let raw = rest.get(..length).unwrap_or_default().to_owned();
                            self.state = State::Header { raw, in_thought: true };
                        }
                        _ => self.end_thought(out),
                    }
                    return Some(length);
                }
                if is_quoted {
                    used = length;
                }
            }
            Found::Partial | Found::Nothing => {}
        }
        *last = rest.get(..used).and_then(|taken| taken.chars().next_back());
        self.think(rest.get(..used).unwrap_or_default(), out);
        Some(used)
    }

    /// One step within a header. What turns out to be none is what it would have been without its mark.
    fn header(&mut self, rest: &str, letter: char, is_last: bool, out: &mut Vec<Piece>) -> Option<usize> {
        let State::Header { raw, in_thought } = &mut self.state else { return None };
        match marks::find(rest) {
            Found::Partial if !is_last => return None,
            Found::Mark(Mark::Message, length) => {
                let channel = raw.rsplit_once(CHANNEL).map(|(_, channel)| channel.trim());
                let is_answer = channel.is_none_or(|channel| channel.starts_with("final"));
                (self.has_channels, self.has_marks) = (true, true);
                if is_answer {
                    self.end_thought(out);
                } else {
                    self.state = State::Thought { pair: None, inner: 0, last: None, aside: None };
                }
                return Some(length);
            }
            Found::Mark(Mark::Header, length) => {
                raw.push_str(rest.get(..length).unwrap_or_default());
                return Some(length);
            }
            Found::Mark(..) | Found::Partial | Found::Nothing => {}
        }
        if letter != '\n' && raw.len() < MAX_HEADER {
            raw.push(letter);
            return Some(letter.len_utf8());
        }
        let (raw, in_thought) = (std::mem::take(raw), *in_thought);
        if in_thought {
            self.state = State::Thought { pair: None, inner: 0, last: None, aside: None };
            self.think(&raw, out);
        } else {
            self.state = State::Answer;
            self.say_all(&raw, out);
        }
        Some(0)
    }

    /// The answer goes on.
    fn end_thought(&mut self, out: &mut Vec<Piece>) {
        self.has_marks = true;
        self.kept = self.said;
        if self.said == 0 {
            self.blank.clear();
        }
        self.quotes = Quotes::default();
        if let State::Thought { pair, inner, aside, .. } = std::mem::replace(&mut self.state, State::Answer) {
            self.open = inner;
            let tag = pair.map_or(0, marks::opening);
            if let Some(thought) = aside.as_deref().and_then(|aside| aside.get(tag..)) {
                add(out, Piece::Thought(thought.to_owned()));
            }
        }
    }

    /// What was said since the last thought was one, too.
    fn take_back(&mut self, out: &mut Vec<Piece>) {
        let thought = self.said - self.kept;
        if thought > 0 {
            out.push(Piece::WasThought(thought));
        }
        self.said = self.kept;
        self.blank.clear();
        self.quotes = Quotes::default();
    }

    fn think(&mut self, more: &str, out: &mut Vec<Piece>) {
        match &mut self.state {
            State::Thought { aside: Some(aside), .. } => aside.push_str(more),
            _ => add(out, Piece::Thought(more.to_owned())),
        }
    }

    fn say_all(&mut self, text: &str, out: &mut Vec<Piece>) {
        text.chars().for_each(|letter| self.say(letter, out));
    }

    /// One letter of the answer. The empty lines between a thought and the answer are no part of it.
    fn say(&mut self, letter: char, out: &mut Vec<Piece>) {
        self.quotes.see(letter);
        if self.said == 0 {
            if letter.is_whitespace() {
                self.blank.push(letter);
                return;
            }
            let blank = std::mem::take(&mut self.blank);
            if !self.has_marks {
                self.said = blank.len();
                add(out, Piece::Text(blank));
            }
        }
        self.said += letter.len_utf8();
        match out.last_mut() {
            Some(Piece::Text(text)) => text.push(letter),
            _ => out.push(Piece::Text(letter.into())),
        }
    }
}

/// Whether what follows the first mark can be a header that broke off.
fn is_header(raw: &str) -> bool {
    let words = raw.rsplit_once("|>").map_or(raw, |(_, words)| words).trim();
    HEADERS.iter().any(|header| words.starts_with(header) || header.starts_with(words))
}

/// Adds to the last piece where that is of the same kind.
fn add(out: &mut Vec<Piece>, piece: Piece) {
    match (out.last_mut(), piece) {
        (_, Piece::Text(more) | Piece::Thought(more)) if more.is_empty() => {}
        (Some(Piece::Text(text)), Piece::Text(more)) | (Some(Piece::Thought(text)), Piece::Thought(more)) => {
            text.push_str(&more);
        }
        (_, piece) => out.push(piece),
    }
}

#[cfg(test)]
mod tests;
