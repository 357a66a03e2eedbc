//! A program that is started to be tried, and ended with all that it has started itself.

use std::{process::Stdio, time::Duration};

use exai_core::process::Running;
use tokio::{
    io::AsyncReadExt as _,
    process::{ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// How long a program may take to end by itself when its input is closed, and again when it is told to end.
const GRACE: Duration = Duration::from_secs(3);
/// How many characters of a failing program's output are shown.
const SHOWN: usize = 600;

/// A program under trial.
pub(super) struct Trial {
    process: Running,
}

impl Trial {
    /// Starts it in a process group of its own.
    pub(super) fn start(mut command: Command) -> std::io::Result<Self> {
        adopt();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        Ok(Self { process: Running(command.spawn()?) })
    }

    /// Its input and output, once.
    pub(super) fn pipes(&mut self) -> Option<(ChildStdin, ChildStdout)> {
        self.process.0.stdin.take().zip(self.process.0.stdout.take())
    }

    /// Ends it: it may do so by itself first, then it is told to, then it is killed; and with it whatever it has left behind.
    pub(super) async fn end(mut self) {
        drop(self.pipes());
        if timeout(GRACE, self.process.0.wait()).await.is_err() {
            self.process.terminate();
            drop(timeout(GRACE, self.process.0.wait()).await);
        }
        // What is left of its group ends with this value.
        drop(self);
        end_orphans().await;
    }

    /// Ends it at once and returns what it said on standard error.
    pub(super) async fn last_words(&mut self) -> String {
        // The end closes the pipe, so that everything it said can be read.
        drop(self.process.0.kill().await);
        let mut said = Vec::new();
        if let Some(errors) = &mut self.process.0.stderr {
            drop(timeout(Duration::from_secs(1), errors.read_to_end(&mut said)).await);
        }
        let said = String::from_utf8_lossy(&said);
        let from = said.char_indices().rev().nth(SHOWN).map_or(0, |(at, _)| at);
        let shown = said.get(from..).unwrap_or_default().trim();
        if shown.is_empty() {
            String::new()
        } else {
            format!("; it said: {}", shown.replace('\n', "\n           "))
        }
    }
}

/// Makes this process the parent of what its children leave behind, such as a server that a bridge has started to outlive it. Only
/// Linux can do that; elsewhere the process group is what is ended.
fn adopt() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_child_subreaper(Some(rustix::process::getpid())) {
        tracing::debug!("what is started by others cannot be watched: {error}");
    }
}

#[cfg(not(target_os = "linux"))]
async fn end_orphans() {}

/// Ends every child that is left. Killing one may hand its own children over, so it goes on until there is none.
#[cfg(target_os = "linux")]
async fn end_orphans() {
    use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

    /// More generations than this are no server.
    const MOST: usize = 100;
    let tell = |pid: Pid, signal: Signal| {
        if let Err(error) = kill_process(pid, signal) {
            tracing::debug!("a process could not be signalled: {error}");
        }
    };
    for _ in 0..MOST {
        let Some(pid) = children().first().copied().and_then(Pid::from_raw) else { return };
        tell(pid, Signal::TERM);
        let ended = || tokio::task::spawn_blocking(move || waitpid(Some(pid), WaitOptions::empty()));
        let waiting = ended();
        if timeout(GRACE, waiting).await.is_err() {
            tell(pid, Signal::KILL);
            drop(timeout(GRACE, ended()).await);
        }
    }
}

/// The numbers of this process's children (proc(5), stat: the number, the name in brackets, the state, the parent).
#[cfg(target_os = "linux")]
fn children() -> Vec<i32> {
    let own = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|process| process.file_name().to_str()?.parse::<i32>().ok());
    let is_child = |number: &i32| {
        let about = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        let behind_name = about.rsplit_once(')').map_or("", |(_, rest)| rest);
        behind_name.split_whitespace().nth(1) == Some(own.as_str())
    };
    numbers.filter(is_child).collect()
}
