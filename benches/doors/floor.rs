//! The least that a server on the same SDK can do over HTTP: one tool that forwards the prompt, no thread, no run, no limits, no guard.

use axum::{Router, routing::any, serve::ListenerExt as _};
use rmcp::{
    ErrorData, ServerHandler,
    handler::server::{router::tool::ToolRouter, wrapper::Parameters},
    model::{CallToolResult, ContentBlock},
    schemars, tool, tool_handler, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
struct Prompt {
    prompt: String,
    #[serde(default)]
    model: Option<String>,
}

#[derive(Clone)]
struct Floor {
    router: ToolRouter<Self>,
    client: reqwest::Client,
    upstream: String,
}

#[tool_router]
impl Floor {
    #[tool(description = "Chat with a model")]
    async fn chat(&self, Parameters(asked): Parameters<Prompt>) -> Result<CallToolResult, ErrorData> {
        let broken = |error: reqwest::Error| ErrorData::internal_error(error.to_string(), None);
        let model = asked.model.as_deref().unwrap_or("mock-model");
        let body = json!({"model": model, "messages": [{"role": "user", "content": asked.prompt}]});
        let sent = self.client.post(format!("{}/chat/completions", self.upstream)).json(&body).send().await;
        let answer: Value = sent.map_err(broken)?.json().await.map_err(broken)?;
        let said = json!({"status": "success", "content": answer["choices"][0]["message"]["content"]});
        Ok(CallToolResult::success(vec![ContentBlock::text(said.to_string())]))
    }
}

#[tool_handler(router = self.router)]
impl ServerHandler for Floor {}

#[expect(clippy::disallowed_methods, reason = "the floor has a client of its own, without anything")]
fn client() -> reqwest::Client {
    reqwest::Client::new()
}

/// Serves until it is killed. `/bare` is a route without anything.
pub(crate) async fn serve(upstream: String) {
    let floor = Floor { router: Floor::tool_router(), client: client(), upstream };
    let service = StreamableHttpService::new(
        move || Ok(floor.clone()),
        std::sync::Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default().disable_allowed_hosts(),
    );
    let router = Router::new().nest_service("/mcp", service).route("/bare", any(async || "no"));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("floor listens on http://{}/mcp", listener.local_addr().expect("its address"));
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    axum::serve(listener, router).await.expect("it serves");
}
