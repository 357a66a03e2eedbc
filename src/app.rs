//! Puts the parts together. Touches neither database nor network: both wait for the first call that needs them.

use std::{sync::Arc, time::Duration};

use exai_context::{
    files::{RootCandidate, RootOrigin},
    git::GitSettings,
};
use exai_core::{Clock, SystemClock, provider::Provider, store::Store};
use exai_engine::{
    Engine, Parts, Settings,
    inference::{
        InferenceSettings,
        attempt::AttemptSettings,
        coordination::Coordination,
        fair::{FairLimit, Sharing},
    },
};
use exai_providers::HttpSettings;
use exai_store::SqliteStore;
use exai_tools::{ExaiServer, OnDisconnect, RootPolicy, ServerParts};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, hints::hints_for, makers::makers};

/// Time between signs of life of a running call.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How long a call may take before a client that knows tasks gets one: most steps are answered sooner.
const TASK_AFTER: Duration = Duration::from_secs(2);
/// How long a client that gives up after a minute may wait for its answer, with time to spare for the way.
const HURRIED_AFTER: Duration = Duration::from_secs(50);
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
    /// Begins to build the program from a configuration: for one client on standard input and output, with the configured providers,
    /// the database of the configuration and the clock of the system, unless a step says otherwise.
    pub fn builder(config: &Config) -> AppBuilder<'_> {
        AppBuilder {
            config,
            mode: ServeMode::Stdio,
            own_providers: Vec::new(),
            store: None,
            clock: Arc::new(SystemClock),
            hurried_after: HURRIED_AFTER,
        }
    }
}

/// Puts the program's parts together, step by step.
#[must_use]
pub struct AppBuilder<'c> {
    config: &'c Config,
    mode: ServeMode,
    own_providers: Vec<Arc<dyn Provider>>,
    store: Option<Arc<dyn Store>>,
    clock: Arc<dyn Clock>,
    hurried_after: Duration,
}

impl AppBuilder<'_> {
    /// Serves the clients of this mode.
    pub fn serving(self, mode: ServeMode) -> Self {
        Self { mode, ..self }
    }

    /// Asks this provider too, after the configured ones and those that were named before.
    pub fn provider(mut self, provider: Arc<dyn Provider>) -> Self {
        self.own_providers.push(provider);
        self
    }

    /// Keeps threads and runs here in place of the configured database.
    pub fn store(self, store: Arc<dyn Store>) -> Self {
        Self { store: Some(store), ..self }
    }

    /// Takes the time from this clock in place of the system's.
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Tells clients that are known to give up after a minute that their call goes on when it has taken this long, in place of 50
    /// seconds.
    pub fn hurried_after(self, hurried_after: Duration) -> Self {
        Self { hurried_after, ..self }
    }

    /// Builds everything.
    ///
    /// # Errors
    /// An endpoint's address cannot be used.
    pub fn build(mut self) -> anyhow::Result<App> {
        let closing = CancellationToken::new();
        let store = self.store.take().unwrap_or_else(|| self.configured_store());
        let settings = self.engine_settings();
        let engine = Engine::new(Parts {
            coordination: Coordination::in_process(&settings.inference),
            providers: self.providers()?,
            store: Arc::clone(&store),
            clock: Arc::clone(&self.clock),
            jitter: Arc::new(rand::random::<f64>),
            settings,
            closing: closing.clone(),
        });
        let server = ExaiServer::new(self.server_parts(engine.clone(), closing.clone()));
        Ok(App { server, engine, store, closing })
    }

    fn configured_store(&self) -> Arc<dyn Store> {
        let config = self.config;
        let settings =
            exai_store::Settings { sync: config.sync, ..exai_store::Settings::at(config.places.database()) };
        SqliteStore::open_lazily(settings, Arc::clone(&self.clock))
    }

    /// The configured providers, and those that the program brings.
    fn providers(&mut self) -> anyhow::Result<Vec<Arc<dyn Provider>>> {
        let (config, limits) = (self.config, &self.config.limits);
        let http = HttpSettings {
            connect: limits.connect,
            first_byte: limits.first_byte,
            idle: limits.idle,
            allow_insecure: config.allow_http,
            idle_connections: limits.attempts.global_permits.max(32),
            ..HttpSettings::default()
        };
        let mut providers = exai_providers::build(config.endpoints.settings.clone(), http)?;
        providers.append(&mut self.own_providers);
        Ok(providers)
    }

    /// One client has all to itself; several leave something for each other.
    fn sharing(&self) -> Sharing {
        match self.mode {
            ServeMode::Stdio => Sharing::Whole,
            ServeMode::Network => Sharing::Fair,
        }
    }

    fn git(&self) -> GitSettings {
        GitSettings {
            environment: self.config.git_environment(),
            index_file: self.config.git_index(),
            time_limit: self.config.limits.git,
            ..GitSettings::default()
        }
    }

    fn engine_settings(&self) -> Settings {
        let (config, limits) = (self.config, &self.config.limits);
        Settings {
            inference: inference_settings(config, self.sharing()),
            consensus_limit: limits.consensus,
            file_tokens: limits.file_tokens,
            clink: config.clink.clone(),
            wording: Arc::clone(&config.wording),
            severity_words: Arc::clone(&config.severity_words),
            git: self.git(),
            hints: hints_for(&config.endpoints),
            ..Settings::default()
        }
    }

    fn server_parts(&self, engine: Engine, closing: CancellationToken) -> ServerParts {
        let (config, limits) = (self.config, &self.config.limits);
        ServerParts {
            engine,
            roots: RootPolicy {
                fixed: match self.mode {
                    ServeMode::Stdio => config.roots.clone(),
                    ServeMode::Network => configured(&config.roots),
                },
                home: config.places.home.clone(),
                ask_client: self.mode == ServeMode::Stdio,
                client_limit: ROOTS_LIMIT,
                git: self.git(),
            },
            vendors: config.endpoints.facts.clone(),
            shown: config.shown.clone(),
            version: env!("CARGO_PKG_VERSION"),
            database: config.places.database().display().to_string(),
            heartbeat: HEARTBEAT,
            user_limit: USER_LIMIT,
            on_disconnect: match self.mode {
                ServeMode::Network if !config.serve.cancel_on_disconnect => OnDisconnect::Finish,
                ServeMode::Stdio | ServeMode::Network => OnDisconnect::Interrupt,
            },
            task_after: TASK_AFTER,
            hurried_after: self.hurried_after,
            answer_chars: limits.answer_chars,
            consultations: FairLimit::new(limits.in_flight, self.sharing()),
            admission_wait: limits.attempts.permit_wait,
            session_consultations: match self.mode {
                ServeMode::Stdio => limits.in_flight,
                ServeMode::Network => limits.session,
            },
            closing,
        }
    }
}

/// Only what the user has named: over the network, a client's project and this process's folder are not read.
pub(crate) fn configured(roots: &[RootCandidate]) -> Vec<RootCandidate> {
    roots.iter().filter(|root| root.origin == RootOrigin::Configured).cloned().collect()
}

/// How completions behave, with the limits of single endpoints.
fn inference_settings(config: &Config, sharing: Sharing) -> InferenceSettings {
    let limits = &config.limits;
    let mut attempts = AttemptSettings { sharing, ..limits.attempts.clone() };
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
        makers: makers(&config.endpoints),
        ..Settings::default().inference
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use exai_core::{ManualClock, Timestamp};

    use super::*;
    use crate::config::{env, layers::Layers};

    /// Another machine is asked without encryption only when that is allowed.
    #[tokio::test]
    async fn unencrypted_machines_need_permission() {
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
            let providers = App::builder(&config).build().unwrap().engine.models().providers().len();
            (providers, config.problems.errors().join("; "))
        };
        assert_eq!(app("true"), (1, String::new()));
        let (providers, problem) = app("false");
        assert_eq!(providers, 0);
        assert!(problem.contains("set allow_http = true"), "{problem}");
    }

    #[tokio::test]
    async fn named_steps_replace_the_defaults() {
        let home = tempfile::tempdir().unwrap();
        let config = Config::read(Layers::from_environment(BTreeMap::new()), home.path());
        let noon = Timestamp(43_200_000);
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(noon));
        let settings = exai_store::Settings::at(home.path().join("elsewhere.db"));
        let store: Arc<dyn Store> = SqliteStore::open_lazily(settings, Arc::clone(&clock));
        let app = App::builder(&config).store(Arc::clone(&store)).clock(clock).build().unwrap();
        assert!(Arc::ptr_eq(&app.store, &store));
        assert_eq!(app.engine.clock().now(), noon);
    }

    #[tokio::test]
    async fn limits_of_endpoints_reach_the_engine() {
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
        let app = App::builder(&config).build().unwrap();
        let permits = &app.engine.settings().inference.attempts.provider_permits;
        assert_eq!(permits.get(&"local".into()), Some(&2));
        assert_eq!(permits.get(&"none".into()), None);
        assert_eq!(config.problems.errors(), ["endpoint `none`: max_concurrency must be at least 1"]);
    }
}
