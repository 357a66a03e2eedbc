//! What a vendor in trouble costs: one that always fails with a healthy one behind it, and one that is late now and then.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use exai_mock_vendor::{Answer, Vendor};
use serde_json::json;
use tempfile::TempDir;

use crate::{median, server::Server};

/// Calls for a rate of success.
const CALLS: u32 = 1_000;
/// Calls for a 99th percentile.
const LATE_CALLS: u32 = 600;
/// One in so many is late.
const ONE_IN: u64 = 20;
/// A usual answer, and a late one.
const USUAL: Duration = Duration::from_millis(20);
const LATE: Duration = Duration::from_millis(400);

/// A call that names no model, while the first vendor fails every time.
pub(crate) fn first_one_fails(runtime: &tokio::runtime::Runtime, home: &Path, project: &TempDir) {
    for (status, what) in [(500, "500"), (429, "429")] {
        let (ill, well) = runtime.block_on(async { (Vendor::start().await, Vendor::start().await) });
        for vendor in [&ill, &well] {
            vendor.record_bodies(false);
        }
        well.default_answer(Answer::text("ok"));
        ill.default_answer(if status == 500 { Answer::server_error() } else { Answer::rate_limited("0") });
        let home = home.join(format!("ill-{what}"));
        let mut server =
            Server::start_with(&home, project, &endpoints(&[("ill", &ill), ("well", &well)]), &[]);
        let mut timed = |model: Option<&str>| -> Vec<f64> {
            (0..CALLS)
                .map(|number| {
                    let begun = Instant::now();
                    server.call("chat", &json!({"prompt": format!("{model:?} {number}"), "model": model}));
                    begun.elapsed().as_secs_f64() * 1e3
                })
                .collect()
        };
        // A failed call ends the measurement, so every one of these is an answer.
        let mut named = timed(Some("well/m"));
        let mut auto = timed(None);
        let (named, auto) = (median(&mut named), median(&mut auto));
        println!(
            "auto with the first vendor at 100 % {what}: {CALLS} of {CALLS} answered, {auto:.2} ms median against {named:.2} ms of the second by name; the first was asked {} times",
            ill.stats().calls
        );
    }
}

/// The 99th percentile with and without second requests.
pub(crate) fn late_now_and_then(runtime: &tokio::runtime::Runtime, home: &Path, project: &TempDir) {
    let mut results = Vec::new();
    for hedge in ["false", "true"] {
        let vendor = runtime.block_on(Vendor::start());
        vendor.record_bodies(false);
        let count = AtomicU64::new(0);
        vendor.answer_with(move |_| {
            let late = count.fetch_add(1, Ordering::Relaxed) % ONE_IN == ONE_IN - 1;
            Some(Answer::text("ok").latency(if late { LATE } else { USUAL }))
        });
        let home = home.join(format!("hedge-{hedge}"));
        let environment = [("EXAI_ROUTING_HEDGE", hedge), ("EXAI_CACHE_SECONDS", "0")];
        let mut server = Server::start_with(&home, project, &endpoints(&[("one", &vendor)]), &environment);
        for number in 0..100 {
            server.call("chat", &json!({"prompt": format!("usual {number}")}));
        }
        let before = vendor.stats().calls;
        let mut walls: Vec<f64> = (0..LATE_CALLS)
            .map(|number| {
                let begun = Instant::now();
                server.call("chat", &json!({"prompt": format!("question {number}")}));
                begun.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        walls.sort_by(f64::total_cmp);
        let place = walls.len() * 99 / 100;
        let extra = (vendor.stats().calls - before) as f64 / f64::from(LATE_CALLS) - 1.0;
        results.push((walls.get(place).copied().unwrap_or(f64::NAN), extra));
    }
    if let [(without, _), (with, extra)] = results.as_slice() {
        println!(
            "one in {ONE_IN} calls 20 times slower, {LATE_CALLS} calls: 99th percentile {with:.0} ms with second requests, {:.2} of {without:.0} ms without, {:.1} % more requests",
            with / without,
            extra * 100.0
        );
    }
}

fn endpoints(vendors: &[(&str, &Vendor)]) -> String {
    vendors
        .iter()
        .map(|(name, vendor)| {
            format!("[[endpoints]]\nname = \"{name}\"\nbase_url = \"{}\"\nmodels = [\"m\"]\n", vendor.url())
        })
        .collect()
}

impl Server {
    /// Starts the server on a configuration of its own.
    fn start_with(home: &Path, project: &TempDir, config: &str, environment: &[(&str, &str)]) -> Self {
        fs::create_dir_all(home.join("config")).expect("a folder");
        fs::write(home.join("config/config.toml"), config).expect("a file");
        Self::start_in(home, project, environment)
    }
}
