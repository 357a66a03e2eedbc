//! The door over real sockets, with a handler that does nothing: what the bounds do when somebody leans on them.

mod connections;

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use exai_core::{
    Principal,
    auth::{AuthError, Authenticator, PresentedKey},
};
use exai_server::{
    Credential, Credentials, Drained, Health, Lifecycle, Listener, ServerSettings, StrangerLimits,
};
use rmcp::ServerHandler;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::*;

#[derive(Clone)]
struct Nothing;

impl ServerHandler for Nothing {}

struct Well;

#[async_trait]
impl Health for Well {
    async fn trouble(&self) -> Option<String> {
        None
    }

    fn figures(&self) -> Value {
        json!({})
    }
}

struct Open {
    address: SocketAddr,
    lifecycle: Lifecycle,
    ended: JoinHandle<Drained>,
}

async fn open(settings: ServerSettings) -> Open {
    open_for(Nothing, settings, McpSettings::default()).await
}

/// For two sessions.
async fn open_for_two() -> Open {
    let sessions = SessionLimits { all: 2, each: 2 };
    let mcp = McpSettings { sessions, ..McpSettings::default() };
    open_for(Nothing, ServerSettings::default(), mcp).await
}

async fn open_for<H>(handler: H, settings: ServerSettings, mcp: McpSettings) -> Open
where
    H: ServerHandler + Clone + Send + Sync + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let lifecycle = Lifecycle::default();
    let server = mount(Server::new(settings, Arc::new(Well), lifecycle.clone()), handler, &mcp);
    let ended = tokio::spawn(server.serve(Listener::tcp(listener)));
    Open { address, lifecycle, ended }
}

impl Open {
    async fn ask(&self, request: &str) -> io::Result<String> {
        let mut socket = TcpStream::connect(self.address).await?;
        socket.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    async fn post(&self, path: &str, body: &str) -> String {
        self.post_with(path, "", body).await
    }

    /// With further lines in the head.
    async fn post_with(&self, path: &str, more: &str, body: &str) -> String {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\naccept: */*\r\n{more}content-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        self.ask(&(head + body)).await.unwrap()
    }

    async fn hello(&self) -> String {
        self.post(MCP_PATH, &hello("2025-11-25")).await
    }

    async fn end(self) -> Drained {
        self.lifecycle.shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.ended).await.expect("it ends").unwrap()
    }
}

fn hello(revision: &str) -> String {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": revision,
        "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}})
    .to_string()
}

fn live(address: SocketAddr) -> String {
    format!("GET /health/live HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")
}

#[tokio::test]
async fn a_head_that_does_not_come_costs_its_connection_and_nobody_else() {
    let door =
        open(ServerSettings { header_wait: Duration::from_millis(100), ..ServerSettings::default() }).await;
    // In the middle of a head, in the middle of what tells the versions apart, and before the first byte.
    for said in ["GET /health/live HTTP/1.1\r\nhost: loc", "PRI * HT", ""] {
        let mut slow = TcpStream::connect(door.address).await.unwrap();
        slow.write_all(said.as_bytes()).await.unwrap();
        assert!(door.ask(&live(door.address)).await.unwrap().starts_with("HTTP/1.1 200"));
        let mut rest = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(10), slow.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "the connection is closed after {said:?}");
    }
    assert_eq!(door.end().await.cut_short, 0);
}

#[tokio::test]
async fn connections_beyond_the_most_wait_for_their_turn() {
    let door = open(ServerSettings { max_connections: 1, ..ServerSettings::default() }).await;
    let first = TcpStream::connect(door.address).await.unwrap();
    let question = live(door.address);
    {
        let second = door.ask(&question);
        tokio::pin!(second);
        let early = tokio::time::timeout(Duration::from_millis(50), &mut second).await;
        assert!(early.is_err(), "it is not served beside the first");
        drop(first);
        let answer = tokio::time::timeout(Duration::from_secs(10), second).await;
        let answer = answer.expect("its turn comes").unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    door.end().await;
}

#[tokio::test]
async fn sessions_beyond_the_most_are_refused_with_a_hint_when_to_come_again() {
    let door = open_for_two().await;
    for _ in 0..2 {
        let answer = door.hello().await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("mcp-session-id: "), "{answer}");
    }
    let refused = door.hello().await;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("retry-after: 5"), "{refused}");
    door.end().await;
}

#[tokio::test]
async fn an_idle_client_does_not_hold_the_end_up() {
    let door = open(ServerSettings::default()).await;
    let mut idle = TcpStream::connect(door.address).await.unwrap();
    idle.write_all(format!("GET /health/live HTTP/1.1\r\nhost: {}\r\n\r\n", door.address).as_bytes())
        .await
        .unwrap();
    let mut first = [0_u8; 12];
    idle.read_exact(&mut first).await.unwrap();
    let begun = Instant::now();
    assert_eq!(door.end().await.cut_short, 0);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

/// A path that reached the protocol and not what stands before it got past the bound of a message's values.
#[tokio::test]
async fn no_other_path_reaches_the_protocol() {
    let door = open(ServerSettings::default()).await;
    let many = format!("{{\"x\":[{}0]}}", "0,".repeat(30_000));
    for (path, refused) in [
        ("/mcp", "more than 20000 JSON values"),
        ("/mcp/", "more than 20000 JSON values"),
        ("/mcp?x=1", "more than 20000 JSON values"),
        ("/mcp/x", "not_found"),
        ("/mcp/%2e", "not_found"),
        ("/mcp//", "not_found"),
        ("//mcp", "not_found"),
        ("/%6dcp", "not_found"),
        ("/x/../mcp", "not_found"),
    ] {
        let answer = door.post(path, &many).await;
        assert!(answer.contains(refused), "{path}: {answer}");
    }
    door.end().await;
}

/// Revision 2026-07-28 has no sessions, so who named it was not counted; the SDK opens one for every `initialize`.
#[tokio::test]
async fn no_revision_opens_sessions_uncounted() {
    let door = open_for_two().await;
    let named = "mcp-protocol-version: 2026-07-28\r\n";
    let unreadable = "mcp-session-id: \u{e9}\r\nmcp-protocol-version: 2026-07-28\r\n";
    for (more, is_opened) in [(named, true), (unreadable, true), (named, false), (unreadable, false)] {
        let answer = door.post_with(MCP_PATH, more, &hello("2026-07-28")).await;
        assert_eq!(answer.contains("mcp-session-id: "), is_opened, "{answer}");
    }
    assert!(door.hello().await.starts_with("HTTP/1.1 503"));
    door.end().await;
}

const KEY: &str = "the key of the user";

fn with_a_key(settings: ServerSettings) -> ServerSettings {
    let credential = Credential::new(KEY, Principal::local());
    ServerSettings { authenticator: Arc::new(Credentials::new(vec![credential])), ..settings }
}

/// Where keys are kept elsewhere, and that place does not answer.
#[derive(Debug)]
struct Away;

#[async_trait]
impl Authenticator for Away {
    fn needs_key(&self) -> bool {
        true
    }

    async fn authenticate(&self, _: PresentedKey<'_>) -> Result<Principal, AuthError> {
        Err(AuthError::Unavailable)
    }
}

/// A client must not take it for the loss of its key.
#[tokio::test]
async fn keys_that_cannot_be_checked_are_no_refusal() {
    let door = open(ServerSettings { authenticator: Arc::new(Away), ..ServerSettings::default() }).await;
    let answer = door.post_with(MCP_PATH, "x-api-key: some key\r\n", &hello("2025-11-25")).await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("keys_unavailable"), "{answer}");
    assert!(door.hello().await.starts_with("HTTP/1.1 401"), "no key is still no key");
    door.end().await;
}

/// A connection on which one request follows the other.
struct KeptOpen(TcpStream);

impl KeptOpen {
    async fn to(door: &Open) -> Self {
        Self(TcpStream::connect(door.address).await.unwrap())
    }

    /// The status; none when the connection is closed.
    async fn get(&mut self, path: &str, key: &str) -> Option<String> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {key}\r\n\r\n");
        self.0.write_all(request.as_bytes()).await.ok()?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .unwrap_or_else(|| panic!("{head}"));
        self.0.read_exact(&mut vec![0; length.parse().unwrap()]).await.ok()?;
        Some(head.split(' ').nth(1).unwrap().to_owned())
    }
}

/// Questions about health need no key, and kept a stranger's connection open for ever.
#[tokio::test]
async fn strangers_are_closed_and_others_stay() {
    let settings = ServerSettings { header_wait: Duration::from_millis(200), ..ServerSettings::default() };
    let door = open(with_a_key(settings)).await;
    let mut known = KeptOpen::to(&door).await;
    let mut strangers = [KeptOpen::to(&door).await, KeptOpen::to(&door).await];
    for (stranger, path) in strangers.iter_mut().zip(["/health/live", "/nothing"]) {
        let is_closed = std::cell::Cell::new(false);
        let asked = async {
            while stranger.get(path, "a wrong key").await.is_some() {}
            is_closed.set(true);
        };
        // Nothing is kept there, which only those are told who have shown a key. Each answer is read to its end: what is left of one
        // would be taken for the next.
        let stays = async {
            while !is_closed.get() {
                assert_eq!(known.get("/metrics", KEY).await.as_deref(), Some("404"));
            }
        };
        let ended = futures::future::join(asked, stays);
        tokio::time::timeout(Duration::from_secs(10), ended).await.expect("the stranger is closed");
    }
    assert!(known.get("/metrics", KEY).await.is_some());
    door.end().await;
}

#[tokio::test]
async fn idle_strangers_make_room() {
    let door = open(with_a_key(ServerSettings {
        strangers: StrangerLimits { connections: 2, websockets: 2 },
        ..ServerSettings::default()
    }))
    .await;
    let mut idle = [KeptOpen::to(&door).await, KeptOpen::to(&door).await];
    for stranger in &mut idle {
        assert_eq!(stranger.get("/health/live", "").await.as_deref(), Some("200"));
    }
    let begun = Instant::now();
    assert_eq!(KeptOpen::to(&door).await.get("/metrics", KEY).await.as_deref(), Some("404"));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let [mut first, mut second] = idle;
    assert_eq!(first.get("/health/live", "").await, None, "the oldest has gone");
    assert_eq!(second.get("/health/live", "").await.as_deref(), Some("200"));
    door.end().await;
}

/// Many clients that start at once are strangers for a moment.
#[tokio::test(flavor = "multi_thread")]
async fn bursts_of_known_clients_are_served() {
    let door = open(with_a_key(ServerSettings {
        strangers: StrangerLimits { connections: 80, websockets: 2 },
        ..ServerSettings::default()
    }))
    .await;
    let clients = (0..300).map(|_| async {
        let mut client = KeptOpen::to(&door).await;
        for _ in 0..3 {
            assert_eq!(client.get("/metrics", KEY).await.as_deref(), Some("404"));
        }
    });
    futures::future::join_all(clients).await;
    door.end().await;
}

/// Addresses that share what strangers may have: nobody takes the places of those who have a key.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn many_addresses_leave_room() {
    let settings = ServerSettings {
        max_connections: 6,
        strangers: StrangerLimits { connections: 2, websockets: 2 },
        ..ServerSettings::default()
    };
    let door = open(with_a_key(settings)).await;
    let mut idle = Vec::new();
    for address in 1..=9 {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 1, address], 0))).unwrap();
        idle.push(socket.connect(door.address).await.unwrap());
    }
    assert_eq!(KeptOpen::to(&door).await.get("/metrics", KEY).await.as_deref(), Some("404"));
    door.end().await;
}

/// What is there of a body takes memory for as long as the rest may come.
#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let settings = ServerSettings {
        max_body_bytes: 1024,
        header_wait: Duration::from_millis(200),
        ..ServerSettings::default()
    };
    let door = open(settings).await;
    for (path, status) in [("/mcp", "408"), ("/messages?sessionId=x", "404")] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: 1000\r\n\r\n{{\"a\":"
        );
        let answer = door.ask(&head).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
}

/// The first reading looks at the outside only; what the SDK cannot read beyond it is no question of media types.
#[tokio::test]
async fn unreadable_numbers_are_parse_errors() {
    let door = open(ServerSettings::default()).await;
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for (inside, code) in [("1e999", "-32700"), ("\"\\ud800\"", "-32700"), (deep.as_str(), "-32700")] {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"x","arguments":{{"a":{inside}}}}}}}"#
        );
        let answer = door.ask(&posted(&body)).await.unwrap();
        assert!(answer.contains(code) && answer.contains(r#""id":7"#), "{inside}: {answer}");
    }
    let answer = door.ask(&posted(r#"{"jsonrpc":"2.0","id":7,"method":5}"#)).await.unwrap();
    assert!(answer.contains("-32600") && answer.contains(r#""id":7"#), "{answer}");
}

fn posted(body: &str) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\n\
         mcp-name: x\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}
