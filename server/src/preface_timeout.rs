//! A connection that has to say something soon. Before the first bytes it is not known which version of HTTP is spoken, and neither
//! version's own limits hold.

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
use tokio_util::task::task_tracker::TaskTrackerToken;

/// The length of the preface of HTTP/2 (RFC 9113, 3.4), by which the versions are told apart.
const ENOUGH: usize = 24;

/// Reads with a limit until enough was said, and without one after that.
pub(super) struct PrefaceTimeout<S> {
    socket: S,
    waiting: Option<(Pin<Box<Sleep>>, usize)>,
    /// Tells, as long as it is held, that this connection has not said anything.
    silent: Option<TaskTrackerToken>,
}

impl<S> PrefaceTimeout<S> {
    pub(super) fn within(socket: S, limit: Duration, silent: TaskTrackerToken) -> Self {
        Self { socket, waiting: Some((Box::pin(sleep(limit)), 0)), silent: Some(silent) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PrefaceTimeout<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(context, buffer);
        let Some((limit, heard)) = &mut self.waiting else { return read };
        match &read {
            Poll::Ready(_) => {
                *heard += buffer.filled().len() - before;
                if *heard >= ENOUGH {
                    self.waiting = None;
                    self.silent = None;
                }
                read
            }
            Poll::Pending if limit.as_mut().poll(context).is_ready() => {
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "nothing was said in time")))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PrefaceTimeout<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}
