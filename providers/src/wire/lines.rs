//! Stands between the socket and the event parser: bounds what an event may hold and lets only the lines through that matter.
//!
//! The parser keeps an unfinished line and an unfinished event in memory for as long as they grow, and takes any field that it does
//! not know for an error. Servers do send such fields, and comments, and a last event without its blank line.

use bytes::Bytes;

/// The lines that carry something for us.
const WANTED: [&[u8]; 2] = [b"data:", b"event:"];
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// An event grew beyond its bound, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventTooLong(pub(crate) usize);

enum Line {
    /// Its first bytes, until they tell what it is.
    Start(Vec<u8>),
    Passed,
    Dropped,
}

/// Filters the bytes of an event stream; chunks may end anywhere.
pub(crate) struct Lines {
    line: Line,
    is_first: bool,
    after_cr: bool,
    event_named: bool,
    /// Something of the event has passed, in this chunk or before it.
    has_lines: bool,
    event_bytes: usize,
    cap: usize,
}

impl Lines {
    pub(crate) fn new(cap: usize) -> Self {
        Self {
            line: Line::Start(Vec::new()),
            is_first: true,
            after_cr: false,
            event_named: false,
            has_lines: false,
            event_bytes: 0,
            cap,
        }
    }

    /// Adds to `out` what of `chunk` goes on to the parser, each event apart: what is wrong with one must not cost those before it.
    pub(crate) fn push(&mut self, chunk: &[u8], out: &mut Vec<Bytes>) -> Result<(), EventTooLong> {
        let mut event = Vec::with_capacity(chunk.len() + 8);
        let pushed = self.filter(chunk, &mut event, out);
        if !event.is_empty() && pushed.is_ok() {
            out.push(event.into());
        }
        pushed
    }

    fn filter(
        &mut self,
        chunk: &[u8],
        event: &mut Vec<u8>,
        out: &mut Vec<Bytes>,
    ) -> Result<(), EventTooLong> {
        let mut rest = chunk;
        while let Some((&byte, tail)) = rest.split_first() {
            let was_cr = std::mem::take(&mut self.after_cr);
            if byte == b'\r' || byte == b'\n' {
                self.after_cr = byte == b'\r';
                rest = tail;
                if !(was_cr && byte == b'\n') {
                    let is_over = self.end_line(event);
                    if is_over && std::mem::take(&mut self.has_lines) {
                        out.push(std::mem::take(event).into());
                    }
                }
                continue;
            }
            if let Line::Start(_) = &self.line {
                self.begin(byte, event);
                rest = tail;
            } else {
                let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
                let (piece, tail) = rest.split_at(end);
                if matches!(self.line, Line::Passed) {
                    event.extend_from_slice(piece);
                    self.event_bytes += piece.len();
                }
                rest = tail;
            }
            if self.event_bytes > self.cap {
                return Err(EventTooLong(self.cap));
            }
        }
        Ok(())
    }

    /// What completes an event that nothing completed.
    pub(crate) fn finish(&mut self) -> &'static [u8] {
        b"\n\n"
    }

    fn begin(&mut self, byte: u8, out: &mut Vec<u8>) {
        let Line::Start(prefix) = &mut self.line else { return };
        prefix.push(byte);
        if self.is_first && BOM.starts_with(prefix) {
            return;
        }
        let word = if self.is_first { prefix.strip_prefix(BOM).unwrap_or(prefix) } else { prefix };
        if WANTED.contains(&word) {
            // A second name in one event is an error to the parser; the first one counts.
            let is_name = word == WANTED[1];
            if is_name && self.event_named {
                self.line = Line::Dropped;
                return;
            }
            self.event_named |= is_name;
            self.has_lines = true;
            self.event_bytes += word.len();
            out.extend_from_slice(word);
            self.line = Line::Passed;
        } else if !WANTED.iter().any(|wanted| wanted.starts_with(word)) {
            self.line = Line::Dropped;
        }
    }

    /// Whether the line ended an event.
    fn end_line(&mut self, out: &mut Vec<u8>) -> bool {
        let mut is_over = false;
        match std::mem::replace(&mut self.line, Line::Start(Vec::new())) {
            Line::Start(prefix) if prefix.is_empty() || prefix == BOM => {
                self.event_bytes = 0;
                self.event_named = false;
                out.push(b'\n');
                is_over = true;
            }
            Line::Passed => out.push(b'\n'),
            Line::Start(_) | Line::Dropped => {}
        }
        self.is_first = false;
        is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filtered(chunks: &[&[u8]]) -> Vec<u8> {
        let mut lines = Lines::new(1000);
        let mut out = Vec::new();
        chunks.iter().for_each(|chunk| lines.push(chunk, &mut out).unwrap());
        out.concat()
    }

    #[test]
    fn only_data_and_names_pass_the_filter() {
        let text: &[u8] =
            b"\xEF\xBB\xBF: hello\r\n\r\nid: 7\r\nretry: soon\r\ndata: {\"a\":1}\r\ndat\nnonsense\rdata:b\r\r\nevent: x\nevent: y\ndata: c";
        let expected = b"\ndata: {\"a\":1}\ndata:b\n\nevent: x\ndata: c".as_slice();
        assert_eq!(filtered(&[text]), expected);
        let single: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(filtered(&single), expected);
    }

    #[test]
    fn events_are_bounded_without_their_comments() {
        let (mut lines, mut out) = (Lines::new(100), Vec::new());
        assert!(lines.push(format!(":{}\n", "x".repeat(5000)).as_bytes(), &mut out).is_ok());
        assert!(lines.push(b"data: 0123456789\n\n", &mut out).is_ok());
        assert_eq!(lines.event_bytes, 0);
        assert!(lines.push(&[b"data: ".as_slice(), &[b'x'; 60]].concat(), &mut out).is_ok());
        assert_eq!(lines.push(&[b'x'; 60], &mut out), Err(EventTooLong(100)));
    }

    #[test]
    fn events_before_a_long_one_pass() {
        let (mut lines, mut out) = (Lines::new(20), Vec::new());
        let chunk = b"data: a\n\ndata: b\n\ndata: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
        assert_eq!(lines.push(chunk, &mut out), Err(EventTooLong(20)));
        assert_eq!(out, [b"data: a\n\n".as_slice(), b"data: b\n\n"]);
    }
}
