//! A position in a text, and the brackets that are open around it.

use super::{blank::skip_blank, quotes::Closing};

/// Deepest nesting; what `serde_json` reads too, so that every value can be stored and read again.
const DEPTH: usize = 127;

/// What a bracket opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    Object,
    Array,
}

/// A position in the text, with what decides there how the text is read.
pub(super) struct Cursor<'a> {
    text: &'a str,
    /// Byte offset of the next character.
    pub(super) pos: usize,
    /// Which quote ends a string.
    pub(super) closing: Closing,
    /// Whether a key without quotes was met.
    pub(super) bare_keys: bool,
    /// What is open, from the outside in.
    stack: Vec<Container>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str, pos: usize, closing: Closing) -> Self {
        Self { text, pos, closing, bare_keys: false, stack: Vec::new() }
    }

    /// Passes over the bracket that opens a container; false when the nesting is deeper than the limit.
    pub(super) fn enter(&mut self, container: Container) -> bool {
        let has_room = self.stack.len() < DEPTH;
        if has_room {
            self.advance_char();
            self.stack.push(container);
        }
        has_room
    }

    /// Forgets the innermost container.
    pub(super) fn leave(&mut self) {
        self.stack.pop();
    }

    pub(super) fn in_array(&self) -> bool {
        self.stack.last() == Some(&Container::Array)
    }

    pub(super) fn in_array_somewhere(&self) -> bool {
        self.stack.contains(&Container::Array)
    }

    pub(super) fn in_object_somewhere(&self) -> bool {
        self.stack.contains(&Container::Object)
    }

    pub(super) fn at_root(&self) -> bool {
        self.stack.len() <= 1
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.pos..).unwrap_or("")
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn at_end(&self) -> bool {
        self.pos >= self.text.len()
    }

    pub(super) fn advance_char(&mut self) {
        self.pos += self.peek().map_or(0, char::len_utf8);
    }

    pub(super) fn take(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        if there {
            self.advance_char();
        }
        there
    }

    pub(super) fn skip_blank(&mut self) {
        self.pos = self.text.len() - skip_blank(self.rest()).len();
    }
}
