//! How long the list of tools takes while other calls are under way.

use std::time::Instant;

use exai_mock_vendor::Vendor;
use serde_json::json;
use tempfile::TempDir;

use crate::{call, server::Server};

/// Lists that are timed idle, and at least so many while the server works.
const LISTS: usize = 500;

/// The 95th percentile beside a call of thirty seconds and last steps over 2 MB, one after the other, and idle.
pub(crate) fn beside_work(vendor: &Vendor, server: &mut Server, project: &TempDir) {
    let files: Vec<String> = std::fs::read_dir(project.path())
        .expect("the project")
        .map(|entry| entry.expect("an entry").path().display().to_string())
        .collect();
    let mut idle: Vec<f64> = (0..LISTS)
        .map(|_| {
            let begun = Instant::now();
            server.request("tools/list", &json!({}));
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    server.send("tools/call", &call("chat", &json!({"prompt": "a long one", "model": "mock-latency=30000"})));
    let before = vendor.stats().calls;
    let (mut busy, mut steps) = (Vec::new(), 0);
    while busy.len() < LISTS {
        let step =
            json!({"step": format!("beside {steps}"), "next_step_required": false, "relevant_files": files});
        let review = server.send("tools/call", &call("codereview", &step));
        steps += 1;
        let mut reviewed = false;
        while !reviewed {
            let begun = Instant::now();
            let list = server.send("tools/list", &json!({}));
            loop {
                let answer = server.receive();
                reviewed |= answer["id"] == review;
                if answer["id"] == list {
                    break;
                }
            }
            busy.push(begun.elapsed().as_secs_f64() * 1e3);
        }
    }
    let asked = vendor.stats().calls - before;
    let (idle, busy, worst) =
        (percentile(&mut idle), percentile(&mut busy), busy.last().copied().unwrap_or(f64::NAN));
    println!(
        "tools/list beside {steps} last steps over 2 MB and a call of 30 s ({asked} asked): {busy:.2} ms at the 95th percentile, {:.1} times the {idle:.2} ms idle, {worst:.1} ms the longest",
        busy / idle
    );
}

/// The 95th percentile; sorts.
fn percentile(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() * 95 / 100).copied().unwrap_or(f64::NAN)
}
