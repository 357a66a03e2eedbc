//! A WebSocket whose limits can be raised while it is open, and that bounds what its client can make it keep. tokio-tungstenite and
//! axum fix the limits at the upgrade, before it is known who is there, and queue a pong for every ping without an end.
//!
//! Everything about one socket happens in one task, so one waker serves both directions.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use axum::body::Bytes;
use futures::{Sink, Stream};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};
use tokio_tungstenite::tungstenite::{
    Error, Message, WebSocket,
    error::CapacityError,
    protocol::{
        CloseFrame, Role, WebSocketConfig,
        frame::{
            Frame,
            coding::{CloseCode, Data, OpCode},
        },
    },
};

use super::dialect::Goodbye;

/// Room for one read or write. The usual one is 128 KB for each of thousands of connections that are idle.
const ROOM: usize = 4 * 1024;
/// A longer message goes out in several frames, so that the room for what is being written is never larger than this.
const PIECE: usize = 256 * 1024;
/// Room for what is being written: one piece, and pongs.
const MOST_UNWRITTEN: usize = PIECE + 64 * 1024;
/// Pings that may wait for a client that does not read their pongs.
const MOST_UNREAD_PONGS: u32 = 32;
/// The most pings and pongs within [`CONTROL_TIME`] that no message comes between.
const MOST_CONTROL: u32 = 128;
const CONTROL_TIME: Duration = Duration::from_secs(30);
/// The bytes of a client's ping or pong without its payload: two of the head and the mask (RFC 6455, 5.2).
const CONTROL_HEAD: u64 = 6;
/// How long a message may take from its first to its last byte, and the slowest that a long one may come in, in bytes a second.
const MESSAGE_TIME: Duration = Duration::from_secs(60);
const SLOWEST: u64 = 32 * 1024;
/// How much longer when something of it was waiting to be read.
const EXTENSION: Duration = Duration::from_secs(10);
const TOO_SLOW: &str = "a message did not come to its end in time";

/// Why nothing more is read.
#[derive(Debug)]
pub(super) enum End {
    /// The client is gone, or speaks no WebSocket.
    Gone,
    /// The client gets a goodbye that says why.
    Refused(Goodbye),
}

/// One WebSocket.
pub(super) struct Socket<S> {
    inner: WebSocket<Bridge<S>>,
    /// Whether everything that was given to be sent was written.
    is_written: bool,
    control: Control,
    unfinished: Unfinished,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// The server's side of a connection whose upgrade is done; a message has at most so many bytes.
    pub(super) fn new(socket: S, most: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(ROOM)
            .write_buffer_size(ROOM)
            .max_write_buffer_size(MOST_UNWRITTEN)
            .max_message_size(Some(most))
            .max_frame_size(Some(most));
        let bridge = Bridge { socket, waker: Waker::noop().clone(), heard: 0 };
        let inner = WebSocket::from_raw_socket(bridge, Role::Server, Some(config));
        Self { inner, is_written: true, control: Control::default(), unfinished: Unfinished::default() }
    }

    /// Lets messages be so long from the next one on.
    pub(super) fn allow(&mut self, most: usize) {
        self.inner.set_config(|config| {
            config.max_message_size = Some(most);
            config.max_frame_size = Some(most);
        });
    }

    fn most(&self) -> usize {
        self.inner.get_config().max_message_size.unwrap_or(usize::MAX)
    }

    /// Reads and forgets until the client has closed. A socket that is closed with something unread in it is reset, and the client
    /// may never see why it was closed.
    pub(super) async fn drain(&mut self) {
        let mut rest = [0; ROOM];
        while matches!(self.inner.get_mut().socket.read(&mut rest).await, Ok(1..)) {}
    }

    fn flush(&mut self, context: &Context<'_>) -> Poll<Result<(), End>> {
        self.inner.get_mut().note(context);
        match self.inner.flush() {
            Ok(()) => {
                self.is_written = true;
                self.control.unread = 0;
                Poll::Ready(Ok(()))
            }
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            // It was closed in order.
            Err(Error::ConnectionClosed) => Poll::Ready(Ok(())),
            Err(_) => Poll::Ready(Err(End::Gone)),
        }
    }

    /// Counts a ping or a pong; a ping's answer is on its way.
    fn control(&mut self, is_ping: bool, context: &Context<'_>) -> Result<(), End> {
        if is_ping && self.flush(context).is_pending() {
            self.control.unread += 1;
        }
        self.control.count(Instant::now())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Socket<S> {
    type Item = Result<Message, End>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner.get_mut().note(context);
        let read = self.inner.read();
        let heard = std::mem::take(&mut self.inner.get_mut().heard);
        self.unfinished.bytes += heard;
        let message = match read {
            Ok(message) => message,
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                let most = self.most();
                let late = self.unfinished.poll_late(most, heard > 0, context);
                return late
                    .map(|()| Some(Err(End::Refused(Goodbye::new(CloseCode::Policy.into(), TOO_SLOW)))));
            }
            Err(Error::Capacity(CapacityError::MessageTooLong { .. })) => {
                let reason = format!("a message has at most {} bytes here", self.most());
                return Poll::Ready(Some(Err(End::Refused(Goodbye::new(CloseCode::Size.into(), reason)))));
            }
            Err(_) => return Poll::Ready(Some(Err(End::Gone))),
        };
        match &message {
            Message::Ping(payload) | Message::Pong(payload) => {
                self.unfinished.bytes =
                    self.unfinished.bytes.saturating_sub(CONTROL_HEAD + payload.len() as u64);
                let counted = self.control(matches!(message, Message::Ping(_)), context);
                Poll::Ready(Some(counted.map(|()| message)))
            }
            Message::Text(_) | Message::Binary(_) => {
                self.control.since = None;
                self.unfinished = Unfinished::default();
                Poll::Ready(Some(Ok(message)))
            }
            Message::Close(_) | Message::Frame(_) => Poll::Ready(Some(Ok(message))),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Message> for Socket<S> {
    type Error = End;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), End>> {
        if self.is_written { Poll::Ready(Ok(())) } else { self.flush(context) }
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), End> {
        match self.inner.write(message) {
            Ok(()) => Ok(()),
            // It was taken, and waits to be written.
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                self.is_written = false;
                Ok(())
            }
            Err(_) => Err(End::Gone),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), End>> {
        self.flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), End>> {
        self.flush(context)
    }
}

/// A text as frames: one, unless it is very long.
pub(super) fn frames(text: String) -> impl Iterator<Item = Message> {
    let mut rest = Bytes::from(text);
    let mut is_first = true;
    std::iter::from_fn(move || {
        if rest.is_empty() && !is_first {
            return None;
        }
        let piece = rest.split_to(rest.len().min(PIECE));
        let kind = if is_first { Data::Text } else { Data::Continue };
        is_first = false;
        Some(Message::Frame(Frame::message(piece, OpCode::Data(kind), rest.is_empty())))
    })
}

/// The last frame.
pub(super) fn close(Goodbye { code, reason }: Goodbye) -> Message {
    Message::Close(Some(CloseFrame { code: code.into(), reason: reason.into_owned().into() }))
}

/// A message that has begun and not ended. It takes memory for as long as the rest may come.
#[derive(Debug, Default)]
struct Unfinished {
    /// Bytes that belong to no message yet.
    bytes: u64,
    /// When it is too late.
    late: Option<Pin<Box<Sleep>>>,
    /// Whether time was added, because the server itself did not read for a while.
    extended: bool,
}

impl Unfinished {
    /// Ready when the rest does not come in time. `is_going_on` says whether something of it came just now.
    fn poll_late(&mut self, most: usize, is_going_on: bool, context: &mut Context<'_>) -> Poll<()> {
        if self.bytes == 0 {
            self.late = None;
            return Poll::Pending;
        }
        let time = MESSAGE_TIME + Duration::from_secs(most as u64 / SLOWEST);
        let late = self.late.get_or_insert_with(|| Box::pin(sleep(time)));
        if late.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        if !is_going_on || self.extended {
            return Poll::Ready(());
        }
        self.extended = true;
        late.as_mut().reset(Instant::now() + EXTENSION);
        late.as_mut().poll(context)
    }
}

/// The pings and pongs of a client.
#[derive(Debug, Default)]
struct Control {
    /// Since when they are counted, and how many there were.
    since: Option<(Instant, u32)>,
    /// Pings whose pong could not be written.
    unread: u32,
}

impl Control {
    fn count(&mut self, now: Instant) -> Result<(), End> {
        let (since, so_far) = self.since.filter(|(since, _)| now - *since < CONTROL_TIME).unwrap_or((now, 0));
        self.since = Some((since, so_far + 1));
        let reason = if self.unread > MOST_UNREAD_PONGS {
            "pings are sent and their pongs not read"
        } else if so_far >= MOST_CONTROL {
            "too many pings without a message"
        } else {
            return Ok(());
        };
        Err(End::Refused(Goodbye::new(CloseCode::Policy.into(), reason)))
    }
}

/// An asynchronous stream for a protocol that tries again when it would have to wait.
struct Bridge<S> {
    socket: S,
    waker: Waker,
    /// Bytes that were read since this was last asked.
    heard: u64,
}

impl<S> Bridge<S> {
    fn note(&mut self, context: &Context<'_>) {
        if !self.waker.will_wake(context.waker()) {
            self.waker = context.waker().clone();
        }
    }
}

fn now_or_later<T>(outcome: Poll<io::Result<T>>) -> io::Result<T> {
    match outcome {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

impl<S: AsyncRead + Unpin> io::Read for Bridge<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(buffer);
        let mut context = Context::from_waker(&self.waker);
        now_or_later(Pin::new(&mut self.socket).poll_read(&mut context, &mut buffer))?;
        self.heard += buffer.filled().len() as u64;
        Ok(buffer.filled().len())
    }
}

impl<S: AsyncWrite + Unpin> io::Write for Bridge<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut context = Context::from_waker(&self.waker);
        now_or_later(Pin::new(&mut self.socket).poll_write(&mut context, bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut context = Context::from_waker(&self.waker);
        now_or_later(Pin::new(&mut self.socket).poll_flush(&mut context))
    }
}

#[cfg(test)]
mod tests {
    use futures::{SinkExt as _, StreamExt as _, stream};
    use tokio::io::{DuplexStream, duplex};
    use tokio_tungstenite::WebSocketStream;

    use super::*;

    async fn pair(most: usize) -> (Socket<DuplexStream>, WebSocketStream<DuplexStream>) {
        let (near, far) = duplex(64 * 1024);
        (Socket::new(near, most), WebSocketStream::from_raw_socket(far, Role::Client, None).await)
    }

    #[tokio::test]
    async fn a_long_text_arrives_whole() {
        let (mut socket, mut client) = pair(10).await;
        for length in [0, PIECE - 1, PIECE, PIECE + 1, 4 * PIECE + 1] {
            let text = "é".repeat(length);
            let mut said = stream::iter(frames(text.clone()).map(Ok));
            let (sent, heard) = tokio::join!(socket.send_all(&mut said), client.next());
            sent.unwrap();
            assert!(heard.unwrap().unwrap().into_text().unwrap().as_str() == text, "{length}");
        }
    }

    #[tokio::test]
    async fn the_limit_is_that_of_the_moment() {
        let (mut socket, mut client) = pair(10).await;
        // All of it is there before anything is read.
        for length in [10, 1_000, 1_001] {
            client.send(Message::text("x".repeat(length))).await.unwrap();
        }
        assert_eq!(socket.next().await.unwrap().unwrap().len(), 10);
        socket.allow(1_000);
        assert_eq!(socket.next().await.unwrap().unwrap().len(), 1_000);
        match socket.next().await {
            Some(Err(End::Refused(Goodbye { code: 1009, reason }))) => {
                assert!(reason.contains("1000"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }

    /// Pings do not prolong the time of a message, and are no message themselves.
    #[tokio::test(start_paused = true)]
    async fn a_message_has_to_end() {
        use tokio::io::AsyncWriteExt as _;
        let masked = |first: u8, payload: &[u8]| {
            [&[first, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0], payload].concat()
        };
        let (near, mut far) = duplex(64 * 1024);
        let mut socket = Socket::new(near, 10);
        let began = Instant::now();
        for _ in 0..8 {
            far.write_all(&masked(0x89, b"ping")).await.unwrap();
            assert!(socket.next().await.unwrap().unwrap().is_ping());
            tokio::time::advance(CONTROL_TIME).await;
        }
        assert!(futures::poll!(socket.next()).is_pending(), "an idle client is left alone");
        assert!(began.elapsed() > 2 * MESSAGE_TIME);
        far.write_all(&masked(0x01, b"begun")).await.unwrap();
        for _ in 0..2 {
            far.write_all(&masked(0x89, b"ping")).await.unwrap();
            assert!(socket.next().await.unwrap().unwrap().is_ping());
            assert!(futures::poll!(socket.next()).is_pending());
            tokio::time::advance(MESSAGE_TIME / 3).await;
        }
        match socket.next().await {
            Some(Err(End::Refused(Goodbye { code: 1008, reason }))) => assert_eq!(reason, TOO_SLOW),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pings_in_moderation_are_welcome() {
        let (mut socket, mut client) = pair(10).await;
        for _ in 0..4 {
            for _ in 0..MOST_CONTROL {
                client.send(Message::Ping(Bytes::new())).await.unwrap();
                assert!(socket.next().await.unwrap().is_ok());
                assert!(client.next().await.unwrap().unwrap().is_pong());
            }
            tokio::time::advance(CONTROL_TIME).await;
        }
    }
}
