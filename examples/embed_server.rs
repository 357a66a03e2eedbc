//! A program that carries the server inside: configuration made in code, a client on the other end of a pipe in memory.
//!
//! Run it with `cargo run --example embed_server`. No setting comes from the environment and no vendor is asked: what is not set has
//! its default, and without an endpoint the tools answer from local inspection.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
};

use anyhow::Context as _;
use exai_mcp::{
    App, Config,
    config::{env, keys, layers::Layers},
};
use rmcp::{ServiceExt as _, model::CallToolRequestParams};

/// Room of the pipe in each direction, in bytes.
const PIPE_BYTES: usize = 64 * 1024;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let app = App::build(&configuration(home.path()))?;

    let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
    let server = tokio::spawn({
        let server = app.server.clone();
        async move { server.serve(theirs).await }
    });
    // `()` is a client that answers none of the server's questions.
    let client = ().serve(ours).await?;
    let server = server.await??;

    let answer = client.call_tool(CallToolRequestParams::new("version")).await?;
    let text = answer.content.first().and_then(|block| block.as_text()).context("an answer is one text")?;
    writeln!(io::stdout(), "{}", text.text)?;

    client.cancel().await?;
    server.cancel().await?;
    Ok(())
}

/// A configuration without an environment: files and database live in `home`, which is also the one readable folder.
fn configuration(home: &std::path::Path) -> Config {
    let folder = home.display().to_string();
    // The folder of the files is looked up before any file is read, so it is given as the environment would give it.
    let mut layers =
        Layers::from_environment(BTreeMap::from([(env::EXAI_CONFIG_DIR.to_owned(), folder.clone())]));
    layers.set(&keys::DATA_DIR, folder);
    layers.set(&keys::LOCALE, "English".to_owned());
    Config::read(layers, home)
}
