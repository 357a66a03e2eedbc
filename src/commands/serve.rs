//! `exai-mcp serve`: the server for several clients at once, over HTTP.

mod announcement;
mod bind;
pub(crate) mod health_file;
mod metrics;

use std::{process::ExitCode, sync::Arc, time::Duration};

use exai_server::{Health, Lifecycle, Server, Tls, descriptors};
use exai_transports::http;
use tokio_util::sync::CancellationToken;

use self::{
    announcement::{Door, announcement},
    bind::Bound,
    metrics::Metrics,
};
use crate::{
    App,
    app::ServeMode,
    cli::ServeArgs,
    config::Config,
    event_log, lifecycle,
    telemetry::{self, complain},
};

/// The exit code for a server that does not start: its address cannot be used, or a key that is configured.
const CANNOT_LISTEN: u8 = 2;
/// How often the certificate's files are looked at.
const CERTIFICATE_EVERY: Duration = Duration::from_secs(60);

pub(crate) async fn run(args: &ServeArgs, config: &Config) -> anyhow::Result<ExitCode> {
    if !config.serve.shut.is_empty() {
        complain(&anyhow::anyhow!(
            "the server does not start, because a key that clients must show may be missing:\n  {}\nCorrect this, then start it again. \
             exai-mcp config check shows all that is wrong",
            config.serve.shut.join("\n  ")
        ));
        return Ok(ExitCode::from(CANNOT_LISTEN));
    }
    let mut settings = descriptors::fit(config.serve.server.clone());
    let Bound { listener, tls, left } = match bind::bind(args, config).await {
        Ok(bound) => bound,
        Err(error) => {
            complain(&error);
            return Ok(ExitCode::from(CANNOT_LISTEN));
        }
    };
    let url = listener.url(http::MCP_PATH)?;
    let app = App::builder(config).serving(ServeMode::Network).build()?;
    settings.events = Arc::clone(app.engine.inference().events());
    event_log::follow(&settings.events);
    let shutdown = CancellationToken::new();
    lifecycle::cancel_on_signal(shutdown.clone());
    #[cfg(unix)]
    tokio::spawn(lifecycle::reload_on_signal(
        app.server.clone(),
        app.engine.clone(),
        Some(config.serve.keys.clone()),
    ));
    let about = announcement(config, &app, &Door::of(&url, listener.is_local(), tls.is_some()));
    telemetry::say(&format!("exai-mcp listens on {url}\n{about}"));
    let health: Arc<dyn Health> = Arc::new(Metrics::new(app.engine.clone(), &config.places.data));
    let kept = args.health_file.clone().map(|path| {
        tokio::spawn(health_file::keep(path, url.clone(), Arc::clone(&health), shutdown.clone()))
    });
    tokio::spawn(upkeep(Arc::clone(&health), shutdown.clone()));
    if let Some(tls) = tls {
        tokio::spawn(renew(tls, shutdown.clone()));
    }
    notify(true);
    let stopping = Lifecycle { shutdown: shutdown.clone(), closing: app.closing.clone() };
    let server = Server::new(settings, health, stopping);
    let server = http::mount(server, app.server.clone(), &config.serve.mcp);
    tokio::spawn(async move {
        shutdown.cancelled().await;
        notify(false);
    });
    let drained = Box::pin(server.serve(listener)).await;
    if drained.cut_short > 0 {
        tracing::warn!(
            calls = drained.cut_short,
            "the time to finish was over; these calls were interrupted"
        );
    }
    if !app.engine.settle(lifecycle::SETTLE).await {
        tracing::warn!("some turns or runs could not be written before the end");
    }
    if let Some(kept) = kept {
        drop(kept.await);
    }
    drop(left);
    Ok(ExitCode::SUCCESS)
}

/// Tells the service manager, if there is one, that the server takes calls, or no more (sd_notify(3)).
fn notify(ready: bool) {
    #[cfg(unix)]
    {
        let state = if ready { sd_notify::NotifyState::Ready } else { sd_notify::NotifyState::Stopping };
        if let Err(error) = sd_notify::notify(&[state]) {
            tracing::debug!("the service manager cannot be notified: {error}");
        }
    }
    #[cfg(not(unix))]
    let _ = ready;
}

/// Keeps what is measured small also when no monitor reads it.
async fn upkeep(health: Arc<dyn Health>, end: CancellationToken) {
    let mut ticks = tokio::time::interval(metrics::UPKEEP);
    while end.run_until_cancelled(ticks.tick()).await.is_some() {
        drop(health.metrics());
    }
}

/// Takes over a certificate that was renewed.
async fn renew(tls: Tls, end: CancellationToken) {
    let mut ticks = tokio::time::interval(CERTIFICATE_EVERY);
    #[cfg(unix)]
    let mut hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok();
    loop {
        #[cfg(unix)]
        let asked = async {
            match &mut hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        #[cfg(not(unix))]
        let asked = std::future::pending::<()>();
        tokio::select! {
            _ = ticks.tick() => {}
            _ = asked => {}
            () = end.cancelled() => return,
        }
        match tls.reload() {
            Ok(true) => tracing::info!("the certificate was read again"),
            Ok(false) => {}
            Err(error) => tracing::error!("the certificate in use stays: {error}"),
        }
    }
}
