//! Logs on stderr: text on a terminal, JSON otherwise. Never on stdout, which belongs to the protocol.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::{
    EnvFilter, Layer as _, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::config::{Config, LogFormat};

/// The SDK logs arguments and answers at its finer levels; they may hold secrets and are never written.
const SDK_LIMIT: &str = "rmcp=warn";

/// Starts logging. A filter that cannot be read is replaced by the default, and that is logged.
pub(crate) fn start(config: &Config, quiet: bool) {
    let wanted = if quiet && config.log_filter == crate::config::keys::LOG_FILTER.default {
        // Progress and findings are what a person at a terminal wants to see.
        "error"
    } else {
        config.log_filter.as_str()
    };
    let (filter, bad) = match EnvFilter::try_new(format!("{wanted},{SDK_LIMIT}")) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(format!("info,{SDK_LIMIT}")), Some(error.to_string())),
    };
    let json = match config.log_format {
        LogFormat::Auto => !io::stderr().is_terminal(),
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let layer = if json {
        fmt::layer().json().flatten_event(true).with_writer(io::stderr).boxed()
    } else {
        fmt::layer().with_ansi(io::stderr().is_terminal()).with_target(false).with_writer(io::stderr).boxed()
    };
    // A program that embeds this crate may have its own subscriber, which then stays.
    if tracing_subscriber::registry().with(layer.with_filter(filter)).try_init().is_err() {
        return;
    }
    if let Some(error) = bad {
        tracing::warn!("log.filter cannot be read ({error}); logging at info");
    }
    for error in config.problems.errors() {
        tracing::error!("configuration: {error}");
    }
    for warning in config.problems.warnings() {
        tracing::warn!("configuration: {warning}");
    }
}
