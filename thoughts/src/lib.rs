//! Models that think aloud in their answer mark their thoughts with tags, or give them a channel; this takes the two apart.
//!
//! A mark counts wherever it stands, unless it is quoted. Servers strip the opening tag when it was part of their template, and thoughts
//! that hold a closing tag go on behind it, so that a closing tag makes a thought of everything since the last opened one. That is found
//! out late: what was said before is taken back then.

mod ahead;
mod json;
mod line;
mod marks;
mod quotes;

use self::{
    ahead::Layout,
    marks::{CHANNEL, Found, Mark, Pair},
    quotes::{Place, Quotes},
};

/// The longest header of a message, in bytes; the name of a function may be in it.
const MAX_HEADER: usize = 200;
/// What a header begins with.
const HEADERS: [&str; 7] = ["assistant", "analysis", "commentary", "final", "system", "developer", "user"];

/// A part of an answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// More of the answer.
    Text(String),
    /// More of a thought.
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
        last: Option<char>,
        /// The tag, where it stands in the middle of a line.
        aside: Option<String>,
        /// Whether anything but signs was thought.
        has_words: bool,
        /// What follows a closing tag of another pair: the answer, unless the thought's own tag comes.
        late: Option<String>,
    },
    /// The header of a message, and whether a thought came before it.
    Header {
        raw: String,
        in_thought: bool,
    },
}

/// Splits a streamed answer; pieces may end within a mark.
pub struct ThinkTags {
    state: State,
    /// What may be the beginning of a mark.
    held: String,
    quotes: Quotes,
    /// White space in front of the answer.
    blank: String,
    /// So many bytes have to be held before another look is worth its time.
    wanted: usize,
    /// Bytes of the answer so far, and how many of them stood before the last thought.
    said: usize,
    kept: usize,
    /// What was said since the last thought, as far as it may be the header of a message whose first mark was stripped.
    opening: String,
    has_marks: bool,
    has_channels: bool,
    /// The pair that is known not to be closed, and up to which byte of the answer.
    unclosed: Option<(Pair, usize)>,
}

impl Default for ThinkTags {
    fn default() -> Self {
        Self::new()
    }
}

impl ThinkTags {
    /// Nothing was said yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: State::Answer,
            held: String::new(),
            quotes: Quotes::default(),
            blank: String::new(),
            wanted: 0,
            said: 0,
            kept: 0,
            opening: String::new(),
            has_marks: false,
            has_channels: false,
            unclosed: None,
        }
    }

    /// The parts of the answer so far that can be told apart.
    pub fn push(&mut self, text: &str, out: &mut Vec<Piece>) {
        self.held.push_str(text);
        if self.held.len() >= self.wanted {
            self.read(false, out);
        }
    }

    /// What was held back, once nothing more comes. True when the answer ended in what may be a thought or its own words: they are left
    /// out, and it is not whole. `is_cut` says that the vendor has stopped it early.
    pub fn finish(&mut self, is_cut: bool, out: &mut Vec<Piece>) -> bool {
        self.read(true, out);
        let mut is_doubtful = false;
        // What follows a foreign closing tag may hold further thoughts, each of which is shorter.
        while let State::Thought { late: Some(late), .. } = &mut self.state {
            let late = std::mem::take(late);
            if is_cut {
                add(out, Piece::Thought(late));
                break;
            }
            self.end_thought(out);
            self.held = late;
            self.read(true, out);
        }
        match std::mem::replace(&mut self.state, State::Answer) {
            State::Thought { aside: Some(tag), has_words: false, .. } => self.say_all(&tag, out),
            State::Thought { aside: Some(_), .. } => is_doubtful = !is_cut,
            State::Header { raw, in_thought: false } if !is_header(&raw) => self.say_all(&raw, out),
            State::Answer | State::Thought { .. } | State::Header { .. } => {}
        }
        if !self.blank.is_empty() && !self.has_marks {
            add(out, Piece::Text(std::mem::take(&mut self.blank)));
        }
        is_doubtful
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
        // A longer rest is looked at only after it has grown, so that its pieces may be small.
        self.wanted = if rest.len() < MAX_HEADER { 0 } else { rest.len() + rest.len() / 8 };
    }

    /// One step within the answer: the bytes that it took, or `None` when more is needed.
    fn answer(&mut self, rest: &str, letter: char, is_last: bool, out: &mut Vec<Piece>) -> Option<usize> {
        match marks::find(rest) {
            Found::Partial if !is_last => return None,
            Found::Mark(mark, length) => {
                let (word, behind) = rest.split_at_checked(length).unwrap_or_default();
                let is_used = match (self.quotes.quote(Place { letter, behind, is_last })?, mark) {
                    (Layout::Quoted, _) => false,
                    (Layout::Open(at), Mark::Open(pair)) => {
                        self.is_closed(pair, behind.get(..at).unwrap_or(behind), length)
                    }
                    (Layout::Open(_) | Layout::Plain, _) => true,
                };
                if is_used && self.acts(mark, word, out) {
                    return Some(length);
                }
            }
            Found::Partial | Found::Nothing => {}
        }
        self.say(letter, out);
        Some(letter.len_utf8())
    }

    /// Whether a thought that a mark of this length would open here is closed in what comes behind it.
    fn is_closed(&mut self, pair: Pair, behind: &str, length: usize) -> bool {
        let end = self.said + length + behind.len();
        if self.unclosed.is_some_and(|(known, until)| known == pair && end <= until) {
            return false;
        }
        let is_closed = marks::has_close(behind, pair);
        self.unclosed = (!is_closed).then_some((pair, end));
        is_closed
    }

    /// What a mark in the answer does; `false` when it is text.
    fn acts(&mut self, mark: Mark, word: &str, out: &mut Vec<Piece>) -> bool {
        let opening = self.opening.trim().to_owned();
        match mark {
            Mark::Open(pair) => {
                let aside = (self.said > 0 && self.quotes.is_within_a_line()).then(|| word.to_owned());
                self.has_marks |= aside.is_none();
                self.state = thought(Some(pair), aside);
            }
            Mark::Close(_) => {
                self.take_back(out);
                self.has_marks = true;
            }
            Mark::Message if is_whole_header(&opening) => {
                let raw = format!("{CHANNEL}{opening}");
                self.take_back(out);
                self.begin_message(&raw, out);
            }
            Mark::Header => {
                if opening == "assistant" {
                    self.take_back(out);
                }
                self.state = State::Header { raw: word.to_owned(), in_thought: false };
            }
            Mark::Frame => return self.has_marks,
            // Behind the last thought; elsewhere such marks are the text of somebody who writes about them.
            Mark::End | Mark::Message => return self.has_channels,
        }
        true
    }

    /// One step within a thought.
    fn thought(&mut self, rest: &str, letter: char, is_last: bool, out: &mut Vec<Piece>) -> Option<usize> {
        let State::Thought { pair, last, late, .. } = &mut self.state else { return None };
        let mut used = letter.len_utf8();
        match marks::find(rest) {
            Found::Partial if !is_last => return None,
            Found::Mark(mark, length) => {
                let is_foreign = matches!((mark, *pair), (Mark::Close(of), Some(own)) if of != own);
                let is_own = match mark {
                    Mark::Open(of) | Mark::Close(of) => *pair == Some(of),
                    Mark::Header | Mark::End => pair.is_none(),
                    Mark::Message | Mark::Frame => false,
                };
                let behind = rest.get(length..).and_then(|behind| behind.chars().next());
                if (is_own || is_foreign) && *last == Some('`') && behind.is_none() && !is_last {
                    return None;
                }
                let is_quoted = *last == Some('`') && behind == Some('`');
                let word = rest.get(..length).unwrap_or_default();
                if is_foreign && !is_quoted {
                    let before = late.replace(String::new());
                    add(out, Piece::Thought(before.unwrap_or_default() + word));
                    *last = None;
                    return Some(length);
                }
                if is_own && !is_quoted {
                    match mark {
                        // Of a thought within this one, whose closing tag is another of this.
                        Mark::Open(_) => *last = None,
                        Mark::Header => self.state = State::Header { raw: word.to_owned(), in_thought: true },
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
        let taken = rest.get(..used).unwrap_or_default();
        *last = taken.chars().next_back();
        self.think(taken, out);
        Some(used)
    }

    /// One step within a header. What turns out to be none is what it would have been without its mark.
    fn header(&mut self, rest: &str, letter: char, is_last: bool, out: &mut Vec<Piece>) -> Option<usize> {
        let State::Header { raw, in_thought } = &mut self.state else { return None };
        match marks::find(rest) {
            Found::Partial if !is_last => return None,
            Found::Mark(Mark::Message, length) => {
                let raw = std::mem::take(raw);
                self.begin_message(&raw, out);
                return Some(length);
            }
            Found::Mark(Mark::Header, length) => {
                raw.push_str(rest.get(..length).unwrap_or_default());
                return Some(length);
            }
            Found::Mark(..) | Found::Partial | Found::Nothing => {}
        }
        // Only the next mark may stand in another line.
        let words = raw.rsplit_once("|>").map_or(raw.as_str(), |(_, words)| words);
        let goes_on = letter.is_whitespace() || !words.contains('\n');
        if goes_on && raw.len() < MAX_HEADER {
            raw.push(letter);
            return Some(letter.len_utf8());
        }
        let (raw, in_thought) = (std::mem::take(raw), *in_thought);
        if in_thought {
            self.state = thought(None, None);
            self.think(&raw, out);
        } else {
            self.state = State::Answer;
            self.say_all(&raw, out);
        }
        Some(0)
    }

    /// A message begins with this header.
    fn begin_message(&mut self, header: &str, out: &mut Vec<Piece>) {
        let channel = header.rsplit_once(CHANNEL).map(|(_, channel)| channel.trim());
        let is_answer = channel.is_none_or(|channel| channel.starts_with("final"));
        // The first mark was part of the template: what was said was thought on the way to the answer.
        if channel.is_some() && !self.has_channels && self.said > self.kept {
            self.take_back(out);
        }
        (self.has_channels, self.has_marks) = (true, true);
        if is_answer {
            self.end_thought(out);
        } else {
            self.state = thought(None, None);
        }
    }

    /// The answer goes on.
    fn end_thought(&mut self, out: &mut Vec<Piece>) {
        self.has_marks = true;
        self.kept = self.said;
        if self.said == 0 {
            self.blank.clear();
        }
        self.quotes = Quotes::default();
        self.unclosed = None;
        self.opening.clear();
        if let State::Thought { late: Some(late), .. } = std::mem::replace(&mut self.state, State::Answer) {
            add(out, Piece::Thought(late));
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
        self.opening.clear();
        self.quotes = Quotes::default();
        self.unclosed = None;
    }

    fn think(&mut self, more: &str, out: &mut Vec<Piece>) {
        if let State::Thought { aside, has_words, late, .. } = &mut self.state {
            if let Some(late) = late {
                late.push_str(more);
                return;
            }
            *has_words |= more.contains(char::is_alphanumeric);
            // Without words it was the mention of a tag, at the end of a sentence.
            if let (Some(aside), false) = (aside, *has_words) {
                aside.push_str(more);
                return;
            }
        }
        match out.last_mut() {
            Some(Piece::Thought(text)) => text.push_str(more),
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
        if self.opening.len() < MAX_HEADER {
            self.opening.push(letter);
        }
        match out.last_mut() {
            Some(Piece::Text(text)) => text.push(letter),
            _ => out.push(Piece::Text(letter.into())),
        }
    }
}

/// A thought that begins.
fn thought(pair: Option<Pair>, aside: Option<String>) -> State {
    State::Thought { pair, last: None, aside, has_words: false, late: None }
}

/// Whether a text is a header of which the first mark was stripped.
fn is_whole_header(text: &str) -> bool {
    let is_name = |name: &str| HEADERS.contains(&name);
    is_name(text) || text.split_once(" to=").is_some_and(|(name, _)| is_name(name))
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
