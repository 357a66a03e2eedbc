//! Folders: configuration, data, and what may be read.

use std::path::{Path, PathBuf};

use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};
use exai_context::files::{RootCandidate, RootOrigin, Roots};

use super::{env, keys, layers::Layers, paths, problems::Problems};

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
    pub fn config_folder(layers: &Layers, working_directory: &Path, problems: &mut Problems) -> PathBuf {
        let named = named(layers, env::EXAI_CONFIG_DIR, problems);
        match named {
            Some(folder) => {
                let folder = working_directory.join(folder);
                if !folder.is_dir() {
                    problems.warn(missing(&folder));
                }
                folder
            }
            None => strategy()
                .map_or_else(|| working_directory.join(".exai-mcp"), |strategy| strategy.config_dir()),
        }
    }

    /// All folders, once the files have been read.
    #[must_use]
    pub fn resolve(
        layers: &Layers,
        config: PathBuf,
        working_directory: &Path,
        problems: &mut Problems,
    ) -> Self {
        let data = match paths::path_of(layers, &keys::DATA_DIR, problems) {
            Some(folder) => working_directory.join(folder),
            None => strategy().map_or_else(|| config.join("data"), |strategy| strategy.data_dir()),
        };
        check_home(&config, &data, problems);
        if let Some(why) = paths::why_no_folder(&data) {
            problems.error(format!("{}: {why}", keys::DATA_DIR.path));
        }
        Self { config, data, home: etcetera::home_dir().ok().filter(|home| home.is_absolute()) }
    }

    /// What keeps the database from being written; `None` when nothing does, or when it was reported before.
    #[must_use]
    pub fn why_no_database(&self) -> Option<String> {
        if paths::why_no_folder(&self.data).is_some() {
            return None;
        }
        let why = paths::why_not_written(&self.data)?;
        Some(format!("{} ({}): {why}; name another folder", keys::DATA_DIR.path, env::EXAI_DATA_DIR))
    }

    /// The database file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.data.join("exai.db")
    }
}

/// The folders that a caller on this machine may have read: configured ones, the client's project, the working directory.
#[must_use]
pub fn local_roots(
    layers: &Layers,
    places: &Places,
    working_directory: &Path,
    problems: &mut Problems,
) -> Vec<RootCandidate> {
    let mut roots: Vec<RootCandidate> = paths::paths_of(layers, &keys::ROOTS, problems)
        .into_iter()
        .map(|path| RootCandidate { path: working_directory.join(path), origin: RootOrigin::Configured })
        .collect();
    let admitted = Roots::resolve(roots.clone(), places.home.as_deref());
    for ignored in admitted.ignored() {
        let told =
            format!("{}: {} is not readable: {}", keys::ROOTS.path, ignored.path.display(), ignored.reason);
        problems.error(told);
    }
    if let Some(project) = layers.variable(env::CLAUDE_PROJECT_DIR).filter(|value| !value.trim().is_empty()) {
        roots.push(RootCandidate { path: PathBuf::from(project), origin: RootOrigin::ClientProject });
    }
    roots.push(RootCandidate { path: working_directory.to_owned(), origin: RootOrigin::WorkingDirectory });
    roots
}

/// The usual folders; none without a home folder to begin at.
fn strategy() -> Option<impl AppStrategy> {
    let strategy = choose_app_strategy(AppStrategyArgs {
        top_level_domain: "dev".to_owned(),
        author: "exai".to_owned(),
        app_name: "exai-mcp".to_owned(),
    });
    // A home that is written with `~`, as some service files have it, would be made as a folder of that name.
    strategy.ok().filter(|strategy| strategy.config_dir().is_absolute() && strategy.data_dir().is_absolute())
}

/// Reports a home folder that is none, because everything is kept elsewhere then.
fn check_home(config: &Path, data: &Path, problems: &mut Problems) {
    if let Ok(home) = etcetera::home_dir()
        && !home.is_absolute()
    {
        problems.error(format!(
            "HOME is `{}`, which is no whole path; the configuration is read from {} and threads are kept in {}",
            home.display(),
            config.display(),
            data.display()
        ));
    }
}

/// What is told of a configuration folder that is named and not there.
pub(super) fn missing(folder: &Path) -> String {
    let (name, folder) = (env::EXAI_CONFIG_DIR, folder.display());
    format!("{name}: there is no folder {folder}; make it, or remove the name")
}

/// The folder that a variable names; `None` when it names none, or one that cannot be expanded, which is reported.
pub(super) fn named(layers: &Layers, name: &str, problems: &mut Problems) -> Option<PathBuf> {
    let written = layers.variable(name).map(str::trim).filter(|value| !value.is_empty())?;
    let folder = paths::expanded(layers, written);
    folder.map_err(|problem| problems.error(format!("{name}: {problem}"))).ok()
}
