//! Logs on stderr: text on a terminal, JSON otherwise. Never on stdout, which belongs to the protocol.

use tracing_subscriber::{
    EnvFilter, Layer as _, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

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

/// Starts logging.
pub(crate) fn start(config: &Config, telling: Telling) {
    let errors = config.problems.errors().iter().filter(|_| telling != Telling::Nothing);
    if telling != Telling::Log && config.log_filter == crate::config::keys::LOG_FILTER.default {
        errors.for_each(|error| tell(&format!("warning: configuration: {error}\n")));
        return;
    }
    let filter = EnvFilter::new(format!("{},{SDK_LIMIT}", config.log_filter));
    let json = match config.log_format {
        LogFormat::Auto => !terminal::is_err(),
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let layer = if json {
        fmt::layer().json().flatten_event(true).with_writer(terminal::err).boxed()
    } else {
        fmt::layer().with_ansi(terminal::is_err()).with_target(false).with_writer(terminal::err_lines).boxed()
    };
    // A program that embeds this crate may have its own subscriber, which then stays.
    if tracing_subscriber::registry().with(layer.with_filter(filter)).try_init().is_err() {
        return;
    }
    errors.for_each(|error| tracing::error!("configuration: {error}"));
    if telling != Telling::Nothing {
        config.problems.warnings().iter().for_each(|warning| tracing::warn!("configuration: {warning}"));
    }
}
