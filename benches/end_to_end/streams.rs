//! What an answer in pieces costs on its way from the socket to the engine: the wait for the first piece, and processor time for each.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use exai_core::{
    RequestId,
    chat::{Delta, Message, Request},
    provider::{CallCtx, Provider},
};
use exai_providers::{EndpointSettings, HttpSettings, VendorKind};
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use crate::median;

const ROUNDS: usize = 300;
const PIECES: u32 = 200_000;
/// Between the head and the first piece, and between the first and the second.
const PAUSE: Duration = Duration::from_millis(3);

/// When the vendor sent the first piece and the second.
type Sent = Arc<Mutex<[Option<Instant>; 2]>>;

pub(crate) fn pieces() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let sent = Sent::default();
    let (slow, fast) = (slow_vendor(Arc::clone(&sent)), fast_vendor());
    runtime.block_on(async {
        let provider = provider(&slow);
        let mut waits = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            let mut reply = provider.chat(&request(), &ctx()).await.expect("an answer");
            let mut arrived = Vec::new();
            while let Some(delta) = reply.next().await {
                if let Delta::Text(_) = delta.expect("a piece") {
                    arrived.push(Instant::now());
                }
            }
            let sent = sent.lock().expect("no panic").map(|at| at.expect("sent"));
            for ((wait, arrived), sent) in waits.iter_mut().zip(arrived).zip(sent) {
                wait.push((arrived - sent).as_secs_f64() * 1e3);
            }
        }
        let [first, second] = &mut waits;
        println!(
            "an answer in pieces: {:.3} ms from the vendor's first piece to ours, {:.3} ms for the second, {:.1} ms the longest of {}",
            median(first),
            median(second),
            first.last().copied().unwrap_or(f64::NAN).max(second.last().copied().unwrap_or(f64::NAN)),
            2 * ROUNDS
        );
    });
    runtime.block_on(async {
        let provider = self::provider(&fast);
        let before = thread_cpu_seconds();
        let mut reply = provider.chat(&request(), &ctx()).await.expect("an answer");
        let mut read = 0;
        while let Some(delta) = reply.next().await {
            read += u32::from(matches!(delta.expect("a piece"), Delta::Text(_)));
        }
        let micros = (thread_cpu_seconds() - before) * 1e6 / f64::from(PIECES);
        println!("{read} pieces of one answer: {micros:.2} CPU-µs for each");
    });
}

fn provider(address: &str) -> Arc<dyn Provider> {
    let settings = EndpointSettings {
        base_url: Some(address.to_owned()),
        ..EndpointSettings::new("bench".into(), VendorKind::Custom)
    };
    let limits = HttpSettings { ..HttpSettings::default() };
    exai_providers::build(vec![settings], limits).expect("a provider").pop().expect("a provider")
}

fn request() -> Request {
    Request::asking("m".into(), Message::user("hello"))
}

fn ctx() -> CallCtx {
    CallCtx {
        request_id: RequestId::from("bench"),
        deadline: tokio::time::Instant::now() + Duration::from_secs(120),
        cancel: CancellationToken::new(),
    }
}

fn slow_vendor(sent: Sent) -> String {
    vendor(move |mut socket| {
        for place in 0..2 {
            thread::sleep(PAUSE);
            sent.lock().expect("no panic")[place] = Some(Instant::now());
            socket.write_all(piece().as_bytes())?;
        }
        socket.write_all(END)
    })
}

fn fast_vendor() -> String {
    vendor(|mut socket| {
        let many = piece().repeat(100);
        for _ in 0..PIECES / 100 {
            socket.write_all(many.as_bytes())?;
        }
        socket.write_all(END)
    })
}

const END: &[u8] = b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

fn piece() -> String {
    "data: {\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"}}]}\n\n"
        .to_owned()
}

/// Answers each connection's request with what `speak` writes.
fn vendor(speak: impl Fn(TcpStream) -> std::io::Result<()> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            socket.set_nodelay(true).expect("an option");
            let spoken = begin(&socket).and_then(|()| speak(socket));
            if let Err(error) = spoken {
                println!("the vendor of the measurement failed: {error}");
            }
        }
    });
    format!("http://{address}/v1")
}

/// Reads the request and sends the head of the answer.
fn begin(socket: &TcpStream) -> std::io::Result<()> {
    let (mut reader, mut length) = (BufReader::new(socket), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if line.trim().is_empty() {
            break;
        }
    }
    reader.take(length).read_to_end(&mut Vec::new())?;
    let mut socket = socket;
    socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
}

/// User and system time of this thread.
fn thread_cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().expect("a number");
    (ticks(11) + ticks(12)) / 100.0
}
