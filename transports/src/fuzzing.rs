//! The fuzzer's entry: any bytes as the lines of a client, and as the frames of one on a WebSocket.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use futures::FutureExt as _;
use serde_json::Value;
use tokio::io::{AsyncRead, ReadBuf};

use crate::{
    jsonrpc::framer::{Frame, Framer},
    message::{self, Refused, Understood, id_scan::id_of},
};

pub use crate::http::read_frame;

/// The longest line that is read here.
const MAX_LINE: usize = 512;
/// The most bytes of an error without its id: a reason of 300 characters, each escaped, and what stands around it.
const MOST_REFUSAL: usize = 4 * 1024;

/// A client that writes so many bytes at a time.
struct Pieces<'a> {
    rest: &'a [u8],
    size: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (piece, rest) = self.rest.split_at(self.size.min(buffer.remaining()).min(self.rest.len()));
        buffer.put_slice(piece);
        self.rest = rest;
        Poll::Ready(Ok(()))
    }
}

/// What the framer makes of a line: its bytes, or of one that is too long its length and its id.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Line(Vec<u8>),
    Oversized(u64, Option<String>),
}

fn seen(bytes: &[u8], size: usize) -> Vec<Seen> {
    let mut framer = Framer::new(Pieces { rest: bytes, size: size.max(1) }, MAX_LINE);
    let mut seen = Vec::new();
    loop {
        while let Some(frame) = framer.next() {
            seen.push(match frame {
                Frame::Line(line) => Seen::Line(framer.bytes(line).to_vec()),
                Frame::Oversized { bytes, id } => Seen::Oversized(bytes, id.map(|id| id.get().to_owned())),
            });
        }
        if framer.ended() {
            return seen;
        }
        let filled = framer.fill().now_or_never();
        assert!(matches!(filled, Some(Ok(()))), "the bytes are there");
    }
}

/// Reads the lines of a client that writes `size` bytes at a time.
///
/// # Panics
/// The lines depend on how they were written, a line is neither understood nor refused, a refusal is no answer of JSON-RPC or
/// quotes without a bound, or what was understood is not understood once more.
pub fn read_lines(bytes: &[u8], size: usize) {
    let lines: Vec<&[u8]> = match bytes.strip_suffix(b"\n") {
        Some(lines) => lines.split(|byte| *byte == b'\n').collect(),
        None if bytes.is_empty() => Vec::new(),
        None => bytes.split(|byte| *byte == b'\n').collect(),
    };
    let expected: Vec<Seen> = lines
        .iter()
        .map(|line| match line.len() {
            0..=MAX_LINE => Seen::Line(line.to_vec()),
            long => Seen::Oversized(long as u64, id_of(line).map(|id| id.get().to_owned())),
        })
        .collect();
    assert_eq!(seen(bytes, size), expected, "in pieces of {size}");
    lines.into_iter().for_each(read_message);
}

/// Reads one message.
///
/// # Panics
/// As [`read_lines`].
pub fn read_message(line: &[u8]) {
    match message::read(line) {
        Ok(understood) => assert_understood_again(&understood),
        Err(refused) => assert_is_answer(line, &refused),
    }
}

fn assert_understood_again(understood: &Understood<'_>) {
    let sent: Value = serde_json::from_slice(&understood.bytes).unwrap_or_default();
    let said = serde_json::to_value(&understood.message).unwrap_or_default();
    assert!(sent.is_object() && said.is_object(), "a message is an object");
    assert_eq!(said.get("id"), sent.get("id"), "another id");
    assert_eq!(said.get("method"), sent.get("method"), "another method");
    let written = said.to_string();
    let again = message::read(written.as_bytes());
    assert!(again.is_ok(), "understood once only: {again:?}: {written}");
    if let Ok(again) = again {
        assert!(!again.is_corrected, "corrected twice: {written}");
        assert_eq!(serde_json::to_value(&again.message).ok(), Some(said), "another message");
    }
}

fn assert_is_answer(line: &[u8], refused: &Refused) {
    let text = serde_json::to_string(&refused.rejection).unwrap_or_default();
    assert!(!text.contains('\n'), "more than a line");
    let answer: Value = serde_json::from_str(&text).unwrap_or_default();
    assert_eq!(answer.get("jsonrpc"), Some(&Value::from("2.0")));
    assert!(answer.pointer("/error/code").is_some_and(Value::is_i64));
    let message = answer.pointer("/error/message").and_then(Value::as_str);
    assert!(message.is_some_and(|message| !message.is_empty()));
    let id = answer.get("id");
    assert!(id.is_none_or(|id| id.is_string() || id.is_number()), "an id that nobody can have sent");
    assert_eq!(id.is_some(), refused.rejection.has_id());
    let id_bytes = id.map_or(0, |id| id.to_string().len());
    assert!(text.len() <= MOST_REFUSAL + 6 * id_bytes, "{} bytes answer {}", text.len(), line.len());
    if let (Ok(Value::Object(sent)), Some(_)) = (serde_json::from_slice(line), id) {
        assert!(sent.contains_key("id"), "an id that was not sent");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds(name: &str) -> Vec<Vec<u8>> {
        let folder = format!("{}/../fuzz/seeds/{name}", env!("CARGO_MANIFEST_DIR"));
        let seeds: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
        assert!(seeds.len() >= 5, "{name}");
        seeds.into_iter().map(|seed| std::fs::read(seed.unwrap().path()).unwrap().split_off(1)).collect()
    }

    #[test]
    fn every_seed_is_read_in_pieces() {
        for seed in seeds("read_line") {
            for size in [1, 2, 7, 64, 1_000] {
                read_lines(&seed, size);
            }
        }
    }

    #[test]
    fn every_frame_is_read_by_both_dialects() {
        for seed in seeds("read_line") {
            seed.split(|byte| *byte == b'\n').for_each(read_frame);
        }
    }
}
