//! A program that carries the server inside: configuration made in code, MCP over HTTP, and a route of its own behind the same guard
//! and the same key.
//!
//! Run it with `cargo run --example embed_server -- KEY`, a key of at least 16 characters. It prints its address; `GET /hello` there
//! greets a client that shows the key, and MCP is at `/mcp`. No setting comes from the environment and no vendor is asked: what is not set
//! has its default, and without an endpoint the tools answer from local inspection.
#![expect(clippy::disallowed_methods, reason = "prints what its own program says")]

#[path = "embed_server/serving.rs"]
mod serving;

use std::io::{self, Write as _};

use anyhow::Context as _;
use exai_mcp::{App, ServeMode};
use exai_server::{Lifecycle, Listener};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let key = std::env::args().nth(1).context("name the key that clients must show: embed_server KEY")?;
    let home = tempfile::tempdir()?;
    let config = serving::configuration(home.path());
    let app = App::builder(&config).serving(ServeMode::Network).build()?;

    let listener = Listener::tcp(TcpListener::bind("127.0.0.1:0").await?);
    writeln!(io::stdout(), "{}", listener.url("/hello")?)?;

    let lifecycle = Lifecycle { closing: app.closing.clone(), ..Lifecycle::default() };
    let shutdown = lifecycle.shutdown.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            shutdown.cancel();
        }
    });
    let drained = serving::server(&app, &config, &key, lifecycle)?.serve(listener).await;
    writeln!(io::stdout(), "requests that were cut short: {}", drained.cut_short)?;
    Ok(())
}
