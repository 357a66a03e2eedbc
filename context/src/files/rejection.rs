//! Why a file that was offered is not given, in words that say what to do about it.

use std::path::Path;

use exai_core::Kind;

use crate::evidence::FileStatus;

/// Why a path that a caller named is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The text is not a path of this machine.
    #[error("{0}")]
    Malformed(String),
    /// It lies outside every root. Says the same whether or not the file exists.
    #[error(
        "outside the allowed folders ({0}); start the server in its folder, or add the folder to the configured roots"
    )]
    Outside(String),
    /// No folder is open at all.
    #[error("no folder is open to this server; start it in the project's folder, or configure a root")]
    NoRoots,
    /// A symbolic link on the way cannot be followed inside the roots, or was put there while the file was being opened.
    #[error("a symbolic link on the way leads outside the allowed folders, or nowhere")]
    Link,
    /// The name is one that holds secrets or machine state.
    #[error("refused: {0}")]
    Denied(&'static str),
    /// Neither a regular file nor a folder.
    #[error("refused: {0}, only regular files are read")]
    NotRegular(&'static str),
    /// There is nothing by this name inside the roots.
    #[error("not there")]
    NotThere,
    /// A file that an earlier turn named is gone.
    #[error("no longer there")]
    Vanished,
    /// The operating system does not let us read it.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// The content or the place makes it useless for a model.
    #[error("{0}")]
    Unsuitable(String),
    /// It is text, and nothing tells in which encoding.
    #[error("text in another encoding than UTF-8, and which one it is cannot be told; convert it to UTF-8")]
    OtherEncoding,
    /// Text of an encoding that is not read in parts, and too large to be read whole.
    #[error("text in {0} larger than {1} bytes, which is not read in parts; convert it to UTF-8")]
    LargeText(&'static str, u64),
    /// It does not fit any more.
    #[error("no room left in the token budget, it needs about {0} tokens; name a line range, or fewer files")]
    NoRoom(u32),
}

impl Rejection {
    /// What the report calls it: policy refuses, everything else is skipped.
    #[must_use]
    pub fn status(&self) -> FileStatus {
        match self {
            Self::Outside(_) | Self::NoRoots | Self::Link | Self::Denied(_) | Self::NotRegular(_) => {
                FileStatus::Refused
            }
            Self::Malformed(_)
            | Self::NotThere
            | Self::Vanished
            | Self::Unreadable(_)
            | Self::Unsuitable(_)
            | Self::OtherEncoding
            | Self::LargeText(..)
            | Self::NoRoom(_) => FileStatus::Skipped,
        }
    }

    /// Whether text is left out that the model should have seen, wherever the file was found. What is no text, or is held back by policy,
    /// only counts when it was named.
    pub(crate) fn leaves_out_text(&self) -> bool {
        match self {
            Self::NotThere
            | Self::Vanished
            | Self::Unreadable(_)
            | Self::OtherEncoding
            | Self::LargeText(..)
            | Self::NoRoom(_) => true,
            Self::Malformed(_)
            | Self::Outside(_)
            | Self::NoRoots
            | Self::Link
            | Self::Denied(_)
            | Self::NotRegular(_)
            | Self::Unsuitable(_) => false,
        }
    }

    /// The class of failure, for callers that cannot go on without the path.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Malformed(_) | Self::Unsuitable(_) | Self::OtherEncoding | Self::LargeText(..) => {
                Kind::InvalidInput
            }
            Self::NotThere | Self::Vanished => Kind::NotFound,
            Self::NoRoom(_) => Kind::ContextTooLong,
            Self::Unreadable(_)
            | Self::Outside(_)
            | Self::NoRoots
            | Self::Link
            | Self::Denied(_)
            | Self::NotRegular(_) => Kind::Forbidden,
        }
    }

    /// The operating system's word on a path that is known to lie inside a root.
    pub(crate) fn from_io(error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => Self::NotThere,
            std::io::ErrorKind::PermissionDenied => Self::Unreadable("permission denied".to_owned()),
            kind => Self::Unreadable(kind.to_string()),
        }
    }

    /// Names at most three of the roots, so that the caller sees what would have been allowed.
    pub(crate) fn outside<'a>(roots: impl IntoIterator<Item = &'a Path>) -> Self {
        let mut names: Vec<String> = roots.into_iter().map(|root| root.display().to_string()).collect();
        if names.is_empty() {
            return Self::NoRoots;
        }
        if names.len() > 3 {
            names.truncate(3);
            names.push("…".to_owned());
        }
        Self::Outside(names.join(", "))
    }
}
