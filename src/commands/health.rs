//! `exai-mcp health`: the state of a running server, as an exit code.

use std::{fs, path::Path, process::ExitCode, time::Duration};

use anyhow::Context as _;
use exai_transports::Target;
use serde_json::Value;

use super::{print_json, serve::health_file::EVERY};
use crate::{cli::HealthArgs, config::Config, telemetry::complain};

/// The server runs but cannot do its work.
const NOT_READY: u8 = 1;
/// No server answers.
const UNREACHABLE: u8 = 2;

pub(crate) async fn run(args: &HealthArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let told = match &args.file {
        Some(path) => of_file(path),
        None => of_server(args.url.as_deref(), config).await,
    };
    let told = match told {
        Ok(told) => told,
        Err(error) => {
            complain(&error);
            return Ok(ExitCode::from(UNREACHABLE));
        }
    };
    print_json(&told)?;
    Ok(if told["status"] == "ready" { ExitCode::SUCCESS } else { ExitCode::from(NOT_READY) })
}

async fn of_server(url: Option<&str>, config: &Config) -> anyhow::Result<Value> {
    let address = url.map_or_else(|| Ok(config.serve.url()), |url| config.address(url));
    let address = address.map_err(anyhow::Error::msg)?;
    let target = Target::new(&address, config.serve.token.clone()).map_err(anyhow::Error::msg)?;
    let answer = target.get("/health").await?;
    serde_json::from_slice(&answer.body).with_context(|| {
        format!(
            "{} answers with HTTP {} and no health; is it an exai-mcp serve?",
            target.place(),
            answer.status
        )
    })
}

fn of_file(path: &Path) -> anyhow::Result<Value> {
    let text = fs::read(path).with_context(|| format!("{}: no server writes it", path.display()))?;
    let told =
        serde_json::from_slice(&text).with_context(|| format!("{}: no health file", path.display()))?;
    let age = fs::metadata(path)?.modified()?.elapsed().unwrap_or(Duration::ZERO);
    anyhow::ensure!(
        age <= EVERY * 3,
        "{} is {} s old, so its server has gone or stands still",
        path.display(),
        age.as_secs()
    );
    Ok(told)
}
