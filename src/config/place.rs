//! Folders: configuration, data, and what may be read.

use std::path::{Path, PathBuf};

use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};
use exai_context::files::{RootCandidate, RootOrigin};

use super::{env, keys, layers::Layers};

/// Where the program keeps its files.
#[derive(Debug, Clone)]
pub struct Places {
    /// Holds `config.toml` and `.env`.
    pub config: PathBuf,
    /// Holds the database.
    pub data: PathBuf,
    /// The user's home.
    pub home: Option<PathBuf>,
}

impl Places {
    /// The configuration folder, before any file has been read.
    #[must_use]
    pub fn config_folder(layers: &Layers, working_directory: &Path) -> PathBuf {
        match layers.variable(env::EXAI_CONFIG_DIR).filter(|value| !value.trim().is_empty()) {
            Some(folder) => absolute(folder.trim(), working_directory),
            None => strategy()
                .map_or_else(|| working_directory.join(".exai-mcp"), |strategy| strategy.config_dir()),
        }
    }

    /// All folders, once the files have been read.
    #[must_use]
    pub fn resolve(layers: &Layers, config: PathBuf, working_directory: &Path) -> Self {
        let set = layers.look_up(&keys::DATA_DIR).value;
        let data = if set.is_empty() {
            strategy().map_or_else(|| config.join("data"), |strategy| strategy.data_dir())
        } else {
            absolute(&set, working_directory)
        };
        Self { config, data, home: etcetera::home_dir().ok() }
    }

    /// The database file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.data.join("exai.db")
    }
}

/// The folders that a caller on this machine may have read: configured ones, the client's project, the working directory.
#[must_use]
pub fn local_roots(layers: &Layers, working_directory: &Path) -> Vec<RootCandidate> {
    let configured = layers.look_up(&keys::ROOTS).value;
    let mut roots: Vec<RootCandidate> = std::env::split_paths(&configured)
        .filter(|path| !path.as_os_str().is_empty())
        .map(|path| RootCandidate { path: working_directory.join(path), origin: RootOrigin::Configured })
        .collect();
    if let Some(project) = layers.variable(env::CLAUDE_PROJECT_DIR).filter(|value| !value.trim().is_empty()) {
        roots.push(RootCandidate { path: PathBuf::from(project), origin: RootOrigin::ClientProject });
    }
    roots.push(RootCandidate { path: working_directory.to_owned(), origin: RootOrigin::WorkingDirectory });
    roots
}

fn strategy() -> Option<impl AppStrategy> {
    choose_app_strategy(AppStrategyArgs {
        top_level_domain: "dev".to_owned(),
        author: "exai".to_owned(),
        app_name: "exai-mcp".to_owned(),
    })
    .ok()
}

fn absolute(folder: &str, working_directory: &Path) -> PathBuf {
    working_directory.join(folder)
}
