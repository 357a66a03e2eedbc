//! The vendor's end of a connection, and the way to break it from outside the HTTP layer.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use futures::task::AtomicWaker;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// Breaks one connection. Clones are the same line.
#[derive(Clone)]
pub(crate) struct Line(Arc<State>);

#[derive(Default)]
struct State {
    broken: AtomicBool,
    /// hyper drives a connection from one task, so one waker is enough for both directions.
    task: AtomicWaker,
    /// Told every time the HTTP layer has handed all it had to the socket.
    flushed: Notify,
}

/// Every open connection of a vendor.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<Weak<State>>>>);

/// Accepts connections and keeps hold of them.
pub(crate) struct Door {
    listener: TcpListener,
    lines: Lines,
}

/// A socket that fails once its line is broken.
pub(crate) struct Wire {
    socket: TcpStream,
    line: Line,
}

// === impl Line ===

impl Line {
    /// Closes the connection: the HTTP layer sees an error and drops the socket.
    pub(crate) fn hang_up(&self) {
        self.0.hang_up();
    }

    /// Waits until everything written so far is with the socket.
    pub(crate) async fn flushed(&self) {
        self.0.flushed.notified().await;
    }

    fn check(&self, cx: &Context<'_>) -> io::Result<()> {
        self.0.task.register(cx.waker());
        if self.0.broken.load(Ordering::Acquire) {
            Err(io::ErrorKind::ConnectionAborted.into())
        } else {
            Ok(())
        }
    }
}

impl State {
    fn hang_up(&self) {
        self.broken.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl Connected<IncomingStream<'_, Door>> for Line {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().line.clone()
    }
}

// === impl Lines ===

impl Lines {
    pub(crate) fn hang_up(&self) {
        for line in self.lock().drain(..) {
            if let Some(line) = line.upgrade() {
                line.hang_up();
            }
        }
    }

    fn add(&self) -> Line {
        let state = Arc::new(State::default());
        let mut lines = self.lock();
        lines.retain(|line| line.strong_count() > 0);
        lines.push(Arc::downgrade(&state));
        Line(state)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Weak<State>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Door ===

impl Door {
    pub(crate) fn new(listener: TcpListener, lines: Lines) -> Self {
        Self { listener, lines }
    }
}

impl Listener for Door {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        loop {
            let (socket, peer) = Listener::accept(&mut self.listener).await;
            // Without it small pieces wait for an acknowledgement; a socket that refuses is already dead.
            if socket.set_nodelay(true).is_ok() {
                return (Wire { socket, line: self.lines.add() }, peer);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

// === impl Wire ===

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.line.check(cx)?;
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.line.check(cx)?;
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.line.check(cx)?;
        Pin::new(&mut self.socket).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper flushes the socket only when its own buffer is empty, and does so whenever a body is not ready.
        let done = Pin::new(&mut self.socket).poll_flush(cx);
        if done.is_ready() {
            self.line.0.flushed.notify_waiters();
        }
        done
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
