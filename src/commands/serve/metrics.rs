//! What monitors read about a running server: whether it can work, and what it measures.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use exai_engine::{Engine, inference::attempt::InUse};
use exai_server::{Health, Trouble};
use metrics::{counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};

/// The upper ends of the groups in which durations are counted, in seconds: from a cached answer to the longest call.
const SECONDS: [f64; 12] = [0.01, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0];

/// A disk with fewer free bytes counts as full: the next write may be too long for it.
const LEAST_SPACE: u64 = 1024 * 1024;

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
    /// Where the database is.
    data: PathBuf,
    /// The free bytes of a disk, as far as they are known.
    space: fn(&Path) -> Option<u64>,
}

impl Metrics {
    /// Begins to measure.
    pub(super) fn new(engine: Engine, data: &Path) -> Self {
        let figures = PrometheusBuilder::new()
            .set_buckets(&SECONDS)
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|error| tracing::warn!("nothing will be measured: {error}"))
            .ok();
        for (name, help) in HELP {
            describe_gauge!(name, help);
        }
        Self { engine, figures, data: data.to_owned(), space }
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

/// The free bytes of the disk with this folder, or with the nearest above it that exists.
fn space(folder: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let disk = folder.ancestors().find_map(|folder| rustix::fs::statvfs(folder).ok())?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
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
    async fn trouble(&self) -> Option<Trouble> {
        let full = || Some(Trouble::Unable("the disk is full".to_owned()));
        if (self.space)(&self.data).is_some_and(|bytes| bytes < LEAST_SPACE) {
            tracing::warn!("the disk with {} is full", self.data.display());
            return full();
        }
        let error = self.engine.store().check().await.err()?;
        tracing::warn!("the database is not usable: {error}");
        let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<io::Error>());
        if source.is_some_and(|source| source.kind() == io::ErrorKind::StorageFull) {
            return full();
        }
        Some(Trouble::Degraded("the database cannot be used, so threads and answers are not kept".to_owned()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        App, Config,
        config::{env, layers::Layers},
    };

    #[tokio::test]
    async fn a_full_disk_is_no_readiness() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().display().to_string();
        let names = [env::EXAI_CONFIG_DIR, env::EXAI_DATA_DIR].map(|name| (name.to_owned(), folder.clone()));
        let config = Config::read(Layers::from_environment(names.into()), home.path());
        let app = App::builder(&config).build().unwrap();
        let state = async |space: fn(&Path) -> Option<u64>| {
            let metrics = Metrics {
                engine: app.engine.clone(),
                figures: None,
                data: home.path().join("none/yet"),
                space,
            };
            metrics.trouble().await
        };
        assert_eq!(state(space).await, None, "the disk of this test");
        assert_eq!(state(|_| None).await, None, "what is not known is not full");
        let full = Some(Trouble::Unable("the disk is full".to_owned()));
        assert_eq!(state(|_| Some(LEAST_SPACE - 1)).await, full);
        assert_eq!(state(|_| Some(LEAST_SPACE)).await, None);
    }
}
