//! The network door as clients see it: `exai-mcp serve` and the least that a server on the same SDK can do, one after the other in
//! the same run, a mock vendor behind both.
//!
//! `cargo bench --bench doors` prints the settings that are raised and one line for each figure.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a measurement that cannot be taken ends the program"
)]

mod client;
mod floor;

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use exai_mock_vendor::{Answer, Vendor};
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

use self::client::Session;

/// Ticks of `/proc/PID/stat` a second.
const TICKS: f64 = 100.0;
/// Pairs of rounds; the figure is the median.
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);
/// Until memory that is no longer used has been given back.
const SETTLED: Duration = Duration::from_secs(20);
const KEY: &str = "a-key-of-more-than-sixteen-characters";
/// What is raised, so that limits are not what is measured.
const RAISED: [(&str, &str); 6] = [
    ("EXAI_RATE", "0"),
    ("EXAI_CLIENT_RATE", "0"),
    ("EXAI_SESSIONS_LIMIT", "2000"),
    ("EXAI_CLIENT_SESSIONS", "2000"),
    ("EXAI_UPSTREAM_LIMIT", "256"),
    ("EXAI_IN_FLIGHT_LIMIT", "512"),
];

/// A server as a child process.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let told = |line: String| {
            let (_, rest) = line.split_once("listens on http://")?;
            rest.trim().trim_end_matches("/mcp").parse().ok()
        };
        let (out, err) = (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
        let (sender, receiver) = std::sync::mpsc::channel();
        let listen = |pipe: Box<dyn std::io::Read + Send>| {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    if let Some(address) = told(line) {
                        // Nobody waits for a second one.
                        let _told = sender.send(address);
                    }
                }
            });
        };
        listen(Box::new(out));
        listen(Box::new(err));
        let address = receiver.recv_timeout(Duration::from_secs(20)).expect("an address");
        Self { child, address }
    }

    fn product(vendor: &Vendor, home: &std::path::Path, key: bool) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_exai-mcp"));
        command.env_clear().args(["serve", "--listen", "127.0.0.1:0"]).envs(RAISED);
        command
            .env("CUSTOM_API_URL", vendor.url())
            .env("CUSTOM_MODEL_NAME", "mock-model")
            .env("EXAI_LOG", "error");
        std::fs::create_dir_all(home.join("config")).expect("the folder can be made");
        command.env("EXAI_CONFIG_DIR", home.join("config")).env("EXAI_DATA_DIR", home.join("data"));
        if key {
            command.env("EXAI_TOKEN", KEY);
        }
        Self::start(command)
    }

    fn floor(vendor: &Vendor) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--floor", &vendor.url()]);
        Self::start(command)
    }

    fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("its figures");
        let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
        let ticks = |index: usize| fields[index].parse::<f64>().expect("a number");
        (ticks(11) + ticks(12)) / TICKS
    }

    fn resident_kb(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("its figures");
        let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("its memory");
        line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a round has shown.
struct Round {
    calls: f64,
    cpu_ms: f64,
    /// Sorted, in milliseconds.
    times: Vec<f64>,
    failed: u64,
}

impl Round {
    fn percentile(&self, share: f64) -> f64 {
        self.times
            .get(((self.times.len() as f64 * share) as usize).min(self.times.len() - 1))
            .copied()
            .unwrap_or_default()
    }
}

fn chat(number: u64) -> Value {
    let arguments = json!({"prompt": format!("question {number}"), "model": "mock-model"});
    json!({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": "chat", "arguments": arguments}})
}

fn list(number: u64) -> Value {
    json!({"jsonrpc": "2.0", "id": number, "method": "tools/list"})
}

/// Every session calls, one call after another, for the length of a round.
async fn round(server: &Server, sessions: &mut [Session], message: fn(u64) -> Value) -> Round {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let (begun, before) = (Instant::now(), server.cpu_seconds());
    let each = sessions.iter_mut().map(|session| async move {
        let (mut times, mut failed) = (Vec::new(), 0);
        while begun.elapsed() < ROUND {
            let asked = Instant::now();
            let (status, _) = session.post(&message(NUMBER.fetch_add(1, Ordering::Relaxed))).await;
            times.push(asked.elapsed().as_secs_f64() * 1e3);
            failed += u64::from(status != 200);
        }
        (times, failed)
    });
    let all = join_all(each).await;
    let took = begun.elapsed().as_secs_f64();
    let failed = all.iter().map(|(_, failed)| failed).sum();
    let mut times: Vec<f64> = all.into_iter().flat_map(|(times, _)| times).collect();
    times.sort_by(f64::total_cmp);
    let cpu_ms = (server.cpu_seconds() - before) * 1e3 / times.len() as f64;
    Round { calls: times.len() as f64 / took, cpu_ms, times, failed }
}

fn median(rounds: &[Round], of: impl Fn(&Round) -> f64) -> f64 {
    let mut all: Vec<f64> = rounds.iter().map(of).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

async fn open(server: &Server, count: usize) -> Vec<Session> {
    let mut sessions = Vec::new();
    for _ in 0..count {
        sessions.push(Session::open(server.address, None).await);
    }
    sessions
}

/// Pairs of rounds: ours, and the floor's.
async fn paired(
    ours: &Server,
    floor: &Server,
    count: usize,
    message: fn(u64) -> Value,
) -> (Vec<Round>, Vec<Round>) {
    let (mut a, mut b) = (open(ours, count).await, open(floor, count).await);
    let (mut of_ours, mut of_floor) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_ours.push(round(ours, &mut a, message).await);
        of_floor.push(round(floor, &mut b, message).await);
    }
    (of_ours, of_floor)
}

async fn conversations(vendor: &Vendor, home: &std::path::Path) {
    let (ours, floor) = (Server::product(vendor, home, false), Server::floor(vendor));
    for count in [1, 64] {
        let (a, b) = paired(&ours, &floor, count, chat).await;
        println!(
            "chat, {count} sessions, 0 ms upstream: {:.0} calls/s and {:.3} CPU-ms, floor {:.0} and {:.3}: {:.2} of its calls, {:.2} times its CPU; \
             median {:.2} ms, 95 % {:.2} ms, longest {:.1} ms; {} failed",
            median(&a, |round| round.calls),
            median(&a, |round| round.cpu_ms),
            median(&b, |round| round.calls),
            median(&b, |round| round.cpu_ms),
            median(&a, |round| round.calls) / median(&b, |round| round.calls),
            median(&a, |round| round.cpu_ms) / median(&b, |round| round.cpu_ms),
            median(&a, |round| round.percentile(0.5)),
            median(&a, |round| round.percentile(0.95)),
            median(&a, |round| round.percentile(1.0)),
            a.iter().map(|round| round.failed).sum::<u64>(),
        );
    }
    let (a, b) = paired(&ours, &floor, 1, list).await;
    let (mut one, mut other) = (open(&ours, 1).await, open(&floor, 1).await);
    let (ours_bytes, floor_bytes) = (one[0].post(&list(1)).await.1, other[0].post(&list(1)).await.1);
    let (ours_ms, floor_ms) =
        (median(&a, |round| round.percentile(0.5)), median(&b, |round| round.percentile(0.5)));
    println!(
        "tools/list: {ours_ms:.3} ms and {ours_bytes} bytes, floor {floor_ms:.3} ms and {floor_bytes} bytes; a step of 40 ms would show: longest {:.1} ms",
        median(&a, |round| round.percentile(1.0))
    );
}

async fn thousand_sessions(vendor: &Vendor, home: &std::path::Path) {
    vendor.default_answer(Answer::text("hello").latency(Duration::from_millis(50)));
    let (ours, floor) = (Server::product(vendor, home, false), Server::floor(vendor));
    // What answers and the database hold in memory is no matter of sessions: it is there before them.
    let mut first = open(&ours, 256).await;
    for _ in 0..ROUNDS {
        round(&ours, &mut first, chat).await;
    }
    for session in &mut first {
        session.end().await;
    }
    drop(first);
    sleep(SETTLED).await;
    let idle = ours.resident_kb();
    let (mut a, mut b) = (open(&ours, 1_000).await, open(&floor, 1_000).await);
    let held = ours.resident_kb();
    let (mut of_ours, mut of_floor) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_ours.push(round(&ours, &mut a[..256], chat).await);
        of_floor.push(round(&floor, &mut b[..256], chat).await);
    }
    let most = ours.resident_kb();
    println!(
        "1,000 sessions, 256 active, 50 ms upstream: {:.0} calls/s, floor {:.0}: {:.2}; 95 % {:.0} ms, floor {:.0} ms; {} failed; {:.0} KB a session, {} KB resident",
        median(&of_ours, |round| round.calls),
        median(&of_floor, |round| round.calls),
        median(&of_ours, |round| round.calls) / median(&of_floor, |round| round.calls),
        median(&of_ours, |round| round.percentile(0.95)),
        median(&of_floor, |round| round.percentile(0.95)),
        of_ours.iter().map(|round| round.failed).sum::<u64>(),
        (held - idle) as f64 / 1_000.0,
        most,
    );
    for session in &mut a {
        session.end().await;
    }
    drop(a);
    let begun = Instant::now();
    while ours.resident_kb() * 10 > idle * 13 && begun.elapsed() < Duration::from_secs(60) {
        sleep(Duration::from_millis(500)).await;
    }
    println!(
        "after they have gone: {} KB, {:.2} times the {idle} KB before, within {:.0} s",
        ours.resident_kb(),
        ours.resident_kb() as f64 / idle as f64,
        begun.elapsed().as_secs_f64()
    );
    vendor.default_answer(Answer::by_model_name());
}

/// Requests that are sent again and again by several connections; how many a second.
async fn flood(address: SocketAddr, request: Vec<u8>, stop: Arc<AtomicBool>) -> f64 {
    let begun = Instant::now();
    let each = (0..16).map(|_| {
        let (request, stop) = (request.clone(), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut session = Session::connect(address).await;
            let mut made = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                session.request(&request).await;
                made += 1;
            }
            made
        })
    });
    let made: u64 =
        join_all(each.collect::<Vec<_>>()).await.into_iter().map(|made| made.expect("it floods")).sum();
    made as f64 / begun.elapsed().as_secs_f64()
}

async fn for_a_round(address: SocketAddr, request: Vec<u8>) -> f64 {
    let stop = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&stop);
    tokio::spawn(async move {
        sleep(ROUND).await;
        over.store(true, Ordering::Relaxed);
    });
    flood(address, request, stop).await
}

async fn bad_keys(vendor: &Vendor, home: &std::path::Path) {
    let (ours, floor) = (Server::product(vendor, home, true), Server::floor(vendor));
    let body = list(1).to_string();
    let with = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer a-key-that-nobody-has-here\r\ncontent-type: application/json\r\n\
             accept: */*\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    };
    let (mut refused, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        refused.push(for_a_round(ours.address, with("/mcp")).await);
        bare.push(for_a_round(floor.address, with("/bare")).await);
    }
    refused.sort_by(f64::total_cmp);
    bare.sort_by(f64::total_cmp);
    let (refused, bare) = (refused[ROUNDS / 2], bare[ROUNDS / 2]);
    let mut sessions = vec![Session::open(ours.address, Some(KEY)).await];
    let quiet = round(&ours, &mut sessions, list).await.percentile(0.95);
    let stop = Arc::new(AtomicBool::new(false));
    let flooding = tokio::spawn(flood(ours.address, with("/mcp"), Arc::clone(&stop)));
    let beside = round(&ours, &mut sessions, list).await.percentile(0.95);
    stop.store(true, Ordering::Relaxed);
    let during = flooding.await.expect("it floods");
    println!(
        "bad keys: {refused:.0} refused a second, a bare route answers {bare:.0}: {:.2}; tools/list of somebody with a key 95 % {quiet:.2} ms, {beside:.2} ms \
         while {during:.0} a second are refused: {:.1} times",
        refused / bare,
        beside / quiet
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    if let Some(at) = arguments.iter().position(|argument| argument == "--floor") {
        return runtime.block_on(floor::serve(arguments[at + 1].clone()));
    }
    if !arguments.iter().any(|argument| argument == "--bench") {
        println!("run with: cargo bench --bench doors");
        return;
    }
    let raised: Vec<String> = RAISED.iter().map(|(name, value)| format!("{name}={value}")).collect();
    println!("raised: {}", raised.join(" "));
    runtime.block_on(async {
        let vendor = Vendor::start().await;
        vendor.record_bodies(false);
        vendor.default_answer(Answer::by_model_name());
        for (name, work) in [("chat", 0), ("sessions", 1), ("keys", 2)] {
            // `cargo bench --bench doors -- keys` measures one of them.
            if arguments.iter().any(|argument| ["chat", "sessions", "keys"].contains(&argument.as_str()))
                && !arguments.iter().any(|argument| argument == name)
            {
                continue;
            }
            let home = tempfile::tempdir().expect("a temporary folder");
            let home = home.path().join(name);
            match work {
                0 => conversations(&vendor, &home).await,
                1 => thousand_sessions(&vendor, &home).await,
                _ => bad_keys(&vendor, &home).await,
            }
        }
    });
}
