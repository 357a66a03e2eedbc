//! Configuration: read once, checked as a whole, every value with its origin.

mod clink;
mod dotenv;
pub mod dotenv_example;
pub mod endpoints;
pub mod env;
mod expand;
pub mod hints;
mod inherited;
mod key;
pub mod keys;
pub mod layers;
pub mod limits;
pub mod makers;
mod meant_keys;
mod named_models;
mod own_names;
mod paths;
pub mod place;
mod preferences;
pub mod problems;
mod rules;
pub mod serve;
mod severity;
pub mod tables;
mod thinking;
mod tools;
mod vendors;
mod wording;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use exai_context::files::RootCandidate;
use exai_engine::{Preferences, clink::ClinkSettings, reading::severity::SeverityWords};
use exai_prompts::Wording;
use exai_store::Sync;
use exai_tools::profile::Shown;
use tracing_subscriber::EnvFilter;

use self::{endpoints::Endpoints, layers::Layers, limits::Limits, place::Places, problems::Problems};

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What the program runs with.
#[derive(Debug)]
pub struct Config {
    /// Where every value came from.
    pub layers: Layers,
    /// What is wrong with it. A server starts nevertheless and says so; `config check` fails.
    pub problems: Problems,
    /// Folders.
    pub places: Places,
    /// Vendors and endpoints.
    pub endpoints: Endpoints,
    /// The words of the system prompts.
    pub wording: Arc<Wording>,
    /// The team's words for severities.
    pub severity_words: Arc<SeverityWords>,
    /// Other agents on this machine.
    pub clink: ClinkSettings,
    /// Times and bounds.
    pub limits: Limits,
    /// Whether endpoints on other machines may be asked without encryption.
    pub allow_http: bool,
    /// The HTTP server.
    pub serve: serve::Serve,
    /// Folders that may be read.
    pub roots: Vec<RootCandidate>,
    /// Models, thinking and language where a call says nothing.
    pub preferences: Preferences,
    /// The tools that clients are shown.
    pub shown: Shown,
    /// Durability.
    pub sync: Sync,
    /// What is logged.
    pub log_filter: String,
    /// How it is logged.
    pub log_format: LogFormat,
}

impl Config {
    /// Reads every source: the process environment, the files of the configuration folder, the project's file.
    ///
    /// # Errors
    /// The working directory cannot be told.
    pub fn load() -> std::io::Result<Self> {
        let working_directory = std::env::current_dir()?;
        let layers = Layers::from_environment(env::process()).with_undecodable(env::undecodable());
        Ok(Self::read(layers, &working_directory))
    }

    /// Reads the files that belong to `layers` and checks the whole.
    #[must_use]
    pub fn read(mut layers: Layers, working_directory: &Path) -> Self {
        let mut problems = Problems::default();
        layers.check_environment(&mut problems);
        let folder = Places::config_folder(&layers, working_directory, &mut problems);
        layers.read_user_files(&folder, &mut problems);
        layers.read_key_files(&mut problems);
        // Only the user's own sources were read so far, and a key may be among what they could not say.
        let unread = problems.errors().to_vec();
        let project = layers
            .variable(env::CLAUDE_PROJECT_DIR)
            .map_or_else(|| working_directory.to_owned(), PathBuf::from);
        layers.read_project_file(&project, &mut problems);
        let places = Places::resolve(&layers, folder, working_directory, &mut problems);
        let limits = Limits::read(&layers, &mut problems);
        let allow_http =
            choice(&layers, &keys::ALLOW_HTTP, [("false", false), ("true", true)], &mut problems);
        let endpoints = Endpoints::read(&layers, allow_http, &mut problems);
        let preferences = preferences::read(&layers, &mut problems);
        named_models::check(&preferences, &endpoints, allow_http, &mut problems);
        let serve = serve::read(&layers, &places, (limits.call, unread), &mut problems);
        own_names::check(&layers, &mut problems);
        Self {
            preferences,
            shown: tools::read(&layers, &mut problems),
            wording: wording::read(&layers, &places, &mut problems),
            severity_words: Arc::new(severity::read(&layers, &mut problems)),
            clink: clink::read(&layers, &limits, &mut problems),
            allow_http,
            serve,
            roots: place::local_roots(&layers, &places, working_directory, &mut problems),
            sync: choice(
                &layers,
                &keys::STORE_SYNC,
                [("normal", Sync::Normal), ("full", Sync::Full)],
                &mut problems,
            ),
            log_filter: log_filter(&layers, &mut problems),
            log_format: choice(
                &layers,
                &keys::LOG_FORMAT,
                [("auto", LogFormat::Auto), ("text", LogFormat::Text), ("json", LogFormat::Json)],
                &mut problems,
            ),
            layers,
            problems,
            places,
            endpoints,
            limits,
        }
    }
}

impl Config {
    /// An address of the command line: `unix:PATH` with the path that is meant, anything else as it is written.
    ///
    /// # Errors
    /// What in the path cannot be expanded.
    pub fn address(&self, written: &str) -> Result<String, String> {
        let socket = serve::with_socket_path(&self.layers, written);
        socket
            .map(|socket| socket.unwrap_or_else(|| written.to_owned()))
            .map_err(|why| format!("{written}: {why}"))
    }

    /// What git gets to see of the environment.
    #[must_use]
    pub fn git_environment(&self) -> Vec<(String, String)> {
        let seen = env::FOR_GIT.iter();
        seen.filter_map(|name| Some(((*name).to_owned(), self.layers.variable(name)?.to_owned()))).collect()
    }

    /// The index that a commit under way has named to its hooks.
    #[must_use]
    pub fn git_index(&self) -> Option<PathBuf> {
        self.layers.variable(env::GIT_INDEX_FILE).filter(|name| !name.is_empty()).map(PathBuf::from)
    }
}

/// A value out of a closed set; the first one when it is not in the set.
fn choice<T: Copy, const N: usize>(
    layers: &Layers,
    key: &key::Key,
    words: [(&str, T); N],
    problems: &mut Problems,
) -> T {
    const { assert!(N > 0, "a choice has at least one word") };
    let found = layers.look_up(key);
    let first = &words[0];
    let chosen = words.iter().find(|(word, _)| found.value.eq_ignore_ascii_case(word));
    if chosen.is_none() {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        problems.error(format!(
            "{} (from {}): expected {}, got `{}`",
            key.path,
            found.origin,
            hints::listed(&names, "or"),
            clip(&found.value)
        ));
    }
    chosen.unwrap_or(first).1
}

/// What is logged; the default when the filter cannot be read.
fn log_filter(layers: &Layers, problems: &mut Problems) -> String {
    let found = layers.look_up(&keys::LOG_FILTER);
    let Err(error) = EnvFilter::try_new(&found.value) else { return found.value };
    let (key, default) = (keys::LOG_FILTER.path, keys::LOG_FILTER.default);
    let value = clip(&found.value);
    problems
        .error(format!("{key} (from {}): `{value}` is no filter ({error}); {default} is used", found.origin));
    default.to_owned()
}

fn clip(text: &str) -> String {
    text.chars().take(60).collect()
}
