//! Child processes: found on the search path, read up to a limit, and ended with all that they have started.

use std::path::{Path, PathBuf};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::Child,
};

/// The absolute folders of `PATH` in an environment. A relative one would be looked up in the project.
pub fn folders(environment: &[(String, String)]) -> Vec<PathBuf> {
    let path = environment.iter().find(|(name, _)| name == "PATH");
    path.map(|(_, folders)| std::env::split_paths(folders).filter(|folder| folder.is_absolute()).collect())
        .unwrap_or_default()
}

/// The executable of this name in the first folder that has it.
pub fn find(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    folders.iter().map(|folder| folder.join(&file)).find(|program| is_executable(program))
}

/// Reads to the end or to the limit, and says whether there was more.
pub async fn read_at_most(
    pipe: Option<impl AsyncRead + Unpin>,
    most: u64,
) -> std::io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(most.saturating_add(1)).read_to_end(&mut bytes).await?;
    }
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let cut = bytes.len() > most;
    bytes.truncate(most);
    Ok((bytes, cut))
}

/// A process whose group dies with this value.
pub struct Running(pub Child);

impl Running {
    /// Keeps the process from taking more memory of its own than this. Files that it maps do not count. Only Linux can do this from
    /// outside.
    pub fn bound_memory(&self, bytes: u64) {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            use rustix::process::{Pid, Resource, Rlimit, prlimit};

            let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
            let id = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
            // Without a number this process itself would be meant; one that has ended needs no limit.
            let Some(id) = id else { return };
            if let Err(error) = prlimit(Some(id), Resource::Data, limit) {
                tracing::debug!("the memory of a process could not be bounded: {error}");
            }
        }
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let _ = bytes;
    }

    /// Asks the process and all it has started to end.
    pub fn terminate(&self) {
        #[cfg(unix)]
        self.signal(rustix::process::Signal::TERM);
    }

    #[cfg(unix)]
    fn signal(&self, signal: rustix::process::Signal) {
        // `id` is empty once the process was waited for, and then its number may belong to another process.
        let id = self.0.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = id.and_then(rustix::process::Pid::from_raw) {
            // It may have ended by itself in this moment.
            if let Err(error) = rustix::process::kill_process_group(group, signal) {
                tracing::debug!("a process could not be signalled: {error}");
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        #[cfg(unix)]
        self.signal(rustix::process::Signal::KILL);
    }
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}
