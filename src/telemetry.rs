//! Logs on stderr: text on a terminal, JSON otherwise. Never on stdout, which belongs to the protocol.

mod lines;
mod log_file;

use std::{panic, path::Path, sync::OnceLock};

use anyhow::Context as _;
use tracing_subscriber::{
    EnvFilter, Layer as _, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use self::{lines::Lines, log_file::LogFile};
use crate::{
    config::{Config, LogFormat},
    terminal::{self, tell},
};

/// The SDK logs arguments and answers at its finer levels; they may hold secrets and are never written.
const SDK_LIMIT: &str = "rmcp=warn";

/// How a command tells of itself and of mistakes in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Telling {
    /// A server logs both.
    Log,
    /// A person or a pipeline reads standard error and gets the mistakes in one line each; nothing is logged unless the user sets a filter.
    Lines,
    /// The command's own output has the mistakes.
    Nothing,
}

/// The log of this process, once it was started.
static LOG: OnceLock<Lines> = OnceLock::new();

/// How many lines of the log were lost, because nobody read them in time.
pub(crate) fn dropped() -> u64 {
    LOG.get().map_or(0, Lines::dropped)
}

/// Says something that is no event, in its place among the lines of the log.
pub(crate) fn say(text: &str) {
    match LOG.get() {
        Some(log) => log.say(&terminal::shown_on_err(text)),
        None => tell(text),
    }
}

/// Says why a command failed.
pub(crate) fn complain(error: &anyhow::Error) {
    say(&format!("error: {error:#}\n"));
}

/// Waits for what was logged to be written, as long as somebody reads it.
pub(crate) fn flush() {
    if let Some(log) = LOG.get() {
        log.flush();
    }
}

/// Starts logging, to `file` instead of standard error where one is named.
///
/// # Errors
/// The file that the log should be written to cannot be opened.
pub(crate) fn start(config: &Config, telling: Telling, file: Option<&Path>) -> anyhow::Result<()> {
    let errors = config.problems.errors().iter().filter(|_| telling != Telling::Nothing);
    if telling != Telling::Log && config.log_filter == crate::config::keys::LOG_FILTER.default {
        errors.for_each(|error| tell(&format!("warning: configuration: {error}\n")));
        return Ok(());
    }
    let filter = EnvFilter::new(format!("{},{SDK_LIMIT}", config.log_filter));
    let is_terminal = file.is_none() && terminal::is_err();
    let json = match config.log_format {
        LogFormat::Auto => !is_terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let lines = match file {
        Some(path) => {
            let file = LogFile::open(path.to_owned());
            Lines::start(file.with_context(|| format!("the log cannot be written to {}", path.display()))?)
        }
        None => Lines::start(terminal::err()),
    };
    let log = LOG.get_or_init(|| lines);
    let layer = if json {
        let writer = || log.clone();
        fmt::layer().json().flatten_event(true).with_writer(writer).boxed()
    } else {
        let writer = move || terminal::log_lines(log.clone(), is_terminal);
        fmt::layer().with_ansi(is_terminal).with_target(false).with_writer(writer).boxed()
    };
    // A program that embeds this crate may have its own subscriber, which then stays.
    if tracing_subscriber::registry().with(layer.with_filter(filter)).try_init().is_err() {
        return Ok(());
    }
    // The usual hook writes to standard error itself, and would wait there for somebody to read.
    panic::set_hook(Box::new(|panic| tracing::error!("a thread panicked: {panic}")));
    errors.for_each(|error| tracing::error!("configuration: {error}"));
    if telling != Telling::Nothing {
        config.problems.warnings().iter().for_each(|warning| tracing::warn!("configuration: {warning}"));
    }
    Ok(())
}
