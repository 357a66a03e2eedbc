//! Where folders cannot be opened one from the other, nothing is written.

use std::{
    io::{self, ErrorKind},
    path::Path,
};

/// A folder that this platform does not support.
pub(super) enum Folder {}

impl Folder {
    /// Always an error.
    pub(super) fn open(_path: &Path) -> io::Result<Self> {
        Err(io::Error::new(ErrorKind::Unsupported, "--write is not available on this platform"))
    }

    /// There is no such folder to ask.
    pub(super) fn has(&self, _path: &str) -> bool {
        match *self {}
    }

    /// There is no such folder to write into.
    pub(super) fn write(&self, _path: &str, _text: &str, _force: bool) -> io::Result<()> {
        match *self {}
    }
}
