//! Puts the parts together. Touches neither database nor network: both wait for the first call that needs them.

use std::{sync::Arc, time::Duration};

use exai_context::{
    files::{RootCandidate, RootOrigin},
    git::GitSettings,
};
use exai_core::{Clock, SystemClock, provider::Provider, store::Store};
use exai_engine::{
    Engine, Parts, Settings,
    inference::{InferenceSettings, coordination::Coordination},
};
use exai_providers::HttpSettings;
use exai_store::SqliteStore;
use exai_tools::{ExaiServer, OnDisconnect, RootPolicy, ServerParts};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, hints::hints};

/// Time between signs of life of a running call.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How long a call may take before a client that knows tasks gets one: most steps are answered sooner.
const TASK_AFTER: Duration = Duration::from_secs(2);
/// How long a user may take to answer a question while a call waits.
const USER_LIMIT: Duration = Duration::from_secs(120);
/// How long a client may take to list its roots.
const ROOTS_LIMIT: Duration = Duration::from_secs(1);

/// Who is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServeMode {
    /// The one client that started the program: its project is read, and its work ends with it.
    Stdio,
    /// Every client that reaches the listener and may come in: only configured folders are read, and work that was begun is finished and
    /// kept for a client that comes back.
    Network,
}

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
        Self::with_providers(config, Vec::new())
    }

    /// Builds everything for the clients that a mode serves.
    ///
    /// # Errors
    /// An endpoint's address cannot be used.
    pub fn build_for(config: &Config, mode: ServeMode) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = SqliteStore::open_lazily(Self::store_settings(config), Arc::clone(&clock));
        Self::assemble(config, mode, Vec::new(), store, clock)
    }

    fn store_settings(config: &Config) -> exai_store::Settings {
        exai_store::Settings { sync: config.sync, ..exai_store::Settings::at(config.places.database()) }
    }

    /// Builds everything with further providers behind the configured ones.
    ///
    /// # Errors
    /// An endpoint's address cannot be used.
    pub fn with_providers(config: &Config, own: Vec<Arc<dyn Provider>>) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = SqliteStore::open_lazily(Self::store_settings(config), Arc::clone(&clock));
        Self::assemble(config, ServeMode::Stdio, own, store, clock)
    }

    /// Builds everything over a store of the caller's choice.
    ///
    /// # Errors
    /// An endpoint's address cannot be used.
    pub fn with_store(config: &Config, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        Self::assemble(config, ServeMode::Stdio, Vec::new(), store, clock)
    }

    fn assemble(
        config: &Config,
        mode: ServeMode,
        own: Vec<Arc<dyn Provider>>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let limits = &config.limits;
        let http = HttpSettings {
            connect: limits.connect,
            first_byte: limits.first_byte,
            idle: limits.idle,
            allow_insecure: config.allow_http,
            idle_connections: limits.attempts.global_permits.max(32),
            ..HttpSettings::default()
        };
        let mut providers = exai_providers::build(config.endpoints.settings.clone(), http)?;
        providers.extend(own);
        let closing = CancellationToken::new();
        let git = GitSettings {
            environment: config.git_environment(),
            time_limit: limits.git,
            ..GitSettings::default()
        };
        let inference = inference_settings(config);
        let coordination = Coordination::in_process(&inference);
        let engine = Engine::new(Parts {
            providers,
            store: Arc::clone(&store),
            clock,
            jitter: Arc::new(rand::random::<f64>),
            settings: Settings {
                inference,
                consensus_limit: limits.consensus,
                file_tokens: limits.file_tokens,
                clink: config.clink.clone(),
                wording: Arc::clone(&config.wording),
                git: git.clone(),
                hints: hints(),
                ..Settings::default()
            },
            coordination,
            closing: closing.clone(),
        });
        let server = ExaiServer::new(ServerParts {
            engine: engine.clone(),
            roots: RootPolicy {
                fixed: match mode {
                    ServeMode::Stdio => config.roots.clone(),
                    ServeMode::Network => configured(&config.roots),
                },
                home: config.places.home.clone(),
                ask_client: mode == ServeMode::Stdio,
                client_limit: ROOTS_LIMIT,
                git,
            },
            vendors: config.endpoints.facts.clone(),
            shown: config.shown.clone(),
            version: env!("CARGO_PKG_VERSION"),
            database: config.places.database().display().to_string(),
            heartbeat: HEARTBEAT,
            user_limit: USER_LIMIT,
            on_disconnect: match mode {
                ServeMode::Stdio => OnDisconnect::Interrupt,
                ServeMode::Network if config.serve.cancel_on_disconnect => OnDisconnect::Interrupt,
                ServeMode::Network => OnDisconnect::Finish,
            },
            task_after: TASK_AFTER,
            answer_chars: limits.answer_chars,
            max_in_flight: limits.in_flight,
            session_consultations: match mode {
                ServeMode::Stdio => limits.in_flight,
                ServeMode::Network => limits.session,
            },
            closing: closing.clone(),
        });
        Ok(Self { server, engine, store, closing })
    }
}

/// Only what the user has named: a client's project and this process's folder are nobody's here.
pub(crate) fn configured(roots: &[RootCandidate]) -> Vec<RootCandidate> {
    roots.iter().filter(|root| root.origin == RootOrigin::Configured).cloned().collect()
}

/// How completions behave, with the limits of single endpoints.
fn inference_settings(config: &Config) -> InferenceSettings {
    let limits = &config.limits;
    let mut attempts = limits.attempts.clone();
    for endpoint in &config.endpoints.settings {
        if let Some(most) = endpoint.max_concurrency {
            attempts.provider_permits.insert(endpoint.id.clone(), most);
        }
    }
    InferenceSettings {
        preferences: config.preferences.clone(),
        call_limit: limits.call,
        attempts,
        budget: limits.budget,
        cache: limits.cache.clone(),
        ..Settings::default().inference
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::{env, layers::Layers};

    #[tokio::test]
    async fn another_machine_is_asked_without_encryption_only_when_that_is_allowed() {
        let home = tempfile::tempdir().unwrap();
        let app = |allow: &str| {
            let folder = home.path().display().to_string();
            let layers = Layers::from_environment(BTreeMap::from([
                (env::EXAI_CONFIG_DIR.to_owned(), folder.clone()),
                (env::EXAI_DATA_DIR.to_owned(), folder),
                (env::CUSTOM_API_URL.to_owned(), "http://192.168.1.5:8080".to_owned()),
                (env::EXAI_ALLOW_HTTP.to_owned(), allow.to_owned()),
            ]));
            let config = Config::read(layers, home.path());
            let providers = App::build(&config).unwrap().engine.models().providers().len();
            (providers, config.problems.errors().join("; "))
        };
        assert_eq!(app("true"), (1, String::new()));
        let (providers, problem) = app("false");
        assert_eq!(providers, 0);
        assert!(problem.contains("set allow_http = true"), "{problem}");
    }

    #[tokio::test]
    async fn an_endpoints_limit_is_a_limit_of_the_engine() {
        let home = tempfile::tempdir().unwrap();
        let file = "[[endpoints]]\nname = \"local\"\nbase_url = \"http://127.0.0.1:9/v1\"\nmax_concurrency = 2\n\
                    [[endpoints]]\nname = \"none\"\nbase_url = \"http://127.0.0.1:9/v1\"\nmax_concurrency = 0\n";
        std::fs::write(home.path().join("config.toml"), file).unwrap();
        let folder = home.path().display().to_string();
        let layers = Layers::from_environment(BTreeMap::from([
            (env::EXAI_CONFIG_DIR.to_owned(), folder.clone()),
            (env::EXAI_DATA_DIR.to_owned(), folder),
        ]));
        let config = Config::read(layers, home.path());
        let app = App::build(&config).unwrap();
        let permits = &app.engine.settings().inference.attempts.provider_permits;
        assert_eq!(permits.get(&"local".into()), Some(&2));
        assert_eq!(permits.get(&"none".into()), None);
        assert_eq!(config.problems.errors(), ["endpoint `none`: max_concurrency must be at least 1"]);
    }
}
