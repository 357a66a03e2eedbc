//! The subcommands, one file each, and how they print.

pub(crate) mod activity;
pub(crate) mod cache;
mod client;
pub(crate) mod config;
pub(crate) mod connect;
pub(crate) mod doctor;
pub(crate) mod health;
pub(crate) mod models;
mod plain;
pub(crate) mod prompts;
pub(crate) mod run;
pub(crate) mod serve;
pub(crate) mod status;
mod table;
pub(crate) mod threads;
pub(crate) mod tools;
pub(crate) mod usage;
pub(crate) mod version;

use std::io::{self, Write as _};

/// Prints to standard output. A reader that has gone away (`| head`) is no failure.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let newline: &[u8] = if text.ends_with('\n') { b"" } else { b"\n" };
    match out.write_all(text.as_bytes()).and_then(|()| out.write_all(newline)).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Prints a value as indented JSON.
pub(crate) fn print_json(value: &serde_json::Value) -> anyhow::Result<()> {
    Ok(print(&serde_json::to_string_pretty(value)?)?)
}
