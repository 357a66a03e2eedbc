//! What the tests share: a vendor, a project folder, and the program as a child process.

mod outside;
mod program;
mod raw;
mod reply;
mod repository;
mod served;
mod stored;
mod terminal;
mod tools;
mod upstream;

pub(crate) use program::{MODEL, Program, Setup, sample_project};
pub(crate) use raw::{Raw, discover_meta};
pub(crate) use reply::Reply;
pub(crate) use served::{Answered, CLIENT, Served, modern, read, tool_call};
pub(crate) use terminal::Terminal;
pub(crate) use tools::{FULL, LITE, STANDARD};
pub(crate) use upstream::{Upstream, expert_answer};

use std::time::Duration;

/// The longest that any wait may take before a test fails. Generous: the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for something that must happen, and fails by name when it does not.
pub(crate) async fn within<F: Future>(what: &str, work: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(output) => output,
        Err(_) => panic!("{what} did not happen within {PATIENCE:?}"),
    }
}

/// The most memory that a process has ever held, in MiB.
pub(crate) fn peak_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process is there");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("the kernel tells it");
    line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).expect("a number of kB")
        / 1024
}
