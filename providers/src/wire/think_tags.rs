//! Models that think aloud in their answer put it between `<think>` and `</think>` in front; this takes the two apart.
//!
//! Only a tag at the very beginning counts: further on it is text that speaks about such tags.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Thought(String),
}

enum State {
    /// Nothing but white space so far; this much was held back.
    Begin(String),
    /// Within the tags; the held text may be the start of the closing one.
    Thinking(String),
    /// After the closing tag: the empty lines in front of the answer are skipped.
    Skipping,
    Answer,
}

/// Splits a streamed answer; pieces may end within a tag.
pub(crate) struct ThinkTags(State);

impl ThinkTags {
    pub(crate) fn new() -> Self {
        Self(State::Begin(String::new()))
    }

    /// The parts of the answer so far that can be told apart.
    pub(crate) fn push(&mut self, text: &str, out: &mut Vec<Piece>) {
        if text.is_empty() {
            return;
        }
        match &mut self.0 {
            State::Answer => out.push(Piece::Text(text.to_owned())),
            State::Skipping => {
                let rest = text.trim_start();
                if !rest.is_empty() {
                    self.0 = State::Answer;
                    out.push(Piece::Text(rest.to_owned()));
                }
            }
            State::Begin(held) => {
                held.push_str(text);
                let start = held.trim_start();
                if let Some(rest) = start.strip_prefix(OPEN) {
                    let rest = rest.to_owned();
                    self.0 = State::Thinking(String::new());
                    self.push(&rest, out);
                } else if let Some(rest) = start.strip_prefix(CLOSE) {
                    // The opening tag was part of the prompt and there was no thought.
                    let rest = rest.to_owned();
                    self.0 = State::Skipping;
                    self.push(&rest, out);
                } else if !OPEN.starts_with(start) && !CLOSE.starts_with(start) {
                    let text = std::mem::take(held);
                    self.0 = State::Answer;
                    out.push(Piece::Text(text));
                }
            }
            State::Thinking(held) => {
                held.push_str(text);
                if let Some((thought, rest)) = held.split_once(CLOSE) {
                    let rest = rest.to_owned();
                    push_thought(thought, out);
                    self.0 = State::Skipping;
                    self.push(&rest, out);
                } else {
                    let keep = unfinished_tag(held);
                    let tail = held.split_off(held.len() - keep);
                    let thought = std::mem::replace(held, tail);
                    push_thought(&thought, out);
                }
            }
        }
    }

    /// What was held back, once nothing more comes.
    pub(crate) fn finish(&mut self, out: &mut Vec<Piece>) {
        match std::mem::replace(&mut self.0, State::Answer) {
            State::Begin(held) if !held.is_empty() => out.push(Piece::Text(held)),
            State::Thinking(held) => push_thought(&held, out),
            State::Begin(_) | State::Skipping | State::Answer => {}
        }
    }
}

fn push_thought(thought: &str, out: &mut Vec<Piece>) {
    if !thought.is_empty() {
        out.push(Piece::Thought(thought.to_owned()));
    }
}

/// How many bytes at the end may be the beginning of the closing tag.
fn unfinished_tag(text: &str) -> usize {
    (1..CLOSE.len())
        .rev()
        .find(|length| CLOSE.get(..*length).is_some_and(|start| text.ends_with(start)))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(pieces: &[&str]) -> (String, String) {
        let mut tags = ThinkTags::new();
        let mut out = Vec::new();
        for piece in pieces {
            tags.push(piece, &mut out);
        }
        tags.finish(&mut out);
        let (mut text, mut thought) = (String::new(), String::new());
        for piece in out {
            match piece {
                Piece::Text(more) => text.push_str(&more),
                Piece::Thought(more) => thought.push_str(&more),
            }
        }
        (text, thought)
    }

    #[test]
    fn leading_thoughts_are_split_off_anywhere() {
        for (whole, text, thought) in [
            ("<think>a < b</ think></think>\n\nanswer", "answer", "a < b</ think>"),
            ("\n <think>only", "", "only"),
            ("<think>x</thi", "", "x</thi"),
            ("</think>\nanswer", "answer", ""),
            ("plain <think>no</think>", "plain <think>no</think>", ""),
            ("  indented", "  indented", ""),
            ("<thin", "<thin", ""),
            ("<table>", "<table>", ""),
            ("<think></think>é<think>", "é<think>", ""),
        ] {
            let expected = (text.to_owned(), thought.to_owned());
            assert_eq!(split(&[whole]), expected, "{whole}");
            let single: Vec<String> = whole.chars().map(String::from).collect();
            let single: Vec<&str> = single.iter().map(String::as_str).collect();
            assert_eq!(split(&single), expected, "{whole}, letter by letter");
        }
    }
}
