//! A vendor of your own: everything that it takes to answer where the built-in vendors answer.
//!
//! Run it with `cargo run --example custom_provider`. Its model says every question backwards. Limits, retries, threads, the cache and
//! all tools are the server's; a provider makes one attempt and streams what it gets.
#![expect(clippy::disallowed_methods, reason = "prints what its own program says")]

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    sync::Arc,
};

use anyhow::Context as _;
use async_trait::async_trait;
use exai_core::{
    EndpointIdentity, Kind, ModelId, ProviderId,
    chat::{Delta, Finish, Part, Request, Usage},
    model::ModelSpec,
    provider::{CallCtx, Provider, ProviderError, ReplyStream},
};
use exai_mcp::{
    App, Config,
    config::{env, keys, layers::Layers},
};
use futures::{StreamExt as _, stream};
use rmcp::{ServiceExt as _, model::CallToolRequestParams};

/// Room of the pipe in each direction, in bytes.
const PIPE_BYTES: usize = 64 * 1024;

/// Says everything backwards.
struct Mirror {
    id: ProviderId,
    models: Arc<[ModelSpec]>,
}

impl Mirror {
    fn new() -> Self {
        let id = ProviderId::from("mirror");
        let model = ModelSpec::unknown(id.clone(), ModelId::from("backwards"), Some(32_000));
        Self { id, models: Arc::new([model]) }
    }
}

#[async_trait]
impl Provider for Mirror {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    /// Everything that decides who answers: for a vendor a hash of its address and key. There is only one mirror.
    fn identity(&self) -> EndpointIdentity {
        EndpointIdentity([0; 32])
    }

    fn models(&self) -> Arc<[ModelSpec]> {
        Arc::clone(&self.models)
    }

    fn accepts_unknown_models(&self) -> bool {
        false
    }

    fn is_vendor_endpoint(&self) -> bool {
        false
    }

    fn model(&self, name: &str) -> Option<ModelSpec> {
        self.models.iter().find(|model| model.is_called(name)).cloned()
    }

    /// One attempt. A failure before the answer begins is an error with the kind that decides what happens next.
    async fn chat(&self, request: &Request, call: &CallCtx) -> Result<ReplyStream, ProviderError> {
        if call.cancel.is_cancelled() {
            return Err(ProviderError::new(self.id.clone(), Kind::Cancelled, "nobody waits any more"));
        }
        let question = request.messages.last().and_then(|message| {
            message
                .parts
                .iter()
                .find_map(|part| if let Part::Text { text } = part { Some(text) } else { None })
        });
        let Some(question) = question else {
            return Err(ProviderError::new(self.id.clone(), Kind::UpstreamRejected, "there is no question"));
        };
        let answer: String = question.chars().rev().collect();
        let length = u64::try_from(question.len()).unwrap_or(u64::MAX);
        let usage = Usage { input_tokens: length, output_tokens: length, ..Usage::default() };
        let deltas = [Delta::Text(answer), Delta::Usage(usage), Delta::Finished(Finish::Stop)];
        Ok(stream::iter(deltas.map(Ok)).boxed())
    }

    async fn live_models(&self, _call: &CallCtx) -> Result<Vec<ModelId>, ProviderError> {
        Ok(self.models.iter().map(|model| model.id.clone()).collect())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let app = App::builder(&configuration(home.path())).provider(Arc::new(Mirror::new())).build()?;

    let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
    let server = tokio::spawn({
        let server = app.server.clone();
        async move { server.serve(theirs).await }
    });
    // `()` is a client that answers none of the server's questions.
    let client = ().serve(ours).await?;
    let server = server.await??;

    let question = serde_json::json!({"prompt": "parts of pools", "model": "mirror/backwards"});
    let arguments = question.as_object().cloned().unwrap_or_default();
    let answer = client.call_tool(CallToolRequestParams::new("chat").with_arguments(arguments)).await?;
    let text = answer.content.first().and_then(|block| block.as_text()).context("an answer is one text")?;
    let answer: serde_json::Value = serde_json::from_str(&text.text)?;
    writeln!(io::stdout(), "{} says: {}", answer["metadata"]["answered_by"], answer["content"])?;

    client.cancel().await?;
    server.cancel().await?;
    Ok(())
}

/// A configuration without an environment: files and database live in `home`.
fn configuration(home: &std::path::Path) -> Config {
    let folder = home.display().to_string();
    let mut layers =
        Layers::from_environment(BTreeMap::from([(env::EXAI_CONFIG_DIR.to_owned(), folder.clone())]));
    layers.set(&keys::DATA_DIR, folder);
    Config::read(layers, home)
}
