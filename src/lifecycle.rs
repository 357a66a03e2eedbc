//! How the process begins and ends: signals, the stdio service, the last writes.

use std::time::Duration;

use exai_engine::Engine;
#[cfg(unix)]
use exai_server::Credentials;
use exai_tools::ExaiServer;
use exai_transports::{
    jsonrpc::{Cause, ConnectionSettings, Lifecycle},
    stdio,
};
use tokio_util::sync::CancellationToken;

use crate::{App, config::Config, event_log};

/// How long runs and writes may take to settle after the service is over.
pub(crate) const SETTLE: Duration = Duration::from_millis(500);
/// The same when a handler did not return: the time for an orderly end is used up then.
const SETTLE_LATE: Duration = Duration::from_millis(80);

/// Exit codes of a process that a signal has ended, as shells tell them.
#[cfg(unix)]
const TERMINATED: i32 = 143;
const INTERRUPTED: i32 = 130;

/// Serves one client on standard input and output until it goes, or a signal comes.
///
/// # Errors
/// The handshake fails or the input cannot be read.
pub(crate) async fn serve_stdio(app: App, config: &Config) -> anyhow::Result<()> {
    let shutdown = CancellationToken::new();
    event_log::follow(app.engine.inference().events());
    cancel_on_signal(shutdown.clone());
    #[cfg(unix)]
    tokio::spawn(reload_on_signal(app.server.clone(), app.engine.clone(), None));
    let settings =
        ConnectionSettings { max_in_flight: config.limits.in_flight, ..ConnectionSettings::default() };
    let lifecycle = Lifecycle { shutdown, closing: app.closing.clone(), ..Lifecycle::default() };
    let service = stdio::serve(app.server.clone(), settings, lifecycle);
    let served = Box::pin(service).await;
    // Whatever still runs now was interrupted by the end of this process.
    app.closing.cancel();
    let late = served.as_ref().is_ok_and(|ended| ended.unanswered > 0);
    let settled = app.engine.settle(if late { SETTLE_LATE } else { SETTLE }).await;
    if !settled {
        tracing::warn!("some turns or runs could not be written before the end");
    }
    let ended = served?;
    tracing::debug!(cause = ?ended.cause, unanswered = ended.unanswered, "the service is over");
    if ended.cause == Cause::OutputClosed {
        tracing::info!("the client closed its end before its input was over");
    }
    Ok(())
}

/// Reads the configuration again at every SIGHUP, for what can change while the program runs: the tools that are shown, models and
/// language where a call says nothing. Calls under way keep what they began with.
#[cfg(unix)]
pub(crate) async fn reload_on_signal(server: ExaiServer, engine: Engine, keys: Option<Credentials>) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    while hangup.recv().await.is_some() {
        let config = match Config::load() {
            Ok(config) => config,
            Err(error) => {
                tracing::error!("the configuration cannot be read again: {error}");
                continue;
            }
        };
        for problem in config.problems.errors() {
            tracing::error!("configuration: {problem}");
        }
        if let Some(keys) = &keys {
            change_keys(keys, &config);
        }
        engine.prefer(config.preferences.clone());
        server.show(config.shown.clone()).await;
        tracing::info!(
            profile = config.shown.profile.as_str(),
            "the configuration was read again; providers, limits, folders and the database change only with a restart"
        );
    }
}

/// Lets in the clients of this configuration from now on, unless it cannot be sure who they are.
#[cfg(unix)]
fn change_keys(keys: &Credentials, config: &Config) {
    if !config.serve.shut.is_empty() {
        tracing::error!(
            "the keys in use stay, because others may be missing: {}",
            config.serve.shut.join("; ")
        );
        return;
    }
    match keys.replace(config.serve.keys.all()) {
        Ok((0, 0)) => {}
        Ok((added, removed)) => tracing::info!(added, removed, "the keys of clients have changed"),
        Err(error) => tracing::error!("the keys in use stay: {error}"),
    }
}

/// Cancels `token` at the first SIGTERM or SIGINT from now on, and ends the process at the second: whoever asks twice does not want to wait
/// for calls.
///
/// The signals are taken over before this returns: what a command starts next is never left behind by one that comes at once.
pub(crate) fn cancel_on_signal(token: CancellationToken) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
        let (Ok(mut terminate), Ok(mut interrupt)) = signals else { return };
        tokio::spawn(async move {
            let mut next = async || {
                tokio::select! {
                    _ = terminate.recv() => TERMINATED,
                    _ = interrupt.recv() => INTERRUPTED,
                }
            };
            next().await;
            token.cancel();
            end_now(next().await);
        });
    }
    #[cfg(not(unix))]
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            token.cancel();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            end_now(INTERRUPTED);
        }
    });
}

#[expect(clippy::disallowed_methods, reason = "destructors may wait for what should not be waited for")]
fn end_now(code: i32) -> ! {
    tracing::warn!("a second signal came: what is under way is cut off");
    crate::telemetry::flush();
    std::process::exit(code);
}
