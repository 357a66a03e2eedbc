//! Stands between the socket and the event parser: bounds what an event may hold and lets only the lines through that matter.
//!
//! Some servers end their events with one line end in place of two: an object behind an object begins a new event.
//!
//! The parser keeps an unfinished line and an unfinished event in memory for as long as they grow, and takes any field that it does
//! not know for an error. Servers do send such fields, and comments, and a last event without its blank line.

use bytes::Bytes;

/// The lines that carry something for us.
const WANTED: [&[u8]; 2] = [b"data:", b"event:"];
/// The end of a stream, in a line of its own.
const DONE: &[u8] = b"[DONE]";
pub(super) const BOM: &[u8] = b"\xEF\xBB\xBF";

/// An event grew beyond its bound, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventTooLong(pub(crate) usize);

enum Line {
    /// Its first bytes, until they tell what it is.
    Start(Vec<u8>),
    /// Data, of which only blanks have come.
    Data(Vec<u8>),
    Passed,
    Dropped,
}

/// Filters the bytes of an event stream; chunks may end anywhere.
pub(crate) struct Lines {
    line: Line,
    after_cr: bool,
    event_named: bool,
    /// Something of the event has passed, in this chunk or before it.
    has_lines: bool,
    event_bytes: usize,
    /// The last byte of the event's data that is no blank.
    last: Option<u8>,
    cap: usize,
}

impl Lines {
    pub(crate) fn new(cap: usize) -> Self {
        Self {
            line: Line::Start(Vec::new()),
            after_cr: false,
            event_named: false,
            has_lines: false,
            event_bytes: 0,
            last: None,
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
            if let Line::Start(_) | Line::Data(_) = &self.line {
                self.begin(byte, event, out);
                rest = tail;
            } else {
                let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
                let (piece, tail) = rest.split_at(end);
                if matches!(self.line, Line::Passed) {
                    event.extend_from_slice(piece);
                    self.event_bytes += piece.len();
                    self.last = piece.iter().rfind(|byte| !byte.is_ascii_whitespace()).copied().or(self.last);
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

    fn begin(&mut self, byte: u8, event: &mut Vec<u8>, out: &mut Vec<Bytes>) {
        if let Line::Data(blanks) = &mut self.line {
            blanks.push(byte);
            if byte.is_ascii_whitespace() {
                // Blanks alone are bounded as an event is.
                if blanks.len() > self.cap {
                    self.event_bytes = blanks.len();
                }
                return;
            }
            let data = std::mem::take(blanks);
            if self.has_value() && matches!(byte, b'{' | b'[') {
                self.end_event(event, out);
            }
            self.last = Some(byte);
            return self.pass(&data, event);
        }
        let Line::Start(prefix) = &mut self.line else { return };
        prefix.push(byte);
        // Some proxies write blanks or the mark of a file's beginning before a line.
        if prefix == b" " || prefix == b"\t" || prefix == BOM {
            return prefix.clear();
        }
        let word = prefix.as_slice();
        if word == WANTED[0] {
            self.line = Line::Data(WANTED[0].to_vec());
        } else if word == b"{" || word == DONE {
            // An object without its field is an event all the same: one of a stream of JSON lines, or a failure.
            let data = [WANTED[0], b" ", word].concat();
            if self.has_value() {
                self.end_event(event, out);
            }
            self.last = Some(byte);
            self.pass(&data, event);
        } else if word == WANTED[1] {
            if self.has_value() {
                self.end_event(event, out);
            }
            // A second name in one event is an error to the parser; the first one counts.
            if self.event_named {
                self.line = Line::Dropped;
                return;
            }
            self.event_named = true;
            self.pass(WANTED[1], event);
        } else if ![WANTED[0], WANTED[1], DONE, BOM].iter().any(|wanted| wanted.starts_with(word)) {
            self.line = Line::Dropped;
        }
    }

    /// Whether the event may have a whole value already; no JSON has another one behind a bracket that closes.
    fn has_value(&self) -> bool {
        matches!(self.last, Some(b'}' | b']'))
    }

    /// The beginning of a line that goes on to the parser.
    fn pass(&mut self, beginning: &[u8], event: &mut Vec<u8>) {
        self.has_lines = true;
        self.event_bytes += beginning.len();
        event.extend_from_slice(beginning);
        self.line = Line::Passed;
    }

    /// Ends the event before this line.
    fn end_event(&mut self, event: &mut Vec<u8>, out: &mut Vec<Bytes>) {
        event.push(b'\n');
        out.push(std::mem::take(event).into());
        (self.event_bytes, self.event_named, self.has_lines, self.last) = (0, false, false, None);
    }

    /// Whether the line ended an event.
    fn end_line(&mut self, out: &mut Vec<u8>) -> bool {
        let mut is_over = false;
        match std::mem::replace(&mut self.line, Line::Start(Vec::new())) {
            Line::Start(prefix) if prefix.is_empty() => {
                (self.event_bytes, self.event_named, self.last) = (0, false, None);
                out.push(b'\n');
                is_over = true;
            }
            Line::Passed => out.push(b'\n'),
            Line::Data(blanks) => {
                self.pass(&blanks, out);
                self.line = Line::Start(Vec::new());
                out.push(b'\n');
            }
            Line::Start(_) | Line::Dropped => {}
        }
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
    fn objects_in_a_row_are_events() {
        let text: &[u8] = b"data: {\"a\":1}\ndata:  {\"b\":2} \r\ndata: [DONE]\nevent: x\ndata: {}\nevent: y\ndata: {\ndata: }\n\n";
        let expected =
            b"data: {\"a\":1}\n\ndata:  {\"b\":2} \n\ndata: [DONE]\n\nevent: x\ndata: {}\n\nevent: y\ndata: {\ndata: }\n\n";
        assert_eq!(filtered(&[text]), expected);
        assert_eq!(filtered(&text.chunks(1).collect::<Vec<_>>()), expected);
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
