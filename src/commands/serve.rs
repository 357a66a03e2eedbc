//! `exai-mcp serve`: the server for several clients at once, over HTTP.

use std::{io, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use async_trait::async_trait;
use exai_engine::Engine;
use exai_transports::http::{self, Health, HttpLifecycle};
use serde_json::{Value, json};
use tokio::net::{TcpListener, lookup_host};
use tokio_util::sync::CancellationToken;

use crate::{
    App,
    app::Door,
    cli::{ServeArgs, complain, tell},
    config::Config,
    lifecycle,
};

/// The exit code for an address that cannot be listened on.
const CANNOT_LISTEN: u8 = 2;

pub(crate) async fn run(args: &ServeArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let listen = args.listen.as_deref().unwrap_or(&config.serve.listen);
    let listener = match bind(listen, config).await {
        Ok(listener) => listener,
        Err(error) => {
            complain(&error);
            return Ok(ExitCode::from(CANNOT_LISTEN));
        }
    };
    let address = listener.local_addr()?;
    let app = App::build_for(config, Door::Network)?;
    let shutdown = CancellationToken::new();
    tokio::spawn(lifecycle::cancel_on_signal(shutdown.clone()));
    #[cfg(unix)]
    tokio::spawn(lifecycle::reload_on_signal(app.server.clone(), app.engine.clone()));
    tell(&format!("exai-mcp listens on http://{address}{}\n", http::MCP_PATH));
    let health = Arc::new(Condition { engine: app.engine.clone() });
    let stopping = HttpLifecycle { shutdown, closing: app.closing.clone() };
    let settings = config.serve.http.clone();
    let drained = Box::pin(http::serve(app.server.clone(), listener, health, settings, stopping)).await;
    if drained.cut_short > 0 {
        tracing::warn!(
            calls = drained.cut_short,
            "the time to finish was over; these calls were interrupted"
        );
    }
    if !app.engine.settle(lifecycle::SETTLE).await {
        tracing::warn!("some turns or runs could not be written before the end");
    }
    Ok(ExitCode::SUCCESS)
}

/// Listens, unless that would let others in without a key.
async fn bind(listen: &str, config: &Config) -> anyhow::Result<TcpListener> {
    let addresses: Vec<_> = lookup_host(listen)
        .await
        .with_context(|| {
            format!("`{listen}` is no address to listen on; write HOST:PORT, such as 127.0.0.1:3010")
        })?
        .collect();
    let open = addresses.iter().find(|address| !http::is_loopback(address));
    if let Some(address) = open
        && config.serve.http.credentials.is_empty()
    {
        anyhow::bail!(
            "{address} can be reached from other machines, and nobody would have to show a key: set EXAI_TOKEN (at least 16 \
             characters), or listen on 127.0.0.1"
        );
    }
    TcpListener::bind(&*addresses).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "{listen} is in use, perhaps by another exai-mcp serve; end that one, or choose another port with --listen"
        ),
        _ => anyhow::Error::new(error).context(format!("cannot listen on {listen}")),
    })
}

/// What monitors are told.
struct Condition {
    engine: Engine,
}

#[async_trait]
impl Health for Condition {
    async fn trouble(&self) -> Option<String> {
        let looked = self.engine.store().check().await;
        looked.err().map(|error| {
            tracing::warn!("the database is not usable: {error}");
            "the database cannot be read".to_owned()
        })
    }

    fn figures(&self) -> Value {
        let load = self.engine.load();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "providers": self.engine.models().providers().len(),
            "consultations": load.runs,
            "upstream_attempts": load.attempts.0,
            "unwritten": load.unwritten,
            "providers_left_alone": load.closed.len(),
        })
    }
}
