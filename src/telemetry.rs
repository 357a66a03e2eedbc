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

/// Starts logging. A filter that cannot be read is replaced by the default, and that is logged.
///
/// A `quiet` command logs nothing unless the user sets a filter: a person or a pipeline reads its standard error, and gets what is wrong with
/// the configuration in one line each.
pub(crate) fn start(config: &Config, quiet: bool) {
    if quiet && config.log_filter == crate::config::keys::LOG_FILTER.default {
        config.problems.errors().iter().for_each(|error| tell(&format!("warning: configuration: {error}\n")));
        return;
    }
    let wanted = config.log_filter.as_str();
    let (filter, bad) = match EnvFilter::try_new(format!("{wanted},{SDK_LIMIT}")) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(format!("info,{SDK_LIMIT}")), Some(error.to_string())),
    };
    let json = match config.log_format {
        LogFormat::Auto => !terminal::is_err(),
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let layer = if json {
        fmt::layer().json().flatten_event(true).with_writer(terminal::err).boxed()
    } else {
        fmt::layer().with_ansi(terminal::is_err()).with_target(false).with_writer(terminal::err).boxed()
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
