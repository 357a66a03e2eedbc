//! A connection whose other side has to read: one that takes nothing for too long is given up, with everything that waits to be written.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// Writes with a limit for each step.
pub(super) struct WriteTimeout<S> {
    socket: S,
    limit: Duration,
    /// Since the socket has taken nothing.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> WriteTimeout<S> {
    pub(super) fn within(socket: S, limit: Duration) -> Self {
        Self { socket, limit, waiting: None }
    }

    fn watch<T>(&mut self, step: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if step.is_ready() {
            self.waiting = None;
            return step;
        }
        let limit = self.limit;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(limit)));
        if waiting.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "nothing was read in time")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteTimeout<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteTimeout<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let step = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.watch(step, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let step = Pin::new(&mut self.socket).poll_flush(context);
        self.watch(step, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let step = Pin::new(&mut self.socket).poll_shutdown(context);
        self.watch(step, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let step = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.watch(step, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        time::{Instant, advance},
    };

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn whoever_reads_nothing_is_given_up() {
        let (near, _far) = tokio::io::duplex(16);
        let (mut near, begun) = (WriteTimeout::within(near, LIMIT), Instant::now());
        let error = near.write_all(&[0; 17]).await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, LIMIT));
    }

    #[tokio::test(start_paused = true)]
    async fn slow_readers_and_idle_ones_stay() {
        let (near, mut far) = tokio::io::duplex(16);
        let mut near = WriteTimeout::within(near, LIMIT);
        let writing = async { near.write_all(&[0; 100]).await };
        let reading = async {
            let mut piece = [0; 10];
            for _ in 0..10 {
                advance(LIMIT - Duration::from_millis(1)).await;
                far.read_exact(&mut piece).await.unwrap();
            }
        };
        assert!(tokio::join!(writing, reading).0.is_ok());
        advance(10 * LIMIT).await;
        near.write_all(b"again").await.unwrap();
    }
}
