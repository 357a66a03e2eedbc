//! Several models at once against one of them.

use std::time::Instant;

use exai_mock_vendor::Vendor;
use serde_json::json;

use crate::{median, server::Server};

/// Rounds of one call and one consensus, in turns.
const ROUNDS: u32 = 20;
/// The vendor's latency; each of the models has a name and so a latency of its own, the slowest this one.
const LATENCY_MS: u32 = 200;
/// Models of a consensus.
const MODELS: u32 = 5;

/// How long a consensus takes as a multiple of its slowest model alone.
pub(crate) fn at_once(server: &mut Server, vendor: &Vendor) {
    vendor.reset();
    vendor.record_bodies(false);
    let name = |place: u32| format!("mock-latency={}", LATENCY_MS - place);
    let models: Vec<_> = (0..MODELS).map(|place| json!({"model": name(place)})).collect();
    let mut timed = |tool: &str, arguments: serde_json::Value| {
        let begun = Instant::now();
        server.call(tool, &arguments);
        begun.elapsed().as_secs_f64() * 1e3
    };
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        alone.push(timed("chat", json!({"prompt": format!("alone {round}"), "model": name(0)})));
        together.push(timed("consensus", json!({"step": format!("together {round}"), "models": models})));
    }
    let (alone, together) = (median(&mut alone), median(&mut together));
    println!(
        "consensus of {MODELS} models, {LATENCY_MS} ms upstream: {together:.1} ms median, {:.2} of one model's {alone:.1} ms, {} upstream at the peak",
        together / alone,
        vendor.stats().peak_in_flight
    );
}
