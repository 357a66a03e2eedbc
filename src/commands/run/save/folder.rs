//! A folder that files are written into, and never outside it.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Write as _},
    path::{Component, Path},
};

use rustix::{
    fd::OwnedFd,
    fs::{AtFlags, Mode, OFlags},
    io::Errno,
};

/// Folders are opened one after the other and no link is followed, so that none leads out.
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// What a file has at the end of its name until it is complete.
const UNFINISHED: &str = ".exai-new";

/// An open folder.
pub(super) struct Folder(OwnedFd);

impl Folder {
    /// Opens a folder, and makes it when it is not there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(path, flags, Mode::empty())?))
    }

    /// Whether anything has this path.
    pub(super) fn has(&self, path: &str) -> bool {
        match self.parent(path, false) {
            Ok((folder, name)) => rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok(),
            Err(_) => false,
        }
    }

    /// Writes a file under another name in its folder and renames it when it is complete.
    pub(super) fn write(&self, path: &str, text: &str, force: bool) -> io::Result<()> {
        let (folder, name) = self.parent(path, true)?;
        let mut unfinished = name.to_owned();
        unfinished.push(UNFINISHED);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&folder, &unfinished, flags, Mode::from_raw_mode(0o666))?;
        let mut file = File::from(file);
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        let moved = if force {
            rustix::fs::renameat(&folder, &unfinished, &folder, name)
        } else {
            // A link cannot take the place of a file that has appeared meanwhile.
            rustix::fs::linkat(&folder, &unfinished, &folder, name, AtFlags::empty())
        };
        if moved.is_err() || !force {
            rustix::fs::unlinkat(&folder, &unfinished, AtFlags::empty())?;
        }
        Ok(moved?)
    }

    /// The folder of a file, opened part by part, and the file's name.
    fn parent<'p>(&self, path: &'p str, make: bool) -> io::Result<(OwnedFd, &'p OsStr)> {
        let names: Vec<&OsStr> = Path::new(path)
            .components()
            .filter_map(|part| if let Component::Normal(name) = part { Some(name) } else { None })
            .collect();
        let Some((name, folders)) = names.split_last() else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let mut at = self.0.try_clone()?;
        for folder in folders {
            if make {
                match rustix::fs::mkdirat(&at, *folder, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            at = rustix::fs::openat(&at, *folder, FOLDER, Mode::empty())?;
        }
        Ok((at, name))
    }
}
