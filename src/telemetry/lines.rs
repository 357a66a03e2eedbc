//! Log lines on their way to standard error. Whoever logs never waits: a program that starts this one may leave its standard error
//! unread, and a pipe takes 64 KB.
//!
//! tracing-appender has such a writer, too. It counts lines and not bytes, and prints to standard output, which belongs to the protocol,
//! when its queue is full at the end.

use std::{
    collections::VecDeque,
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};

/// The most bytes of lines that wait to be written.
const MOST: usize = 1024 * 1024;
/// How long the end waits for a reader that takes nothing.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long it waits at all.
const LONGEST: Duration = Duration::from_secs(1);

/// Takes lines and has another thread write them. Clones share everything.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// A line came.
    filled: Condvar,
    /// A line was written.
    written: Condvar,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<Box<[u8]>>,
    /// Their bytes, and those of the line that is being written.
    bytes: usize,
}

impl Lines {
    /// Begins to write to `out`. Without a thread for that, nothing is written, and every line counts as dropped once the queue is full.
    pub(super) fn start(mut out: impl Write + Send + 'static) -> Self {
        let lines = Self::default();
        let shared = Arc::clone(&lines.0);
        drop(std::thread::Builder::new().name("log".to_owned()).spawn(move || shared.write_to(&mut out)));
        lines
    }

    /// Takes a text as it is.
    pub(super) fn say(&self, text: &str) {
        self.0.push(text.as_bytes());
    }

    /// How many lines were lost: there was no room for them, or they could not be written.
    pub(super) fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// Waits until everything is written, as long as somebody reads it.
    pub(super) fn flush(&self) {
        let end = Instant::now() + LONGEST;
        let mut waiting = self.0.waiting.lock();
        while waiting.bytes > 0 && Instant::now() < end {
            if self.0.written.wait_for(&mut waiting, PATIENCE).timed_out() {
                return;
            }
        }
    }
}

impl Shared {
    fn push(&self, line: &[u8]) {
        let mut waiting = self.waiting.lock();
        if line.len() > MOST.saturating_sub(waiting.bytes) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.bytes += line.len();
        waiting.lines.push_back(line.into());
        self.filled.notify_one();
    }

    fn pop(&self) -> Box<[u8]> {
        let mut waiting = self.waiting.lock();
        loop {
            match waiting.lines.pop_front() {
                Some(line) => return line,
                None => self.filled.wait(&mut waiting),
            }
        }
    }

    fn write_to(&self, out: &mut impl Write) {
        let mut told = 0;
        loop {
            let line = self.pop();
            let is_written = out.write_all(&line).and_then(|()| out.flush()).is_ok();
            if !is_written {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
            let is_empty = {
                let mut waiting = self.waiting.lock();
                waiting.bytes -= line.len();
                self.written.notify_all();
                waiting.lines.is_empty()
            };
            // Whoever reads again learns that something is missing. While nobody does, this would only be lost as well, and be told of again.
            let dropped = self.dropped.load(Ordering::Relaxed);
            if is_written && is_empty && dropped > told {
                tracing::warn!(
                    lines = dropped - told,
                    "log lines were dropped, because they were not read in time"
                );
                told = dropped;
            }
        }
    }
}

impl Write for Lines {
    /// A whole line, as the formatters hand them over.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;

    /// Takes a line when the test says so.
    struct Slow(SyncSender<Vec<u8>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn unread() -> (Lines, Receiver<Vec<u8>>) {
        let (out, read) = sync_channel(0);
        (Lines::start(Slow(out)), read)
    }

    #[test]
    fn an_unread_log_is_bounded_and_counted() {
        let (mut lines, read) = unread();
        let line = vec![b'x'; 1024];
        for _ in 0..2 * MOST / line.len() {
            lines.write_all(&line).unwrap();
        }
        assert!(lines.0.waiting.lock().bytes <= MOST);
        assert_eq!(lines.dropped(), 1024);
        let begun = Instant::now();
        lines.flush();
        assert!(begun.elapsed() < LONGEST, "nobody reads, so the end does not wait");
        for _ in 0..MOST / line.len() {
            assert_eq!(read.recv().unwrap(), line);
        }
        lines.write_all(b"there is room again\n").unwrap();
        assert_eq!(read.recv().unwrap(), b"there is room again\n");
    }

    #[test]
    fn the_end_waits_for_a_reader() {
        let (mut lines, read) = unread();
        for _ in 0..100 {
            lines.write_all(b"one line\n").unwrap();
        }
        let reader = std::thread::spawn(move || read.iter().take(100).count());
        lines.flush();
        assert_eq!((reader.join().unwrap(), lines.dropped()), (100, 0));
    }

    #[test]
    fn what_cannot_be_written_is_counted() {
        let (mut lines, read) = unread();
        drop(read);
        lines.write_all(b"one line\n").unwrap();
        lines.flush();
        assert_eq!(lines.dropped(), 1);
    }
}
