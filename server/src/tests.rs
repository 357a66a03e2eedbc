//! The server over real sockets, with routes that are no protocol's: what its bounds and its end do.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use axum::{
    Extension, Router,
    body::Body,
    routing::{get, post},
};
use exai_core::{
    Principal,
    auth::{AuthError, Authenticator, PresentedKey},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
};

use super::*;

mod unread;

struct Well;

#[async_trait]
impl Health for Well {
    async fn trouble(&self) -> Option<Trouble> {
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
    /// A request to `/slow` has begun.
    entered: Arc<Notify>,
    /// Lets one request to `/slow` go on.
    release: Arc<Notify>,
}

async fn open(settings: ServerSettings) -> Open {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let lifecycle = Lifecycle::default();
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = {
        let (entered, release) = (Arc::clone(&entered), Arc::clone(&release));
        async move || {
            entered.notify_one();
            release.notified().await;
            "done"
        }
    };
    let endless =
        async || (Extension(StaysOpen), Body::from_stream(futures::stream::pending::<io::Result<Vec<u8>>>()));
    let routes = Router::new()
        .route("/hello", get(async |Extension(who): Extension<Principal>| who.identity.owner.to_string()))
        .route("/slow", get(slow))
        .route("/read", post(async |text: String| text))
        .route("/endless", get(endless))
        .route("/broken", get(async || -> &'static str { panic!("as asked") }));
    let server = Server::new(settings, Arc::new(Well), lifecycle.clone())
        .with_key(routes)
        .without_key(Router::new().route("/open", get(async || "open")))
        .not_found("there is only /hello");
    let ended = tokio::spawn(server.serve(Listener::tcp(listener)));
    Open { address, lifecycle, ended, entered, release }
}

impl Open {
    async fn ask(&self, request: &str) -> io::Result<String> {
        let mut socket = TcpStream::connect(self.address).await?;
        socket.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    /// With further lines in the head.
    async fn get(&self, path: &str, more: &str) -> String {
        let head =
            format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{more}\r\n", self.address);
        self.ask(&head).await.unwrap()
    }

    async fn end(self) -> Drained {
        self.lifecycle.shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.ended).await.expect("it ends").unwrap()
    }
}

fn live(address: SocketAddr) -> String {
    format!("GET /health/live HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")
}

#[tokio::test]
async fn a_missing_head_costs_its_connection_alone() {
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
async fn connections_beyond_the_limit_wait() {
    let door = open(ServerSettings { max_connections: 1, ..ServerSettings::default() }).await;
    let first = TcpStream::connect(door.address).await.unwrap();
    let question = live(door.address);
    {
        let second = door.ask(&question);
        tokio::pin!(second);
        let early = tokio::time::timeout(Duration::from_millis(50), &mut second).await;
        assert!(early.is_err(), "it is not served together with the first");
        drop(first);
        let answer = tokio::time::timeout(Duration::from_secs(10), second).await;
        let answer = answer.expect("its turn comes").unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    door.end().await;
}

#[tokio::test]
async fn an_idle_client_delays_no_end() {
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
async fn unchecked_keys_are_no_refusal() {
    let door = open(ServerSettings { authenticator: Arc::new(Away), ..ServerSettings::default() }).await;
    let answer = door.get("/hello", "x-api-key: some key\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("keys_unavailable"), "{answer}");
    assert!(door.get("/hello", "").await.starts_with("HTTP/1.1 401"), "no key is still no key");
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

/// What a program adds is served as its own routes are.
#[tokio::test]
async fn added_routes_pass_every_check() {
    let rate = Arc::new(LocalRates::new(RateLimits { all: 0, each: 1 }));
    let door = open(with_a_key(ServerSettings { rate, ..ServerSettings::default() })).await;
    let with_key = format!("x-api-key: {KEY}\r\n");
    for (path, more, status, said) in [
        ("/hello", "", "401", "unauthorized"),
        ("/hello", with_key.as_str(), "200", "local"),
        ("/open", "", "200", "open"),
        ("/open", "origin: https://pages.example\r\n", "403", "origin_not_allowed"),
        ("/broken", with_key.as_str(), "500", "internal error; the server goes on"),
        ("/nothing", "", "404", "there is only /hello"),
        ("/health/live", "", "200", "alive"),
    ] {
        let answer = door.get(path, more).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
        assert!(answer.contains(said) && answer.contains("x-request-id: "), "{path}: {answer}");
    }
    let post = format!(
        "POST /read HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{with_key}content-length: 2\r\n\r\nhi"
    );
    assert!(door.ask(&post).await.unwrap().ends_with("hi"));
    // One call a second: five seconds let some of these pass, one after the other.
    let calls = futures::future::join_all((0..10).map(|_| door.ask(&post))).await;
    let (late, done): (Vec<_>, Vec<_>) =
        calls.into_iter().map(Result::unwrap).partition(|answer| answer.starts_with("HTTP/1.1 429"));
    assert!(late.len() >= 4 && late.iter().all(|answer| answer.contains("retry-after: ")), "{late:?}");
    assert!(done.len() >= 4 && done.iter().all(|answer| answer.ends_with("hi")), "{done:?}");
    door.end().await;
}

/// A request that was sent is waited for; a stream that is only read, and a body that stopped coming, are not.
#[tokio::test]
async fn the_end_waits_for_requests_alone() {
    let door = open(ServerSettings::default()).await;
    let (address, begun) = (door.address, Instant::now());
    let mut halves = Vec::new();
    for (head, expected) in [
        ("GET /endless HTTP/1.1\r\nhost: localhost\r\n\r\n", "HTTP/1.1 200"),
        (
            "POST /read HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n",
            "HTTP/1.1 100",
        ),
    ] {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut first = [0_u8; 12];
        socket.read_exact(&mut first).await.unwrap();
        assert_eq!(std::str::from_utf8(&first).unwrap(), expected);
        halves.push(socket);
    }
    let slow = tokio::spawn(async move {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let head = "GET /slow HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        answer
    });
    door.entered.notified().await;
    door.lifecycle.shutdown.cancel();
    door.release.notify_one();
    assert!(slow.await.unwrap().ends_with("done"));
    assert_eq!(door.end().await.cut_short, 0);
    assert!(begun.elapsed() < ServerSettings::default().drain, "{:?}", begun.elapsed());
}

/// One that does not come to its end in time is counted.
#[tokio::test]
async fn requests_beyond_the_time_are_counted() {
    let settings = ServerSettings { drain: Duration::from_millis(100), ..ServerSettings::default() };
    let door = open(settings).await;
    let mut socket = TcpStream::connect(door.address).await.unwrap();
    socket.write_all(b"GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    door.entered.notified().await;
    assert_eq!(door.end().await.cut_short, 1);
}
