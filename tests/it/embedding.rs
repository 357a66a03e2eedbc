//! A program that carries the server inside, as the example does.

#[path = "../../examples/embed_server/serving.rs"]
mod serving;

use std::net::SocketAddr;

use exai_mcp::{App, ServeMode};
use exai_server::{Drained, Lifecycle, Listener};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::support::within;

const KEY: &str = "the-key-of-the-guest";

struct Embedded {
    address: SocketAddr,
    client: Client,
    lifecycle: Lifecycle,
    ended: JoinHandle<Drained>,
    _home: tempfile::TempDir,
}

impl Embedded {
    async fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let config = serving::configuration(home.path());
        let app = App::builder(&config).serving(ServeMode::Network).build().unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let lifecycle = Lifecycle { closing: app.closing.clone(), ..Lifecycle::default() };
        let server = serving::server(&app, &config, KEY, lifecycle.clone()).unwrap();
        let ended = tokio::spawn(server.serve(Listener::tcp(socket)));
        let client = Client::builder().no_proxy().build().unwrap();
        Self { address, client, lifecycle, ended, _home: home }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("http://{}{path}", self.address))
    }

    /// The status and the text of an answer.
    async fn ask(request: RequestBuilder) -> (StatusCode, String) {
        let answer = request.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }
}

/// A route of the program itself passes what MCP passes.
#[tokio::test]
async fn own_routes_pass_the_same_guard() {
    let embedded = Embedded::start().await;
    let (status, text) = Embedded::ask(embedded.get("/hello")).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{text}");
    let (status, text) = Embedded::ask(embedded.get("/hello").bearer_auth("no key of anyone")).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{text}");
    let with_key = || embedded.get("/hello").bearer_auth(KEY);
    assert_eq!(Embedded::ask(with_key()).await, (StatusCode::OK, "hello guest\n".to_owned()));
    for (header, value, code) in [
        ("host", "pages.example", "host_not_allowed"),
        ("origin", "https://pages.example", "origin_not_allowed"),
    ] {
        let (status, text) = Embedded::ask(with_key().header(header, value)).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{text}");
        assert!(text.contains(code), "{text}");
    }
    let named = with_key().header("x-request-id", "ours").send().await.unwrap();
    assert_eq!(named.headers()["x-request-id"], "ours");

    let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25",
        "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}});
    let post = || {
        let request = embedded.client.post(format!("http://{}/mcp", embedded.address));
        request.header("content-type", "application/json").body(hello.to_string())
    };
    let (status, text) = Embedded::ask(post()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{text}");
    let (status, text) = Embedded::ask(post().bearer_auth(KEY)).await;
    assert!(status == StatusCode::OK && text.contains("serverInfo"), "{status} {text}");

    embedded.lifecycle.shutdown.cancel();
    let drained = within("the end", embedded.ended).await.unwrap();
    assert_eq!(drained.cut_short, 0);
}
