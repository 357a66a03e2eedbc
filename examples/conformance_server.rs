//! The server that the official conformance suite is run against: the tools, prompts and resources that its scenarios name, behind the
//! same transports and the same guard as the product.
//!
//! Run it with `cargo run --example conformance_server -- --listen 127.0.0.1:3111`, then the suite with
//! `npx @modelcontextprotocol/conformance@0.2.0-alpha.12 server --url http://127.0.0.1:3111/mcp --requirements 2025-11-25`, and once more
//! with `--requirements 2026-07-28`. `--no-sessions` serves each request on its own. What the fixtures have to say is described with
//! each scenario: <https://github.com/modelcontextprotocol/conformance/tree/main/src/scenarios/server>.
#![expect(clippy::disallowed_methods, reason = "prints what its own program says")]
#![expect(deprecated, reason = "logging, which the suite asks of the older revisions, ends with them")]

#[path = "conformance_server/asking.rs"]
mod asking;
#[path = "conformance_server/content.rs"]
mod content;
#[path = "conformance_server/input_required.rs"]
mod input_required;
#[path = "conformance_server/prompts.rs"]
mod prompts;
#[path = "conformance_server/resources.rs"]
mod resources;
#[path = "conformance_server/server.rs"]
mod server;
#[path = "conformance_server/tools.rs"]
mod tools;

use std::{
    io::{self, Write as _},
    sync::Arc,
};

use anyhow::Context as _;
use async_trait::async_trait;
use exai_server::{
    Health, Lifecycle, Listener, LocalRates, RateLimits, Server, ServerSettings, SessionLimits, Trouble,
};
use exai_transports::http::{self, McpSettings};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use self::server::Fixtures;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (listen, sessions) = arguments(std::env::args().skip(1))?;
    let socket = TcpListener::bind(&listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let listener = Listener::tcp(socket);
    // Scripts wait for this line and take the port from it.
    writeln!(io::stdout(), "{}", listener.url(http::MCP_PATH)?)?;
    // The suite makes hundreds of calls a second.
    let rate = LocalRates::new(RateLimits { all: 0, each: 0 });
    let settings = ServerSettings { rate: Arc::new(rate), ..ServerSettings::default() };
    let mut mcp = McpSettings::default();
    if !sessions {
        mcp.sessions = SessionLimits { all: 0, each: 0 };
    }
    let lifecycle = Lifecycle::default();
    let shutdown = lifecycle.shutdown.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            shutdown.cancel();
        }
    });
    let server = Server::new(settings, Arc::new(AlwaysWell), lifecycle);
    http::mount(server, Fixtures::new(), &mcp).serve(listener).await;
    Ok(())
}

/// Where to listen, and whether the older revisions get sessions.
fn arguments(mut given: impl Iterator<Item = String>) -> anyhow::Result<(String, bool)> {
    let (mut listen, mut sessions) = ("127.0.0.1:0".to_owned(), true);
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--listen" => listen = given.next().context("--listen needs HOST:PORT")?,
            "--no-sessions" => sessions = false,
            other => anyhow::bail!("{other} is not known; there are --listen HOST:PORT and --no-sessions"),
        }
    }
    Ok((listen, sessions))
}

/// There is no database that could fail.
struct AlwaysWell;

#[async_trait]
impl Health for AlwaysWell {
    async fn trouble(&self) -> Option<Trouble> {
        None
    }

    fn figures(&self) -> Value {
        json!({})
    }
}
