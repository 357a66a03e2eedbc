//! What a failure of SQLite means: whether it passes, and what the user can do about it.

use std::{io, path::Path};

use exai_core::store::StoreError;

/// The causes that the store distinguishes. Codes: <https://www.sqlite.org/rescode.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Another connection holds the lock.
    Locked,
    /// No space is left.
    Full,
    /// The file or its folder cannot be opened or written.
    NoAccess,
    /// The disk or the operating system failed.
    Disk,
    /// The connection is gone, or none was free in time.
    Stopped,
    /// The content is damaged or is not a database.
    Damaged,
    /// The file belongs to another program, or to another version of this one.
    Incompatible,
    /// The statement itself; it fails again however often it is repeated.
    Statement,
}

impl Cause {
    /// The cause behind an error of the driver.
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => {
                // The low byte of an extended code is the primary code.
                let code = error.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or(1) & 0xff;
                match code {
                    5 | 6 | 15 => Self::Locked,
                    13 => Self::Full,
                    3 | 8 | 14 | 23 => Self::NoAccess,
                    7 | 9 | 10 => Self::Disk,
                    11 | 26 => Self::Damaged,
                    _ => Self::Statement,
                }
            }
            sqlx::Error::Io(_) => Self::NoAccess,
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Stopped,
            _ => Self::Statement,
        }
    }

    /// Whether the same work can succeed later without a change to it.
    pub(crate) fn passes(self) -> bool {
        match self {
            Self::Locked | Self::Full | Self::NoAccess | Self::Disk | Self::Stopped => true,
            Self::Damaged | Self::Incompatible | Self::Statement => false,
        }
    }
}

/// Why the database as a whole cannot be used.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) cause: Cause,
    pub(crate) reason: String,
    pub(crate) hint: String,
}

impl Fault {
    /// A failure of the driver at the database in `path`.
    pub(crate) fn of(path: &Path, error: &sqlx::Error) -> Self {
        let (cause, path) = (Cause::of(error), path.display());
        let hint = match cause {
            Cause::Locked => {
                format!("Close the program that keeps {path} locked; waiting writes follow by themselves.")
            }
            Cause::Full => format!("Free space on the disk of {path}; waiting writes follow by themselves."),
            Cause::NoAccess => {
                format!(
                    "Make {path} and its folder writable for this user, or name another folder in EXAI_DATA_DIR."
                )
            }
            Cause::Disk => format!("Check the disk and the memory behind {path}."),
            Cause::Stopped => "Try again; restart the server when it stays so.".to_owned(),
            Cause::Damaged => {
                format!(
                    "Put a backup in the place of {path}, or move the file away to begin a new one; it was left as it is."
                )
            }
            Cause::Incompatible | Cause::Statement => {
                format!("Look at the server's log, and at {path} with the sqlite3 program.")
            }
        };
        Self { cause, reason: error.to_string(), hint }
    }

    /// The file system refuses what is needed before SQLite can open `path`.
    pub(crate) fn file_system(path: &Path, error: &io::Error) -> Self {
        Self {
            cause: if error.kind() == io::ErrorKind::StorageFull { Cause::Full } else { Cause::NoAccess },
            reason: format!("{} cannot be created: {error}", path.display()),
            hint: format!(
                "Make the folder of {} writable for this user, or name another folder in EXAI_DATA_DIR.",
                path.display()
            ),
        }
    }

    /// The file is a database, but not one that this program may change.
    pub(crate) fn incompatible(path: &Path, reason: &str, hint: &str) -> Self {
        let path = path.display();
        Self { cause: Cause::Incompatible, reason: format!("{path} {reason}"), hint: hint.to_owned() }
    }

    /// As callers see it.
    pub(crate) fn to_error(&self) -> StoreError {
        // The kind that tells a full disk from everything else, whoever has noticed it.
        let source = (self.cause == Cause::Full).then(|| io::Error::from(io::ErrorKind::StorageFull).into());
        StoreError::Unavailable { reason: self.reason.clone(), hint: self.hint.clone(), source }
    }
}
