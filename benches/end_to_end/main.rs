//! The program end to end, measured as a client sees it: the release binary on pipes, a mock vendor on loopback.
//!
//! `cargo bench --bench end_to_end` prints one line for each figure. Times depend on the machine; the ratios and the processor
//! time per call are what can be compared.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement that cannot be taken ends the program"
)]

mod bare;
mod consultants;
mod decisions;
mod lists;
mod server;
mod storage;
mod streams;
mod trouble;

use std::{fs, path::Path, time::Instant};

use exai_mock_vendor::{Answer, Vendor};
use serde_json::{Value, json};
use tempfile::TempDir;

use self::server::Server;

/// Calls for a figure of processor time: the system counts in hundredths of a second.
const CALLS: usize = 2_000;
/// Callers at once where parallel calls are measured.
const CALLERS: usize = 16;
/// The vendor's latency there.
const LATENCY_MS: u32 = 50;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("run with: cargo bench --bench end_to_end");
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let vendor = runtime.block_on(Vendor::start());
    vendor.record_bodies(false);
    vendor.default_answer(Answer::by_model_name());
    let home = tempfile::tempdir().expect("a temporary folder");
    let project = project(home.path());
    start_up(&vendor, &home, &project);
    let mut server = Server::start(&vendor, home.path(), &project);
    sequential(&mut server);
    parallel(&mut server, &vendor);
    consultants::at_once(&mut server, &vendor);
    steps(&mut server);
    last_step(&mut server, &vendor, &project);
    lists::beside_work(&vendor, &mut server, &project);
    drop(server);
    streams::pieces();
    decisions::of_models(&runtime, home.path());
    trouble::first_one_fails(&runtime, home.path(), &project);
    trouble::late_now_and_then(&runtime, home.path(), &project);
    runtime.block_on(storage::among_many());
}

/// A hundred files of 20 KB.
fn project(home: &Path) -> TempDir {
    let project = tempfile::tempdir_in(home).expect("a temporary folder");
    for number in 0..100 {
        let line = format!("    value_{number} = compute(alpha, {number})  # a line of ordinary length\n");
        let text = line.repeat(20_000 / line.len());
        fs::write(project.path().join(format!("mod_{number:03}.py")), text).expect("a file");
    }
    project
}

fn start_up(vendor: &Vendor, home: &TempDir, project: &TempDir) {
    // The first start creates the database; the figure is for the later ones.
    drop(Server::start(vendor, home.path(), project).call("chat", &json!({"prompt": "create the database"})));
    let mut walls = Vec::new();
    let mut last = (0.0, 0);
    for _ in 0..11 {
        let begun = Instant::now();
        let mut server = Server::start(vendor, home.path(), project);
        server.request("tools/list", &json!({}));
        walls.push(begun.elapsed().as_secs_f64() * 1e3);
        last = (server.cpu_seconds(), server.resident_kb());
    }
    println!(
        "start to first tools/list: {:.1} ms median of 11, {:.2} CPU-s, then {:.1} MB resident",
        median(&mut walls),
        last.0,
        megabytes(last.1)
    );
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand calls")]
fn sequential(server: &mut Server) {
    for number in 0..50 {
        server.call("chat", &json!({"prompt": format!("warm {number}"), "model": "mock-model"}));
    }
    let cpu = server.cpu_seconds();
    let mut walls: Vec<f64> = (0..CALLS)
        .map(|number| {
            let begun = Instant::now();
            server.call("chat", &json!({"prompt": format!("question {number}"), "model": "mock-model"}));
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    let cpu = (server.cpu_seconds() - cpu) * 1e3 / CALLS as f64;
    println!(
        "chat, one at a time, 0 ms upstream: {:.2} ms median, {cpu:.2} CPU-ms a call",
        median(&mut walls)
    );
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand calls")]
fn parallel(server: &mut Server, vendor: &Vendor) {
    let model = format!("mock-latency={LATENCY_MS}");
    let direct = bare::calls_a_second(&vendor.origin(), &model, CALLERS, CALLS);
    vendor.reset();
    vendor.record_bodies(false);
    let begun = Instant::now();
    let mut sent = 0;
    let mut answered = 0;
    while answered < CALLS {
        while sent < CALLS && sent - answered < CALLERS {
            server.send(
                "tools/call",
                &call("chat", &json!({"prompt": format!("parallel {sent}"), "model": model})),
            );
            sent += 1;
        }
        server.receive();
        answered += 1;
    }
    let ours = CALLS as f64 / begun.elapsed().as_secs_f64();
    println!(
        "chat, {CALLERS} at once, {LATENCY_MS} ms upstream, {CALLS} calls: {ours:.0}/s, {:.2} of a bare client's {direct:.0}/s, {} upstream at the peak",
        ours / direct,
        vendor.stats().peak_in_flight
    );
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand calls")]
fn steps(server: &mut Server) {
    let cpu = server.cpu_seconds();
    let mut walls: Vec<f64> = (0..CALLS)
        .map(|number| {
            let begun = Instant::now();
            server.call(
                "codereview",
                &json!({"step": format!("look {number}"), "step_number": 1, "total_steps": 3, "next_step_required": true,
                    "findings": "none yet", "relevant_files": ["mod_000.py"]}),
            );
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    let cpu = (server.cpu_seconds() - cpu) * 1e3 / CALLS as f64;
    println!("a pausing step: {:.2} ms median, {cpu:.2} CPU-ms a call", median(&mut walls));
}

fn last_step(server: &mut Server, vendor: &Vendor, project: &TempDir) {
    const ROUNDS: u32 = 20;
    let files: Vec<String> = fs::read_dir(project.path())
        .expect("the project")
        .map(|entry| entry.expect("an entry").path().display().to_string())
        .collect();
    let cpu = server.cpu_seconds();
    let mut walls: Vec<f64> = (0..ROUNDS)
        .map(|number| {
            let begun = Instant::now();
            server.call("codereview", &json!({"step": format!("review {number}"), "next_step_required": false, "relevant_files": files}));
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    let cpu = (server.cpu_seconds() - cpu) / f64::from(ROUNDS);
    println!(
        "a last step over {} files: {:.1} ms median, {cpu:.3} CPU-s, upstream body {:.2} MB, {:.1} MB resident after it",
        files.len(),
        median(&mut walls),
        megabytes(vendor.stats().max_body / 1024),
        megabytes(server.resident_kb())
    );
}

/// The parameters of a tool's call.
fn call(tool: &str, arguments: &Value) -> Value {
    json!({"name": tool, "arguments": arguments})
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[expect(clippy::cast_precision_loss, reason = "sizes of processes and messages")]
fn megabytes(kilobytes: usize) -> f64 {
    kilobytes as f64 / 1024.0
}
