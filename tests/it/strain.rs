//! What a listener has to bear: many who say nothing, some who say too much, and some who come and go. Another client works all the
//! while, and afterwards everything is given back. Not part of the ordinary tests: `scripts/stress`.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use exai_mock_vendor::Answer;
use futures::{SinkExt as _, StreamExt as _, stream};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async, connect_async,
    tungstenite::{Error, Message},
};

use crate::support::{MODEL, Served, Setup, discover_meta, tool_call};

/// As many as there may be where the system lets the server open files enough, 20,200.
const IDLE_SOCKETS: usize = 10_000;
/// How long things may take to be given back.
const GIVEN_BACK: Duration = Duration::from_secs(60);

/// What the server's process holds.
#[derive(Debug, Clone, Copy)]
struct Held {
    kilobytes: u64,
    descriptors: usize,
}

fn held(served: &Served) -> Held {
    let process = format!("/proc/{}", served.child.id().expect("it runs"));
    let status = std::fs::read_to_string(format!("{process}/status")).expect("its status");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("its memory");
    let kilobytes = line.split_whitespace().nth(1).expect("a number").parse().expect("a number");
    Held { kilobytes, descriptors: std::fs::read_dir(format!("{process}/fd")).expect("its files").count() }
}

/// How many WebSockets there may be with the open files that the server has.
fn most_sockets(served: &Served) -> usize {
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", served.child.id().expect("it runs")));
    let limits = limits.expect("its limits");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("a limit");
    let files = line.split_whitespace().nth(3).and_then(|number| number.parse::<usize>().ok());
    files.map_or(IDLE_SOCKETS, |files| IDLE_SOCKETS.min((files - 200) / 2))
}

/// Waits until connections and descriptors are back where they were, and memory within 1.3 times.
async fn given_back(served: &Served, before: Held) -> Held {
    let begun = Instant::now();
    loop {
        let now = held(served);
        let back = now.descriptors <= before.descriptors + 4 && now.kilobytes * 10 <= before.kilobytes * 13;
        if back && served.figure("exai_active_connections").await <= 1.0 {
            return now;
        }
        assert!(begun.elapsed() < GIVEN_BACK, "still held: {now:?}, before: {before:?}");
        sleep(Duration::from_millis(200)).await;
    }
}

async fn setup() -> Setup {
    let setup =
        Setup::new().await.with("EXAI_RATE", "0").with("EXAI_CLIENT_RATE", "0").with("EXAI_LOG", "error");
    setup.vendor.default_answer(Answer::text("hello"));
    setup
}

/// The times of calls that another client makes, one after another, while something happens.
struct Watcher {
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<Vec<Duration>>,
}

impl Watcher {
    fn begin(address: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let mut times = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let begun = Instant::now();
                list(address).await;
                times.push(begun.elapsed());
                sleep(Duration::from_millis(10)).await;
            }
            times
        });
        Self { stop, task }
    }

    /// How many calls there were, and the time that 95 % did not exceed.
    async fn end(self) -> (usize, Duration) {
        self.stop.store(true, Ordering::Relaxed);
        let mut times = self.task.await.expect("it watched");
        times.sort_unstable();
        (times.len(), times[times.len() * 95 / 100])
    }
}

/// One `tools/list`, answered or not.
async fn list(address: SocketAddr) {
    let body =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": discover_meta()}})
            .to_string();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\naccept: */*\r\n\
         mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/list\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut socket = TcpStream::connect(address).await.expect("a connection");
    socket.write_all(head.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("it answers");
    assert!(answer.contains("\"tools\""), "{answer}");
}

/// A WebSocket from one of this machine's addresses: one client may have half of all.
async fn websocket(server: SocketAddr, client: usize) -> Result<WebSocketStream<TcpStream>, Error> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, u8::try_from(client + 1).expect("few")], 0)))?;
    let stream = socket.connect(server).await?;
    client_async(format!("ws://{server}/ws"), stream).await.map(|(socket, _)| socket)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "ten thousand sockets: scripts/stress"]
async fn ten_thousand_idle_websockets() {
    let setup = setup().await;
    let served = Served::start(&setup).await;
    list(served.address).await;
    let before = held(&served);
    let alone = Watcher::begin(served.address);
    sleep(Duration::from_secs(2)).await;
    let (_, alone) = alone.end().await;
    let (begun, address, most) = (Instant::now(), served.address, most_sockets(&served));
    let sockets: Vec<_> = stream::iter(0..most)
        .map(|number| async move {
            let mut socket = websocket(address, number % 2).await.expect("a place");
            let ping =
                json!({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"_meta": discover_meta()}});
            socket.send(Message::text(ping.to_string())).await.expect("it reads");
            let heard = socket.next().await.expect("it answers").expect("a frame");
            assert!(heard.is_text() || heard.is_ping(), "{heard:?}");
            socket
        })
        .buffer_unordered(64)
        .collect()
        .await;
    let opened = begun.elapsed();
    let full = held(&served);
    let watcher = Watcher::begin(served.address);
    sleep(Duration::from_secs(5)).await;
    let (calls, beside) = watcher.end().await;
    assert!(websocket(address, 2).await.is_err(), "one more than there are places for is refused");
    drop(sockets);
    let after = given_back(&served, before).await;
    let each = (full.kilobytes - before.kilobytes) * 1024 / most as u64;
    println!(
        "{most} WebSockets in {opened:.1?}: {each} bytes each, {} kB before, {} with them, {} after; tools/list p95 {alone:?} alone, \
         {beside:?} beside them ({calls} calls)",
        before.kilobytes, full.kilobytes, after.kilobytes
    );
    assert!(beside < alone * 3 + Duration::from_millis(5), "others are not affected: {alone:?}, {beside:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "lasts more than a minute: scripts/stress"]
async fn slow_senders_and_half_open_sockets() {
    let setup = setup().await;
    let served = Served::start(&setup).await;
    list(served.address).await;
    let before = held(&served);
    let watcher = Watcher::begin(served.address);
    let begun = Instant::now();
    let slow = (0..1_000).map(|number| {
        let address = served.address;
        tokio::spawn(async move {
            let mut socket = TcpStream::connect(address).await.expect("a connection");
            // Every third says nothing at all, every other a byte a second.
            let head = b"POST /mcp HTTP/1.1\r\nhost: localhost\r\nx-slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
            for byte in head {
                if number % 3 != 0 && socket.write_all(&[*byte]).await.is_err() {
                    break;
                }
                let mut rest = [0; 256];
                if let Ok(Ok(0) | Err(_)) = timeout(Duration::from_secs(1), socket.read(&mut rest)).await {
                    break;
                }
            }
            begun.elapsed()
        })
    });
    let ends: Vec<Duration> = futures::future::join_all(slow.collect::<Vec<_>>())
        .await
        .into_iter()
        .map(|end| end.expect("it ended"))
        .collect();
    let longest = ends.iter().max().expect("some").as_secs();
    let (calls, beside) = watcher.end().await;
    let after = given_back(&served, before).await;
    println!(
        "1,000 slow and silent connections were closed within {longest} s; tools/list p95 beside them {beside:?} ({calls} calls); {} kB before, {} after",
        before.kilobytes, after.kilobytes
    );
    assert!(longest <= 75, "the time for a head is limited: {longest} s");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "gigabytes: scripts/stress"]
async fn frames_of_sixty_four_megabytes() {
    let setup = setup().await;
    let served = Served::start(&setup).await;
    list(served.address).await;
    let before = held(&served);
    let watcher = Watcher::begin(served.address);
    let large = "x".repeat(64 * 1024 * 1024);
    let mut most = 0;
    for _ in 0..16 {
        let (mut socket, _) = connect_async(format!("ws://{}/ws", served.address)).await.expect("a place");
        drop(socket.send(Message::text(large.clone())).await);
        let ended =
            timeout(Duration::from_secs(10), async { while let Some(Ok(_)) = socket.next().await {} }).await;
        assert!(ended.is_ok(), "the connection is closed");
        most = most.max(held(&served).kilobytes);
    }
    let (calls, beside) = watcher.end().await;
    let after = given_back(&served, before).await;
    println!(
        "16 frames of 64 MB: {} kB before, at most {most}, {} after; tools/list p95 beside them {beside:?} ({calls} calls)",
        before.kilobytes, after.kilobytes
    );
    assert!(most < before.kilobytes + 100_000, "a frame that is too large is not kept");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "lasts half a minute: scripts/stress"]
async fn a_thousand_opens_and_resets_a_second() {
    let setup = setup().await;
    let served = Served::start(&setup).await;
    list(served.address).await;
    let before = held(&served);
    let watcher = Watcher::begin(served.address);
    let (made, begun) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let upgrade = format!(
        "GET /ws HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        served.address
    );
    let ticks = (0..30_u32 * 1_000).map(|number| (number, begun + Duration::from_millis(u64::from(number))));
    stream::iter(ticks)
        .for_each_concurrent(200, |(number, at)| {
            let (made, upgrade, address) = (Arc::clone(&made), upgrade.as_str(), served.address);
            async move {
                tokio::time::sleep_until(at.into()).await;
                if let Ok(mut socket) = TcpStream::connect(address).await {
                    if number % 2 == 0 {
                        drop(socket.write_all(upgrade.as_bytes()).await);
                    }
                    drop(socket.set_zero_linger());
                    made.fetch_add(1, Ordering::Relaxed);
                }
            }
        })
        .await;
    let (took, made) = (begun.elapsed(), made.load(Ordering::Relaxed));
    let (calls, beside) = watcher.end().await;
    let after = given_back(&served, before).await;
    println!(
        "{made} connections opened and reset in {took:.1?}; tools/list p95 beside them {beside:?} ({calls} calls); {} kB and {} descriptors before, {} and {} after",
        before.kilobytes, before.descriptors, after.kilobytes, after.descriptors
    );
    assert!(made > 29_000, "{made}");
}

/// A second server behind a proxy takes over and no call fails.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "two servers: scripts/stress"]
async fn a_second_server_takes_over() {
    let setup = setup().await;
    setup.vendor.default_answer(Answer::text("hello").latency(Duration::from_millis(50)));
    let first = Served::start(&setup).await;
    let current = Arc::new(std::sync::Mutex::new(first.address));
    let front = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = front.local_addr().expect("its address");
    let route = Arc::clone(&current);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = front.accept().await {
            let to = *route.lock().expect("not poisoned");
            tokio::spawn(async move {
                if let Ok(mut far) = TcpStream::connect(to).await {
                    drop(tokio::io::copy_bidirectional(&mut near, &mut far).await);
                }
            });
        }
    });
    let calls = 600;
    let answered = Arc::new(AtomicU64::new(0));
    let load = stream::iter(0..calls).for_each_concurrent(32, |number| {
        let answered = Arc::clone(&answered);
        async move {
            let body = tool_call("chat", &json!({"prompt": format!("number {number}"), "model": MODEL})).to_string();
            let head = format!(
                "POST /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\naccept: */*\r\n\
                 mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: chat\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let mut socket = TcpStream::connect(address).await.expect("the proxy");
            socket.write_all(head.as_bytes()).await.expect("it reads");
            let mut answer = String::new();
            drop(socket.read_to_string(&mut answer).await);
            if answer.contains("hello") {
                answered.fetch_add(1, Ordering::Relaxed);
            } else {
                println!("not answered: {answer}");
            }
        }
    });
    let switch = async {
        setup.vendor.wait_for_calls(150).await;
        let second = Served::start(&setup).await;
        *current.lock().expect("not poisoned") = second.address;
        first.terminate();
        let (code, _) = first.ended().await;
        assert_eq!(code, 0);
        second
    };
    let (_second, ()) = tokio::join!(switch, load);
    println!("{} of {calls} calls answered over the change of servers", answered.load(Ordering::Relaxed));
    assert_eq!(answered.load(Ordering::Relaxed), calls);
}

/// A call of ten minutes stays alive and is answered.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "lasts ten minutes: scripts/stress"]
async fn a_long_call_stays_alive() {
    let ten_minutes = Duration::from_secs(600);
    let setup = setup().await.with("EXAI_FIRST_BYTE_SECONDS", "800").with("EXAI_IDLE_SECONDS", "800");
    setup.vendor.default_answer(Answer::text("after all").latency(ten_minutes));
    let served = Served::start(&setup).await;
    let session = served.session(&[]).await;
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "chat",
        "arguments": {"prompt": "Think for long.", "model": MODEL}, "_meta": {"progressToken": "p"}}});
    let headers = [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-session-id", session.as_str()),
        ("mcp-protocol-version", "2025-11-25"),
    ];
    let begun = Instant::now();
    let mut open = served.send("POST", "/mcp", &headers, &call.to_string()).await;
    // Another client asks the same and is cut off after a moment.
    let cut = served
        .send(
            "POST",
            "/mcp",
            &headers,
            &call.to_string().replace("\"id\":1", "\"id\":2").replace("\"p\"", "\"q\""),
        )
        .await;
    sleep(Duration::from_secs(3)).await;
    drop(cut);
    let (mut heard, mut longest, mut last) = (String::new(), Duration::ZERO, Instant::now());
    let mut buffer = vec![0; 65_536];
    while !heard.contains("after all") {
        let read = timeout(Duration::from_secs(60), open.read(&mut buffer)).await;
        let length = read.expect("something is heard at least every minute").expect("it can be read");
        assert!(length > 0, "the stream has not ended without an answer: {heard}");
        longest = longest.max(last.elapsed());
        last = Instant::now();
        heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    let took = begun.elapsed();
    let progress = heard.matches("notifications/progress").count();
    println!(
        "answered after {took:.1?}, {progress} times told of progress, never silent for more than {longest:.1?}"
    );
    assert!(took >= ten_minutes);
    assert!(longest < Duration::from_secs(15));
    assert_eq!(setup.vendor.calls().len(), 1);
    let again = served.call("chat", &json!({"prompt": "Think for long.", "model": MODEL}), &[]).await.tool();
    assert_eq!(again["content"], "after all", "who was cut off calls again");
    assert_eq!(setup.vendor.calls().len(), 1);
}
