//! The fuzzer's entry: any bytes as what a client sends over a WebSocket, in pieces of any size.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use futures::{FutureExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::Message;

use super::socket::{End, Socket};

/// The most bytes of the frame that says why a connection ends (RFC 6455, 5.5).
const GOODBYE: usize = 2 + 125;

/// A message, or how the connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// A ping, a pong or the end of one side.
    Control,
    /// The client is gone, or speaks no WebSocket.
    Gone,
    /// The client is told why nothing more is read, with this code.
    Refused(u16),
}

/// A client that sends so many bytes at a time and then hangs up. It reads everything.
struct Client<'a> {
    rest: &'a [u8],
    size: usize,
    written: usize,
}

impl AsyncRead for Client<'_> {
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

impl AsyncWrite for Client<'_> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.written += bytes.len();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Reads what a client sends, `size` bytes at a time; a message has at most `most` bytes.
///
/// # Panics
/// The connection has no end or more than one, a message is longer than allowed, or more is written than was read.
#[must_use]
pub fn read(bytes: &[u8], size: usize, most: usize) -> Vec<Heard> {
    let mut client = Client { rest: bytes, size: size.max(1), written: 0 };
    let mut socket = Socket::new(&mut client, most);
    let mut heard = Vec::new();
    loop {
        let item = socket.next().now_or_never();
        assert!(item.is_some(), "waits although everything is there");
        let item = match item.flatten() {
            None | Some(Err(End::Gone)) => Heard::Gone,
            Some(Err(End::Refused(goodbye))) => Heard::Refused(goodbye.code),
            Some(Ok(Message::Text(text))) => Heard::Text(text.as_str().to_owned()),
            Some(Ok(Message::Binary(bytes))) => Heard::Binary(bytes.to_vec()),
            Some(Ok(_)) => Heard::Control,
        };
        let length = match &item {
            Heard::Text(text) => text.len(),
            Heard::Binary(bytes) => bytes.len(),
            _ => 0,
        };
        assert!(length <= most, "{length} bytes, where {most} are allowed");
        let is_end = matches!(item, Heard::Gone | Heard::Refused(_));
        heard.push(item);
        assert!(heard.len() <= bytes.len() / 2 + 1, "more messages than frames");
        if is_end {
            break;
        }
    }
    drop(socket);
    assert!(client.written <= bytes.len() + GOODBYE, "{} bytes answer {}", client.written, bytes.len());
    heard
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_seed_reads_alike_in_pieces() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds/read_websocket");
        let (mut seeds, mut texts) = (0, 0);
        for entry in std::fs::read_dir(folder).unwrap() {
            let seed = std::fs::read(entry.unwrap().path()).unwrap();
            let sent = &seed[1..];
            let whole = read(sent, usize::MAX, 300);
            for size in [1, 2, 7, 64] {
                assert_eq!(read(sent, size, 300), whole, "{size}");
            }
            texts += whole.iter().filter(|heard| matches!(heard, Heard::Text(_))).count();
            seeds += 1;
        }
        assert!(seeds >= 5 && texts >= 3, "{seeds} seeds, {texts} texts");
    }
}
