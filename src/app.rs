//! Puts the parts together. Touches neither database nor network: both wait for the first call that needs them.

use std::{sync::Arc, time::Duration};

use exai_core::{Clock, SystemClock, store::Store};
use exai_engine::{Engine, Parts, Settings};
use exai_providers::HttpSettings;
use exai_store::SqliteStore;
use exai_tools::{ExaiServer, RootPolicy, ServerParts};
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// Time between signs of life of a running call.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How long a client may take to list its roots.
const ROOTS_LIMIT: Duration = Duration::from_secs(1);

/// The program's parts.
pub struct App {
    /// The MCP server; clones share everything.
    pub server: ExaiServer,
    /// What the tools call.
    pub engine: Engine,
    /// Threads and runs.
    pub store: Arc<dyn Store>,
    /// Cancel it to have every open call answered at once.
    pub closing: CancellationToken,
}

impl App {
    /// Builds everything from a configuration.
    ///
    /// # Errors
    /// An endpoint's address cannot be used.
    pub fn build(config: &Config) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let settings =
            exai_store::Settings { sync: config.sync, ..exai_store::Settings::at(config.places.database()) };
        let store = SqliteStore::open_lazily(settings, Arc::clone(&clock));
        Self::with_store(config, store, clock)
    }

    /// Builds everything over a store of the caller's choice.
    ///
    /// # Errors
    /// An endpoint's address cannot be used.
    pub fn with_store(config: &Config, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let limits = &config.limits;
        let http = HttpSettings {
            connect: limits.connect,
            first_byte: limits.first_byte,
            idle: limits.idle,
            idle_connections: limits.attempts.global_permits.max(32),
            ..HttpSettings::default()
        };
        let closing = CancellationToken::new();
        let engine = Engine::new(Parts {
            providers: exai_providers::build(config.endpoints.settings.clone(), http)?,
            store: Arc::clone(&store),
            clock,
            jitter: Arc::new(rand::random::<f64>),
            settings: Settings {
                default_model: config.default_model.clone(),
                locale: config.locale.clone(),
                call_limit: limits.call,
                file_tokens: limits.file_tokens,
                attempts: limits.attempts.clone(),
                cache: limits.cache.clone(),
                ..Settings::default()
            },
            closing: closing.clone(),
        });
        let server = ExaiServer::new(ServerParts {
            engine: engine.clone(),
            roots: RootPolicy {
                fixed: config.roots.clone(),
                home: config.places.home.clone(),
                ask_client: true,
                client_limit: ROOTS_LIMIT,
            },
            vendors: config.endpoints.facts.clone(),
            version: env!("CARGO_PKG_VERSION"),
            database: config.places.database().display().to_string(),
            heartbeat: HEARTBEAT,
            max_in_flight: limits.in_flight,
            closing: closing.clone(),
        });
        Ok(Self { server, engine, store, closing })
    }
}
