//! What monitors read about a running server: whether it can work, and what it measures.

use std::time::Duration;

use async_trait::async_trait;
use exai_engine::{Engine, inference::attempt::InUse};
use exai_server::Health;
use metrics::{counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};

/// The upper ends of the groups in which durations are counted, in seconds: from a cached answer to the longest call.
const SECONDS: [f64; 12] = [0.01, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0];

/// What the figures mean, for those who look at them as they come.
const HELP: [(&str, &str); 18] = [
    ("exai_requests_total", "Requests to vendors"),
    ("exai_request_duration_seconds", "How long requests to vendors took"),
    ("exai_errors_total", "Calls of tools that failed, by class"),
    ("exai_tokens_total", "Tokens as vendors count them"),
    ("exai_cost_usd", "US dollars, where the price is known"),
    ("exai_routing_decisions_total", "Who answered, and whether that was the first choice"),
    ("exai_provider_health", "1 when it may be asked, 0 when it is left alone"),
    ("exai_circuit_breaker_state", "0 closed, 1 probing, 2 open: the worst of its models"),
    ("exai_permits", "Requests to vendors that may be under way at once"),
    ("exai_permits_in_use", "Requests to vendors under way"),
    ("exai_active_connections", "Connections"),
    ("exai_sessions_active", "Sessions"),
    ("exai_consultations", "Consultations under way"),
    ("exai_unwritten_batches", "Writes that wait for the database"),
    ("exai_cache_answers", "Answers in the cache"),
    ("exai_cache_bytes", "Their bytes, roughly"),
    ("exai_log_dropped_total", "Lines of the log that were dropped, because nobody read them in time"),
    ("process_resident_memory_bytes", "Memory that is in use"),
];

/// Answers for the program when monitors ask.
pub(super) struct Metrics {
    engine: Engine,
    figures: Option<PrometheusHandle>,
}

impl Metrics {
    /// Begins to measure.
    pub(super) fn new(engine: Engine) -> Self {
        let figures = PrometheusBuilder::new()
            .set_buckets(&SECONDS)
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|error| tracing::warn!("nothing will be measured: {error}"))
            .ok();
        for (name, help) in HELP {
            describe_gauge!(name, help);
        }
        Self { engine, figures }
    }

    /// Figures that are looked up and not counted.
    #[expect(clippy::cast_precision_loss, reason = "counts of what one process does are far below 2^53")]
    fn look(&self) {
        let load = self.engine.load();
        let all = ("all".to_owned(), load.attempts);
        for (of, InUse { used, permits: most }) in std::iter::once(all).chain(load.providers) {
            gauge!("exai_permits_in_use", "of" => of.clone()).set(used as f64);
            gauge!("exai_permits", "of" => of).set(most as f64);
        }
        gauge!("exai_consultations").set(load.runs as f64);
        gauge!("exai_unwritten_batches").set(load.unwritten as f64);
        gauge!("exai_cache_answers").set(load.cached.answers as f64);
        gauge!("exai_cache_bytes").set(load.cached.bytes as f64);
        counter!("exai_cache_hits_total").absolute(load.cached.hits);
        counter!("exai_cache_misses_total").absolute(load.cached.misses);
        counter!("exai_log_dropped_total").absolute(crate::telemetry::dropped());
        let models = self.engine.models();
        for provider in models.providers() {
            let name = provider.id().to_string();
            let alone = load.closed.iter().any(|(closed, _, _)| *closed == name);
            let broken =
                load.models.iter().any(|model| model.provider == *provider.id() && model.breaker != "closed");
            gauge!("exai_provider_health", "provider" => name.clone())
                .set(f64::from(u8::from(!alone && !broken)));
            // The worst of its models: a name that a client has made up is no label.
            let states = load.models.iter().filter(|model| model.provider == *provider.id());
            let state = states.map(|model| breaker(model.breaker)).max().unwrap_or(0);
            gauge!("exai_circuit_breaker_state", "provider" => name).set(f64::from(state));
        }
        if let Some(bytes) = resident() {
            gauge!("process_resident_memory_bytes").set(bytes as f64);
        }
    }
}

/// 0 closed, 1 probing, 2 open.
fn breaker(state: &str) -> u8 {
    match state {
        "open" => 2,
        "probing" => 1,
        _ => 0,
    }
}

/// Memory that is really used, where the system tells (proc(5), `statm`).
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * u64::try_from(rustix::param::page_size()).ok()?)
}

#[async_trait]
impl Health for Metrics {
    async fn trouble(&self) -> Option<String> {
        let looked = self.engine.store().check().await;
        looked.err().map(|error| {
            tracing::warn!("the database is not usable: {error}");
            "the database cannot be read".to_owned()
        })
    }

    fn figures(&self) -> Value {
        let load = self.engine.load();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "providers": self.engine.models().providers().len(),
            "consultations": load.runs,
            "upstream_attempts": load.attempts.used,
            "global_capacity": load.attempts.permits,
            "unwritten": load.unwritten,
            "providers_left_alone": load.closed.len(),
        })
    }

    fn metrics(&self) -> Option<String> {
        let figures = self.figures.as_ref()?;
        self.look();
        // Counts that wait in buffers are taken over, too.
        figures.run_upkeep();
        Some(figures.render())
    }
}

/// How often the recorder's buffers are emptied when no monitor asks.
pub(super) const UPKEEP: Duration = Duration::from_secs(5);
