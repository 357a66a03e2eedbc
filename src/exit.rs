//! What the exit code of a command says. `docs/errors.md` has the table.

use std::{fmt, process::ExitCode};

use exai_core::Kind;
use serde_json::Value;

/// A finding is at least as severe as `--fail-on` says, a check found something, or a command other than `run` failed.
pub(crate) const FINDINGS: u8 = 1;
/// The command line, an argument or a filter cannot be meant.
pub(crate) const WRONG_USAGE: u8 = 2;
/// The answer was not made, not read, or is not about everything that was asked for.
pub(crate) const NOT_MADE: u8 = 3;
/// Ended by Ctrl-C or SIGTERM; what shells report of a program that a SIGINT ends.
pub(crate) const INTERRUPTED: u8 = 130;

/// The exit code of a failure with this code: wrong usage where only the caller can put it right, otherwise there is no answer.
pub(crate) fn of_failure(code: &str) -> u8 {
    match Kind::ALL.into_iter().find(|kind| kind.code() == code) {
        Some(
            Kind::InvalidInput | Kind::NotFound | Kind::Forbidden | Kind::ModelNotFound | Kind::NotOffered,
        ) => WRONG_USAGE,
        _ => NOT_MADE,
    }
}

/// Whether a failure with this code is about what the call names, so that it comes again with the same arguments.
pub(crate) fn is_about_arguments(code: &str) -> bool {
    of_failure(code) == WRONG_USAGE || code == Kind::FileNotFound.code()
}

/// A tool that failed, as the error of a command.
#[derive(Debug)]
pub(crate) struct ToolFailed {
    code: String,
    message: String,
}

impl ToolFailed {
    /// From the answer of the tool.
    pub(crate) fn new(answer: &Value) -> Self {
        let text = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default();
        let (message, hint) = (text("message"), text("hint"));
        let message =
            [message, hint].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(". ");
        Self { code: text("code").to_owned(), message }
    }
}

impl fmt::Display for ToolFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ToolFailed {}

/// An argument or a filter that cannot be meant, as the error of a command.
#[derive(Debug)]
pub(crate) struct WrongUsage(pub String);

impl fmt::Display for WrongUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongUsage {}

/// A call that the user ended.
#[derive(Debug)]
pub(crate) struct Interrupted {
    /// The thread that keeps what was sent.
    pub thread: Option<String>,
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.thread {
            Some(thread) => write!(
                f,
                "interrupted; thread {thread} keeps what was sent: repeat the command with --continue {thread} to go on"
            ),
            None => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for Interrupted {}

/// The exit code of a command that failed; `otherwise` where the error says nothing of its kind.
pub(crate) fn of_error(error: &anyhow::Error, otherwise: u8) -> ExitCode {
    let code = if error.is::<Interrupted>() {
        INTERRUPTED
    } else if error.is::<WrongUsage>() {
        WRONG_USAGE
    } else if let Some(failed) = error.downcast_ref::<ToolFailed>() {
        of_failure(&failed.code)
    } else {
        otherwise
    };
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table in the documentation names every code of a failure in the row of its exit code.
    #[test]
    fn the_documentation_has_every_failure() {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md")).unwrap();
        let row = |code: u8| {
            let start = format!("| {code} |");
            text.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("no row {code}"))
        };
        for kind in Kind::ALL {
            let code = format!("`{}`", kind.code());
            let right = of_failure(kind.code());
            for other in [WRONG_USAGE, NOT_MADE] {
                assert_eq!(row(other).contains(&code), other == right, "{code} in row {other}");
            }
        }
        for code in [0, FINDINGS, INTERRUPTED] {
            row(code);
        }
    }
}
