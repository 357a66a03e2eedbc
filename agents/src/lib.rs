//! Other coding agents on this machine: which there are, how each is started without a shell and with a cleared environment, what it
//! printed, and why that is no answer.
//!
//! Knows no thread, no model and no MCP.

mod failure;
mod known;
mod output;
mod run;
mod settings;
mod verdict;

pub use failure::AgentFailure;
pub use known::{Agent, built_in};
pub use output::{Parser, Read};
pub use run::{Bounds, Ended, RunError, run};
pub use settings::ClinkSettings;
pub use verdict::failure;

/// Set for every agent that this program starts. A server that finds it set starts no further agents.
pub const DEPTH_VARIABLE: &str = "EXAI_CLINK_DEPTH";
/// Variables that most programs need, none of which is a secret. Agents also get those of the locale and of the desktop's folders
/// (`LC_…`, `XDG_…`).
pub const USUAL: [&str; 11] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "TZ",
    "TMPDIR",
    "USERPROFILE",
    "APPDATA",
    "SystemRoot",
];
