//! Cuts the input into lines without ever keeping more than one line of the allowed length.

use std::{io, ops::Range};

use memchr::{memchr, memrchr};
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::message::id_scan::IdScanner;

/// The most room for one read, and what is read ahead while the next line has to wait: the size of a Linux pipe.
const CHUNK: usize = 64 * 1024;
/// Room for the first read, doubled when a read fills it: most connections are idle, and there may be thousands.
const FIRST: usize = 2 * 1024;
/// A line of this length is given all the room that a line may have.
const LONG: usize = 512 * 1024;
/// A buffer above this is given back once its line is done.
const KEEP: usize = 256 * 1024;

/// Splits a byte stream at line feeds.
#[derive(Debug)]
pub(crate) struct Framer<R> {
    reader: R,
    buffer: Vec<u8>,
    /// First byte that was not handed out.
    start: usize,
    /// First byte that was not searched for a line feed.
    searched: usize,
    max_line: usize,
    /// Room for the next read.
    room: usize,
    /// The line at hand is longer than allowed; only its length and its id are kept.
    oversized: Option<Oversized>,
    ended: bool,
}

#[derive(Debug, Default)]
struct Oversized {
    bytes: u64,
    id: IdScanner,
}

/// One line of the input.
#[derive(Debug)]
pub(crate) enum Frame {
    /// Where [`Framer::bytes`] finds the line, without its line feed, until the next [`Framer::fill`].
    Line(Range<usize>),
    /// A line above the limit.
    Oversized { bytes: u64, id: Option<Box<RawValue>> },
}

impl<R> Framer<R> {
    pub(crate) fn new(reader: R, max_line: usize) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            max_line,
            room: FIRST,
            oversized: None,
            ended: false,
        }
    }

    /// Whether nothing more will be read; lines may still be buffered.
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// Whether more may be read although the buffered lines have to wait.
    pub(super) fn may_read_ahead(&self) -> bool {
        !self.ended && self.buffer.len() - self.start < CHUNK
    }

    /// The content of a line.
    pub(crate) fn bytes(&self, line: Range<usize>) -> &[u8] {
        self.buffer.get(line).unwrap_or_default()
    }

    /// Reads no more, and forgets the line whose end has not come.
    pub(super) fn stop(&mut self) {
        if self.ended {
            return;
        }
        self.ended = true;
        let rest = self.buffer.get(self.start..).unwrap_or_default();
        let complete = memrchr(b'\n', rest).map_or(0, |at| at + 1);
        self.buffer.truncate(self.start + complete);
        self.searched = self.searched.min(self.buffer.len());
        if complete == 0 {
            self.oversized = None;
        }
    }

    /// The next line that is complete, without reading. At the end of the input the rest counts as a line.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        let fresh = self.buffer.get(self.searched..).unwrap_or_default();
        let (end, next) = match memchr(b'\n', fresh) {
            Some(at) => (self.searched + at, self.searched + at + 1),
            None if self.ended && self.start == self.buffer.len() && self.oversized.is_none() => return None,
            None if self.ended => (self.buffer.len(), self.buffer.len()),
            None => {
                self.searched = self.buffer.len();
                if self.oversized.is_some() || self.buffer.len() - self.start > self.max_line {
                    self.discard(self.buffer.len());
                    self.buffer = Vec::new();
                    (self.start, self.searched) = (0, 0);
                }
                return None;
            }
        };
        if self.oversized.is_some() || end - self.start > self.max_line {
            self.discard(end);
            (self.start, self.searched) = (next, next);
            let Oversized { bytes, id } = self.oversized.take().unwrap_or_default();
            return Some(Frame::Oversized { bytes, id: id.finish() });
        }
        let line = self.start..end;
        (self.start, self.searched) = (next, next);
        Some(Frame::Line(line))
    }

    fn discard(&mut self, end: usize) {
        let oversized = self.oversized.get_or_insert_default();
        let bytes = self.buffer.get(self.start..end).unwrap_or_default();
        oversized.bytes = oversized.bytes.saturating_add(bytes.len() as u64);
        oversized.id.feed(bytes);
    }

    /// Drops what was handed out and makes room for a read.
    fn make_room(&mut self) {
        if self.start == self.buffer.len() && self.buffer.capacity() > KEEP {
            self.buffer = Vec::new();
        }
        self.buffer.drain(..self.start.min(self.buffer.len()));
        self.searched -= self.start;
        self.start = 0;
        let room = self.buffer.capacity() - self.buffer.len();
        if room < self.room / 8 && self.buffer.len() >= LONG {
            // Once and for all: room that nothing was written to costs nothing, while each smaller room is still there for a while.
            self.buffer.reserve_exact(
                (self.max_line.saturating_add(self.room)).saturating_sub(self.buffer.len()).max(self.room),
            );
        } else if room < self.room / 8 {
            // Doubling keeps copying linear; the limit keeps the last step from doubling past the longest line.
            let most = self.max_line.saturating_add(self.room).saturating_sub(self.buffer.len());
            self.buffer.reserve_exact(self.buffer.len().clamp(self.room, most.max(self.room)));
        }
    }
}

impl<R: AsyncRead + Unpin> Framer<R> {
    /// Reads once. Nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// Those of the reader; nothing is read after one.
    pub(crate) async fn fill(&mut self) -> io::Result<()> {
        self.make_room();
        match self.reader.read_buf(&mut self.buffer).await {
            Ok(0) => self.ended = true,
            Ok(_) if self.buffer.len() == self.buffer.capacity() => self.room = (self.room * 2).min(CHUNK),
            Ok(_) => {}
            Err(error) => {
                self.ended = true;
                return Err(error);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        task::{Context, Poll},
    };

    use futures::FutureExt as _;
    use proptest::prelude::*;
    use tokio::io::ReadBuf;

    use super::*;

    /// Gives the bytes in pieces of the asked sizes.
    struct Pieces {
        bytes: Vec<u8>,
        sizes: Vec<usize>,
        turn: usize,
    }

    impl AsyncRead for Pieces {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            out: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let size = self.sizes[self.turn % self.sizes.len()].min(self.bytes.len()).min(out.remaining());
            self.turn += 1;
            let piece: Vec<u8> = self.bytes.drain(..size).collect();
            out.put_slice(&piece);
            Poll::Ready(Ok(()))
        }
    }

    #[derive(Debug, PartialEq)]
    enum Seen {
        Line(Vec<u8>),
        Oversized(u64, Option<String>),
    }

    fn frames(bytes: &[u8], sizes: &[usize], max_line: usize) -> Vec<Seen> {
        let reader = Pieces { bytes: bytes.to_vec(), sizes: sizes.to_vec(), turn: 0 };
        let mut framer = Framer::new(reader, max_line);
        let mut seen = Vec::new();
        loop {
            match framer.next() {
                Some(Frame::Line(line)) => seen.push(Seen::Line(framer.bytes(line).to_vec())),
                Some(Frame::Oversized { bytes, id }) => {
                    seen.push(Seen::Oversized(bytes, id.map(|id| id.get().to_owned())));
                }
                None if framer.ended() => return seen,
                None => framer.fill().now_or_never().unwrap().unwrap(),
            }
        }
    }

    #[test]
    fn the_unfinished_rest_is_a_line() {
        assert_eq!(
            frames(b"a\n\nbc", &[2], 10),
            [b"a".as_slice(), b"", b"bc"].map(|l| Seen::Line(l.to_vec()))
        );
        assert_eq!(frames(b"", &[1], 10), []);
    }

    /// A long line keeps its length and its id alone.
    #[test]
    fn a_long_line_keeps_its_id_alone() {
        let line = format!("{{\"params\":\"{}\",\"id\":5,\"method\":1}}", "x".repeat(300_000));
        let input = format!("{line}\nnext\n");
        for sizes in [vec![1 << 20], vec![1000], vec![64 * 1024]] {
            assert_eq!(
                frames(input.as_bytes(), &sizes, 1000),
                [Seen::Oversized(line.len() as u64, Some("5".to_owned())), Seen::Line(b"next".to_vec())],
            );
        }
    }

    #[test]
    fn memory_stays_near_the_limit() {
        let reader = Pieces { bytes: vec![b'x'; 4 << 20], sizes: vec![CHUNK], turn: 0 };
        let mut framer = Framer::new(reader, 1 << 20);
        while !framer.ended() {
            framer.fill().now_or_never().unwrap().unwrap();
            assert!(framer.buffer.capacity() <= (1 << 20) + 2 * CHUNK, "{}", framer.buffer.capacity());
            assert!(framer.next().is_none() || framer.ended());
        }
    }

    #[test]
    fn after_a_stop_only_whole_lines_count() {
        let reader = Pieces { bytes: b"one\ntwo\nthr".to_vec(), sizes: vec![100], turn: 0 };
        let mut framer = Framer::new(reader, 100);
        framer.fill().now_or_never().unwrap().unwrap();
        assert!(matches!(framer.next(), Some(Frame::Line(_))));
        framer.stop();
        let Some(Frame::Line(line)) = framer.next() else { panic!("the second line is complete") };
        assert_eq!(framer.bytes(line), b"two");
        assert!(framer.next().is_none());
    }

    /// After a stop a long line without its end is forgotten.
    #[test]
    fn a_stop_forgets_a_long_unfinished_line() {
        let reader = Pieces { bytes: vec![b'x'; 5000], sizes: vec![1000], turn: 0 };
        let mut framer = Framer::new(reader, 100);
        for _ in 0..3 {
            framer.fill().now_or_never().unwrap().unwrap();
            assert!(framer.next().is_none());
        }
        framer.stop();
        assert!(framer.next().is_none() && framer.ended());
    }

    proptest! {
        /// Whatever comes in whatever pieces, the lines are those of a plain split.
        #[test]
        fn lines_are_those_of_a_split(
            bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'{'), any::<u8>()], 0..600),
            sizes in prop::collection::vec(1usize..50, 1..6),
            max_line in 0usize..40,
        ) {
            let mut expected: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
            if expected.last().is_some_and(|last| last.is_empty()) {
                expected.pop();
            }
            let seen = frames(&bytes, &sizes, max_line);
            prop_assert_eq!(seen.len(), expected.len());
            for (seen, expected) in seen.iter().zip(expected) {
                match seen {
                    Seen::Line(line) => prop_assert_eq!(line.as_slice(), expected),
                    Seen::Oversized(length, _) => {
                        prop_assert_eq!(*length, expected.len() as u64);
                        prop_assert!(expected.len() > max_line);
                    }
                }
            }
        }
    }
}
