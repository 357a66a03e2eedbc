//! Words on their way to a terminal that may take none for a while.

use std::{
    io::{self, Write},
    sync::mpsc::{Receiver, Sender, channel},
    thread::JoinHandle,
};

/// Writes in a thread of its own. The command runs in one thread, which must go on reading the answer and hear signals while the terminal
/// stands still. What waits is at most one answer.
pub(super) struct BackgroundWriter {
    words: Option<Sender<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
}

impl BackgroundWriter {
    pub(super) fn new(out: impl Write + Send + 'static) -> Self {
        let (words, waiting) = channel();
        Self { words: Some(words), thread: Some(std::thread::spawn(move || write(&waiting, out))) }
    }
}

/// Until there is nothing more to come. A terminal that has gone away takes nothing more, and the rest is dropped.
fn write(waiting: &Receiver<Vec<u8>>, mut out: impl Write) {
    while let Ok(words) = waiting.recv() {
        if out.write_all(&words).and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

impl Write for BackgroundWriter {
    fn write(&mut self, words: &[u8]) -> io::Result<usize> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        self.words.as_ref().ok_or_else(gone)?.send(words.to_vec()).map_err(|_closed| gone())?;
        Ok(words.len())
    }

    /// The thread flushes after each write.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for BackgroundWriter {
    /// Waits until everything is out: what the command prints next comes behind it.
    fn drop(&mut self) {
        self.words = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A terminal that takes nothing until it is told to.
    struct Stopped {
        go_on: Receiver<()>,
        taken: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Stopped {
        fn write(&mut self, words: &[u8]) -> io::Result<usize> {
            let _told = self.go_on.recv();
            self.taken.lock().unwrap().extend_from_slice(words);
            Ok(words.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn stopped_terminals_hold_nobody_up() {
        let (go, go_on) = channel();
        let taken = Arc::<Mutex<Vec<u8>>>::default();
        let mut writer = BackgroundWriter::new(Stopped { go_on, taken: Arc::clone(&taken) });
        for word in ["one ", "two ", "three"] {
            writer.write_all(word.as_bytes()).unwrap();
        }
        assert_eq!(*taken.lock().unwrap(), b"", "nothing was waited for");
        drop(go);
        drop(writer);
        assert_eq!(*taken.lock().unwrap(), b"one two three");
    }
}
