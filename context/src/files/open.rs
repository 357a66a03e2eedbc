//! Opens a file beneath a root so that nothing swapped in meanwhile can lead elsewhere: no component may be a symbolic link.

use std::fs::File;
use std::path::Path;

use super::rejection::Rejection;

/// Opens the regular file at a canonical path inside `root`. Never blocks on a pipe or a device.
///
/// The path is canonical, so a link on the way was put there after the check, and the open fails. That leaves no moment in
/// which the check and the open can disagree.
pub fn open_beneath(root: &Path, absolute: &Path) -> Result<File, Rejection> {
    let relative = absolute.strip_prefix(root).map_err(|_| Rejection::Link)?;
    let file = platform::open(root, relative)?;
    let metadata = file.metadata().map_err(|error| Rejection::from_io(&error))?;
    if !metadata.is_file() {
        return Err(Rejection::NotRegular(if metadata.is_dir() {
            "a folder"
        } else {
            "a pipe, socket or device"
        }));
    }
    Ok(file)
}

#[cfg(unix)]
mod platform {
    use std::fs::File;
    use std::path::{Component, Path};

    use rustix::fd::OwnedFd;
    use rustix::fs::{Mode, OFlags};
    use rustix::io::Errno;

    use super::Rejection;

    const FILE: OFlags = OFlags::RDONLY
        .union(OFlags::NONBLOCK)
        .union(OFlags::CLOEXEC)
        .union(OFlags::NOCTTY)
        .union(OFlags::NOFOLLOW);
    // Passing through a folder needs no right to list it.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const FOLDER: OFlags =
        OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const FOLDER: OFlags =
        OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);

    pub(super) fn open(root: &Path, relative: &Path) -> Result<File, Rejection> {
        let folder = rustix::fs::open(root, FOLDER, Mode::empty()).map_err(rejection)?;
        let opened = match open_at_once(&folder, relative) {
            // The kernel is older than 5.6, or a sandbox filters the call.
            Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => open_by_component(folder, relative),
            opened => opened,
        };
        let file = opened.map_err(rejection)?;
        refuse_kernel_file_systems(&file)?;
        Ok(File::from(file))
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn open_at_once(folder: &OwnedFd, relative: &Path) -> Result<OwnedFd, Errno> {
        use rustix::fs::ResolveFlags;

        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_SYMLINKS;
        rustix::fs::openat2(folder, relative, FILE, Mode::empty(), resolve)
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn open_at_once(_folder: &OwnedFd, _relative: &Path) -> Result<OwnedFd, Errno> {
        Err(Errno::NOSYS)
    }

    /// The same by hand: every component is opened from the handle of the one before and may not be a link.
    pub(super) fn open_by_component(folder: OwnedFd, relative: &Path) -> Result<OwnedFd, Errno> {
        let mut at = folder;
        let mut parts = relative.components().peekable();
        while let Some(part) = parts.next() {
            let Component::Normal(name) = part else { return Err(Errno::XDEV) };
            let flags = if parts.peek().is_some() { FOLDER } else { FILE };
            at = rustix::fs::openat(&at, name, flags, Mode::empty())?;
        }
        Ok(at)
    }

    /// `/proc` and `/sys` can be mounted anywhere.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn refuse_kernel_file_systems(file: &OwnedFd) -> Result<(), Rejection> {
        /// From `linux/magic.h`.
        const SYSFS_MAGIC: rustix::fs::FsWord = 0x6265_6572;

        let kind = rustix::fs::fstatfs(file).map_err(rejection)?.f_type;
        if kind == rustix::fs::PROC_SUPER_MAGIC || kind == SYSFS_MAGIC {
            return Err(Rejection::Denied("a file of the kernel or of a device"));
        }
        Ok(())
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn refuse_kernel_file_systems(_file: &OwnedFd) -> Result<(), Rejection> {
        Ok(())
    }

    fn rejection(error: Errno) -> Rejection {
        match error {
            // XDEV: left the root. LOOP and MLINK (BSD): a link. NOTDIR: with NOFOLLOW, a link in the place of a folder.
            Errno::XDEV | Errno::LOOP | Errno::MLINK | Errno::NOTDIR => Rejection::Link,
            // Opening a socket, or a device without a driver.
            Errno::NXIO | Errno::NODEV => Rejection::NotRegular("a pipe, socket or device"),
            error => Rejection::from_io(&error.into()),
        }
    }
}

#[cfg(not(unix))]
mod platform {
    use std::fs::File;
    use std::path::Path;

    use super::Rejection;

    /// Without handle-relative opening: opens, then resolves again, so a link that was swapped in and stayed is noticed.
    pub(super) fn open(root: &Path, relative: &Path) -> Result<File, Rejection> {
        let path = root.join(relative);
        let file = File::open(&path).map_err(|error| Rejection::from_io(&error))?;
        match std::fs::canonicalize(&path) {
            Ok(now) if now == path => Ok(file),
            _ => Err(Rejection::Link),
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree() -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        std::fs::create_dir_all(base.join("root/sub")).unwrap();
        std::fs::create_dir_all(base.join("outside")).unwrap();
        std::fs::write(base.join("root/sub/a.txt"), "inside").unwrap();
        std::fs::write(base.join("outside/a.txt"), "secret").unwrap();
        (dir, base)
    }

    fn by_component(root: &Path, relative: &str) -> Result<String, rustix::io::Errno> {
        use rustix::fs::{Mode, OFlags};
        let folder = rustix::fs::open(root, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
        let mut text = String::new();
        let mut file = File::from(platform::open_by_component(folder, Path::new(relative))?);
        file.read_to_string(&mut text).map_err(|_| rustix::io::Errno::IO)?;
        Ok(text)
    }

    #[test]
    fn both_ways_open_what_is_inside() {
        let (_dir, base) = tree();
        let mut text = String::new();
        open_beneath(&base.join("root"), &base.join("root/sub/a.txt"))
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "inside");
        assert_eq!(by_component(&base.join("root"), "sub/a.txt").unwrap(), "inside");
    }

    /// A link put in place after the check is not followed.
    #[test]
    fn a_late_link_is_not_followed() {
        let (_dir, base) = tree();
        let root = base.join("root");
        std::fs::remove_dir_all(root.join("sub")).unwrap();
        symlink(base.join("outside"), root.join("sub")).unwrap();
        assert_eq!(open_beneath(&root, &root.join("sub/a.txt")).unwrap_err(), Rejection::Link);
        assert!(by_component(&root, "sub/a.txt").is_err());
        symlink(base.join("outside/a.txt"), root.join("b.txt")).unwrap();
        assert_eq!(open_beneath(&root, &root.join("b.txt")).unwrap_err(), Rejection::Link);
        assert!(by_component(&root, "b.txt").is_err());
        assert!(by_component(&root, "../outside/a.txt").is_err());
    }

    #[test]
    fn a_kernel_file_is_refused_everywhere() {
        let refused = open_beneath(Path::new("/proc"), Path::new("/proc/version"));
        if cfg!(target_os = "linux") {
            assert!(matches!(refused, Err(Rejection::Denied(_))), "{refused:?}");
        }
    }
}
