//! Which process listens on an address: a note that each server leaves in the data folder, and what the system knows.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use exai_core::private;

/// What a server leaves about itself.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    pid: u32,
    address: String,
}

/// The note of this process; gone with it.
#[derive(Debug)]
pub struct Held(PathBuf);

impl Drop for Held {
    fn drop(&mut self) {
        // A program that reads a note that was left behind sees that its process has gone.
        drop(fs::remove_file(&self.0));
    }
}

/// Leaves a note. Without one another server can say less, that is all.
#[must_use]
pub fn leave_note(data: &Path, address: SocketAddr) -> Option<Held> {
    let (path, note) = (place(data, address), Note { pid: std::process::id(), address: address.to_string() });
    let written = path.parent().map_or(Ok(()), private::create_dir).and_then(|()| {
        let text = serde_json::to_vec(&note).map_err(io::Error::other)?;
        fs::write(&path, text)
    });
    match written {
        Ok(()) => Some(Held(path)),
        Err(error) => {
            tracing::debug!("no note of this server could be left: {error}");
            None
        }
    }
}

/// The process that listens on the address, in words: from the note of a server that still runs, or from the system.
#[must_use]
pub fn of(data: &Path, address: SocketAddr) -> Option<String> {
    let noted =
        fs::read(place(data, address)).ok().and_then(|text| serde_json::from_slice::<Note>(&text).ok());
    match noted.filter(|note| is_alive(note.pid)) {
        Some(note) => Some(format!("exai-mcp serve, process {}", note.pid)),
        None => system::owner(address),
    }
}

fn place(data: &Path, address: SocketAddr) -> PathBuf {
    data.join("servers").join(format!("{}.json", address.to_string().replace([':', '[', ']'], "_")))
}

fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| {
        // A process of another user is alive, too, although it may not be signalled.
        rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
    })
}

#[cfg(target_os = "linux")]
mod system {
    //! Linux: `/proc/net/tcp` has the inode of each listening socket, and the links in `/proc/PID/fd` name inodes (proc(5)).

    use std::{fs, net::SocketAddr};

    /// The state of a socket that listens.
    const LISTENING: &str = "0A";

    pub(super) fn owner(address: SocketAddr) -> Option<String> {
        let port = format!(":{:04X}", address.port());
        let tables =
            ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
        let inode = tables.iter().flat_map(|table| table.lines()).find_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let listens = fields.get(1)?.ends_with(&port) && *fields.get(3)? == LISTENING;
            listens.then(|| fields.get(9).map(|inode| format!("socket:[{inode}]")))?
        })?;
        let processes = fs::read_dir("/proc").ok()?.flatten();
        let owner = processes.filter(|process| {
            let Ok(open) = fs::read_dir(process.path().join("fd")) else { return false };
            open.flatten()
                .any(|file| fs::read_link(file.path()).is_ok_and(|link| link.as_os_str() == inode.as_str()))
        });
        let owner = owner
            .filter_map(|process| Some((process.file_name().into_string().ok()?, process.path())))
            .next()?;
        let name = fs::read_to_string(owner.1.join("comm")).unwrap_or_default();
        Some(format!("{}, process {}", name.trim(), owner.0))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    //! Elsewhere there is no file to read.

    use std::net::SocketAddr;

    pub(super) fn owner(_address: SocketAddr) -> Option<String> {
        None
    }
}
