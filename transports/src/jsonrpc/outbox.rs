//! What waits to be written, and the one task that writes it.

use std::io;

use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    sync::Notify,
};

/// A buffer above this is given back once it is written.
const KEEP: usize = 16 * 1024;

/// Messages on their way out, as lines.
///
/// All lines that are ready are written at once. Adding never waits, so that messages keep their order and nothing has to
/// be kept twice; a sender waits afterwards in [`Self::room`], and reading stops while too much is unwritten.
#[derive(Debug)]
pub(super) struct Outbox {
    high_water: usize,
    queue: Mutex<Queue>,
    /// For the writing task: there is something to write, or no more will come.
    filled: Notify,
    /// For everyone else: something was written.
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    pending: Vec<u8>,
    /// Bytes that the writing task has taken.
    writing: usize,
    closed: bool,
    broken: bool,
}

/// Why a message was not added.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The message has no JSON form.
    Unserialisable(serde_json::Error),
    /// Nothing is written any more.
    Closed,
}

impl Outbox {
    /// `high_water`: unwritten bytes above which senders wait.
    pub(super) fn new(high_water: usize) -> Self {
        Self { high_water, queue: Mutex::default(), filled: Notify::new(), emptied: Notify::new() }
    }

    /// Adds one message as one line.
    pub(super) fn push<T: Serialize>(&self, message: &T) -> Result<(), Refusal> {
        let mut queue = self.lock();
        if queue.closed || queue.broken {
            return Err(Refusal::Closed);
        }
        let before = queue.pending.len();
        if let Err(error) = serde_json::to_writer(&mut queue.pending, message) {
            queue.pending.truncate(before);
            return Err(Refusal::Unserialisable(error));
        }
        queue.pending.push(b'\n');
        drop(queue);
        self.filled.notify_one();
        Ok(())
    }

    /// Whether more is unwritten than should be.
    pub(super) fn is_full(&self) -> bool {
        let queue = self.lock();
        queue.pending.len() + queue.writing > self.high_water && !queue.broken
    }

    /// Waits until not too much is unwritten.
    ///
    /// # Errors
    /// The client reads no more.
    pub(super) async fn room(&self) -> io::Result<()> {
        loop {
            let emptied = self.emptied.notified();
            if self.lock().broken {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            if !self.is_full() {
                return Ok(());
            }
            emptied.await;
        }
    }

    /// Takes no more; the writing task ends when all is written.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
    }

    /// Writes until [`Self::close`], calling `written` after each batch.
    ///
    /// # Errors
    /// The client reads no more; what was unwritten is dropped and waiting senders fail.
    pub(super) async fn write_to(
        &self,
        mut writer: impl AsyncWrite + Unpin,
        written: impl Fn(),
    ) -> io::Result<()> {
        let mut batch = Vec::new();
        loop {
            let closed = {
                let mut queue = self.lock();
                std::mem::swap(&mut queue.pending, &mut batch);
                queue.writing = batch.len();
                queue.closed
            };
            if batch.is_empty() {
                if closed {
                    return Ok(());
                }
                self.filled.notified().await;
                continue;
            }
            let outcome = async {
                writer.write_all(&batch).await?;
                writer.flush().await
            };
            let outcome = outcome.await;
            batch.clear();
            if batch.capacity() > KEEP {
                batch = Vec::new();
            }
            {
                let mut queue = self.lock();
                queue.writing = 0;
                if outcome.is_err() {
                    queue.broken = true;
                    queue.pending = Vec::new();
                }
            }
            self.emptied.notify_waiters();
            written();
            outcome?;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// Lines that are ready are written together and in order.
    #[tokio::test]
    async fn ready_lines_are_written_together() {
        let outbox = Outbox::new(1000);
        for number in 0..100 {
            outbox.push(&number).unwrap();
        }
        outbox.close();
        assert!(matches!(outbox.push(&1), Err(Refusal::Closed)));
        let batches = std::cell::Cell::new(0);
        let mut out = Vec::new();
        outbox.write_to(&mut out, || batches.set(batches.get() + 1)).await.unwrap();
        let expected: String = (0..100).map(|number| format!("{number}\n")).collect();
        assert_eq!((String::from_utf8(out).unwrap(), batches.get()), (expected, 1));
    }

    #[tokio::test]
    async fn senders_wait_for_a_slow_client() {
        let outbox = Outbox::new(100);
        let (near, mut far) = tokio::io::duplex(10);
        outbox.push(&"x".repeat(200)).unwrap();
        assert!(outbox.is_full());
        let mut writing = Box::pin(outbox.write_to(near, || ()));
        assert!(writing.as_mut().now_or_never().is_none());
        let mut room = Box::pin(outbox.room());
        assert!(room.as_mut().now_or_never().is_none());
        let mut line = vec![0; 203];
        tokio::select! {
            read = far.read_exact(&mut line) => assert_eq!(read.unwrap(), 203),
            _ = writing.as_mut() => panic!("the outbox is not closed"),
        }
        assert!(writing.as_mut().now_or_never().is_none());
        room.await.unwrap();
    }

    #[tokio::test]
    async fn a_client_that_stopped_reading_is_noticed() {
        let outbox = Outbox::new(10);
        let (near, far) = tokio::io::duplex(10);
        drop(far);
        outbox.push(&"x".repeat(200)).unwrap();
        let mut room = Box::pin(outbox.room());
        assert!(room.as_mut().now_or_never().is_none());
        outbox.write_to(near, || ()).await.unwrap_err();
        room.await.unwrap_err();
        assert!(matches!(outbox.push(&1), Err(Refusal::Closed)));
        assert!(!outbox.is_full());
    }

    #[tokio::test]
    async fn an_unwritable_message_leaves_nothing_behind() {
        let outbox = Outbox::new(10);
        let broken = std::collections::HashMap::from([(vec![1], 1)]);
        assert!(matches!(outbox.push(&broken), Err(Refusal::Unserialisable(_))));
        outbox.push(&1).unwrap();
        outbox.close();
        let mut out = Vec::new();
        outbox.write_to(&mut out, || ()).await.unwrap();
        assert_eq!(out, b"1\n");
    }
}
