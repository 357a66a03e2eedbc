//! A log in a file that stays small: when it is full, it becomes the old one, and a new one begins.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::PathBuf,
};

use exai_core::private;

/// The most bytes of a file; there are two.
const MOST: u64 = 8 * 1024 * 1024;

/// The log's file.
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    most: u64,
}

impl LogFile {
    /// Goes on with the file in this place.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        Self::with_most(path, MOST)
    }

    fn with_most(path: PathBuf, most: u64) -> io::Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            private::create_dir(folder)?;
        }
        let file = private::append(&path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { path, file, bytes, most })
    }

    /// The file becomes `PATH.1`. Where that is not possible, its text goes.
    fn turn(&mut self) -> io::Result<()> {
        let mut old = self.path.clone().into_os_string();
        old.push(".1");
        let turned = fs::rename(&self.path, old).and_then(|()| private::append(&self.path));
        match turned {
            Ok(file) => self.file = file,
            Err(_) => self.file.set_len(0)?,
        }
        self.bytes = 0;
        Ok(())
    }
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.bytes > 0 && self.bytes + line.len() as u64 > self.most {
            self.turn()?;
        }
        let written = self.file.write(line)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_small_files_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("logs/serve.log"), folder.path().join("logs/serve.log.1"));
        let mut log = LogFile::with_most(path.clone(), 100).unwrap();
        for number in 0..50 {
            writeln!(log, "line {number}").unwrap();
        }
        let text = |path: &PathBuf| fs::read_to_string(path).unwrap();
        assert!(text(&path).ends_with("line 49\n") && text(&path).len() <= 100);
        assert!(text(&old).len() <= 100 && !text(&old).contains("line 49"));
        drop(log);
        // The next one goes on there, also for its length.
        let before = text(&path);
        let mut log = LogFile::with_most(path.clone(), 100).unwrap();
        log.write_all(&[b'x'; 99]).unwrap();
        assert_eq!((text(&old), text(&path).len()), (before, 99));
    }

    #[cfg(unix)]
    #[test]
    fn others_cannot_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/serve.log");
        let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        drop(LogFile::open(path.clone()).unwrap());
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        drop(LogFile::open(path.clone()).unwrap());
        assert_eq!(mode(&path), 0o600, "one that was left by an older version");
    }
}
