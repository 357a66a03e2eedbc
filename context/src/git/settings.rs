//! How git is run.

use std::{path::PathBuf, time::Duration};

/// How git is run, and what it may take.
#[derive(Debug, Clone)]
pub struct GitSettings {
    /// Names and values of the variables that git may see: `PATH`, and where the user's own configuration lies. Without a `PATH`
    /// there is no git.
    pub environment: Vec<(String, String)>,
    /// The index to read instead of the usual one: git names it to the hooks of a commit in `GIT_INDEX_FILE`. It must lie in the git
    /// folder.
    pub index_file: Option<PathBuf>,
    /// The longest that one run of git may take.
    pub time_limit: Duration,
    /// The most bytes that are read of one run's output.
    pub max_output_bytes: u64,
    /// The most memory that one run of git may take of its own, in bytes: git reads some files of a repository whole, whatever their
    /// size. Linux only.
    pub max_memory_bytes: u64,
    /// The most changed files that are listed; the rest is counted.
    pub max_files: usize,
}

impl Default for GitSettings {
    fn default() -> Self {
        Self {
            environment: Vec::new(),
            index_file: None,
            time_limit: Duration::from_secs(30),
            max_output_bytes: 64 * 1024 * 1024,
            max_memory_bytes: 2 * 1024 * 1024 * 1024,
            max_files: 20_000,
        }
    }
}
