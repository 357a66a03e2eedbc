//! Why git could not say what has changed, in words that say what to do about it.

use std::time::Duration;

use exai_core::Kind;

/// A failure to read a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GitFailure {
    /// There is no git program.
    #[error(
        "git was not found on PATH. Install git, or save the diff to a file below the project and name it in relevant_files"
    )]
    NotInstalled,
    /// Git is older than the switches that make it safe to use.
    #[error(
        "git {0} is too old: 2.31 or later is needed to read a repository without running what its configuration names"
    )]
    TooOld(String),
    /// There is no repository around the folder, or around any root.
    #[error("path: {0}")]
    Outside(String),
    /// What is there cannot be used as a repository, or the folder is not there.
    #[error("path: {0}")]
    NotARepository(String),
    /// The repository lies elsewhere than the folders that may be read.
    #[error("path: {0}")]
    Forbidden(String),
    /// The index that the environment names is not one of the repository.
    #[error("GIT_INDEX_FILE: {0}")]
    Index(String),
    /// The repository belongs to another user.
    #[error(
        "path: git does not read {0}, because it belongs to another user. If you trust it, run: git config --global --add safe.directory {0}"
    )]
    OtherOwner(String),
    /// A revision that the repository does not know.
    #[error("compare_to: {0}")]
    BadRevision(String),
    /// A field has no usable value.
    #[error("{field}: {problem}")]
    BadField {
        /// The field's name on the wire.
        field: &'static str,
        /// What is wrong, what is expected.
        problem: String,
    },
    /// Git ended with an error of its own.
    #[error("git {command} failed: {message}")]
    Failed {
        /// The sub-command.
        command: String,
        /// The first line that it said.
        message: String,
    },
    /// Git was stopped.
    #[error(
        "git {command} took longer than {limit:?}; name a smaller folder in path, or raise limits.git_seconds"
    )]
    Slow {
        /// The sub-command.
        command: String,
        /// The limit.
        limit: Duration,
    },
    /// Git said more than is read.
    #[error("git {command} had more than {bytes} bytes to say; name a smaller folder in path")]
    TooMuch {
        /// The sub-command.
        command: String,
        /// The limit.
        bytes: u64,
    },
    /// The caller gave up.
    #[error("the call was cancelled")]
    Cancelled,
}

impl GitFailure {
    /// What the failure means for the next step.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::NotInstalled
            | Self::TooOld(_)
            | Self::Outside(_)
            | Self::NotARepository(_)
            | Self::BadRevision(_)
            | Self::BadField { .. }
            | Self::Failed { .. }
            | Self::TooMuch { .. } => Kind::InvalidInput,
            Self::Forbidden(_) | Self::Index(_) | Self::OtherOwner(_) => Kind::Forbidden,
            Self::Slow { .. } => Kind::Timeout,
            Self::Cancelled => Kind::Cancelled,
        }
    }
}
