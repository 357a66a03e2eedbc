//! `exai-mcp connect`: connects a client that starts a program to a server that runs already.

use std::{
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use exai_core::private;
use exai_transports::{
    Target,
    bridge::{BridgeSettings, bridge},
};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{ConnectArgs, program},
    config::Config,
    lifecycle,
};

/// Where a server that was started here writes its log.
const LOG: &str = "serve.log";

pub(crate) async fn run(args: &ConnectArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let settings = BridgeSettings::default();
    let address = args.url.as_deref().map_or_else(|| Ok(config.serve.url()), |url| config.address(url));
    let address = address.map_err(anyhow::Error::msg)?;
    let target = Target::new(&address, config.serve.token.clone()).map_err(anyhow::Error::msg)?;
    let shutdown = CancellationToken::new();
    lifecycle::cancel_on_signal(shutdown.clone());
    let (spawn, listen, log) = (args.spawn, target.place(), config.places.data.join(LOG));
    let start = move || {
        if spawn && let Err(error) = start_server(&listen, &log) {
            tracing::error!("the server cannot be started: {error}");
        }
    };
    Box::pin(bridge(rmcp::transport::stdio_pipes(), target, settings, start, shutdown)).await?;
    Ok(ExitCode::SUCCESS)
}

/// Starts a server that outlives this process. When two clients do so at once, the second server finds the address taken and ends.
fn start_server(listen: &str, log: &Path) -> std::io::Result<()> {
    if let Some(folder) = log.parent() {
        private::create_dir(folder)?;
    }
    let mut command = Command::new(program());
    command.args(["serve", "--listen", listen, "--log-file"]).arg(log);
    // What it says before it has opened its log.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(private::append(log)?);
    // Ctrl-C in the client's terminal must not end it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn()?;
    tracing::info!(listen, "no server answers, so one was started");
    // Waited for, so that no dead process is left behind.
    std::thread::Builder::new().name("server".to_owned()).spawn(move || drop(child.wait()))?;
    Ok(())
}
