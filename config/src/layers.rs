//! Where values come from, and which source wins: command line, environment, `.env`, project file, user file, default.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
};

use strsim::levenshtein;

use super::{env, expand::Expander, key::Key, keys, problems::Problems};
use exai_core::private;

/// The keys that a project's own file may set. Never addresses, keys, roots, limits or tools: a cloned repository is a stranger's text.
const PROJECT_KEYS: [&str; 2] = ["default_model", "locale"];
/// The tables of `config.toml` that are not single values.
pub(super) const TABLES: [&str; 6] = ["clients", "clink", "endpoints", "rules", "severity", "tools"];
/// More wrong letters than this make another word.
const MOST_TYPOS: usize = 2;
/// A larger file is not a configuration.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It is the default.
    Default,
    /// A file.
    File(PathBuf),
    /// An environment name, by the name that was used.
    Env(String),
    /// The command line.
    CommandLine,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Env(name) => write!(f, "environment {name}"),
            Self::CommandLine => f.write_str("command line"),
        }
    }
}

/// A value and its origin.
#[derive(Debug, Clone)]
pub struct Found {
    /// The text, trimmed.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// All sources.
#[derive(Debug, Default)]
pub struct Layers {
    command_line: BTreeMap<&'static str, String>,
    environment: BTreeMap<String, String>,
    /// Names of variables whose values are no text.
    undecodable: Vec<String>,
    /// Values of secrets that stand in files, by the name of the secret, with the file.
    key_files: BTreeMap<&'static str, (PathBuf, String)>,
    dotenv: (PathBuf, BTreeMap<String, String>),
    project: (PathBuf, BTreeMap<String, String>),
    user: (PathBuf, BTreeMap<String, String>),
    user_tables: toml::Table,
}

impl Layers {
    /// Sources without files.
    #[must_use]
    pub fn from_environment(environment: BTreeMap<String, String>) -> Self {
        Self { environment, ..Self::default() }
    }

    /// Adds the names of variables whose values are no text.
    #[must_use]
    pub fn with_undecodable(mut self, names: Vec<String>) -> Self {
        self.undecodable = names;
        self
    }

    /// Reports variables whose values are no text.
    pub fn check_environment(&self, problems: &mut Problems) {
        for name in &self.undecodable {
            problems.error(format!("{name}: the value is not UTF-8"));
        }
    }

    /// Reads the files that `NAME_FILE` names in the place of a secret `NAME`, as container platforms hand secrets over.
    pub fn read_key_files(&mut self, problems: &mut Problems) {
        for name in keys::all().filter(|key| key.secret).flat_map(|key| key.env) {
            let variable = format!("{name}_FILE");
            let written = self.environment.get(&variable).or_else(|| self.dotenv.1.get(&variable));
            let Some(path) = written.map(|path| path.trim()).filter(|path| is_set(path)) else { continue };
            let variable_of = |name: &str| self.environment.get(name).cloned();
            let path = match Expander::new(&variable_of, etcetera::home_dir().ok()).path(path) {
                Ok(path) => path,
                Err(problem) => {
                    problems.error(format!("{variable}: {problem}"));
                    continue;
                }
            };
            match read_text(&path, problems) {
                Some(text) => drop(self.key_files.insert(name, (path, text.trim().to_owned()))),
                None if path.exists() => {}
                None => problems.error(format!("{variable}: there is no file {}", path.display())),
            }
        }
    }

    /// Adds `config.toml` and `.env` of the configuration folder.
    pub fn read_user_files(&mut self, folder: &Path, problems: &mut Problems) {
        let path = folder.join("config.toml");
        let table = read_table(&path, problems);
        self.user = (path.clone(), flatten(&table, &path, problems));
        self.user_tables = table;
        let dotenv = folder.join(".env");
        let text = read_text(&dotenv, problems).unwrap_or_default();
        if private::is_readable_by_others(&dotenv) {
            problems.warn(format!(
                "{}: other users of this machine can read this file and the keys in it: chmod 600 it",
                dotenv.display()
            ));
        }
        self.dotenv = (dotenv.clone(), super::dotenv::parse(&text, &dotenv, problems));
    }

    /// Adds a project's `exai.toml`, which may set little.
    pub fn read_project_file(&mut self, folder: &Path, problems: &mut Problems) {
        let path = folder.join("exai.toml");
        let table = read_table(&path, problems);
        for name in TABLES.into_iter().filter(|name| table.contains_key(*name)) {
            problems.warn(format!("{}: `{name}` cannot be set by a project and was ignored", path.display()));
        }
        let mut values = flatten(&table, &path, problems);
        values.retain(|name, _| {
            let allowed = PROJECT_KEYS.contains(&name.as_str());
            if !allowed {
                problems
                    .warn(format!("{}: `{name}` cannot be set by a project and was ignored", path.display()));
            }
            allowed
        });
        self.project = (path, values);
    }

    /// Sets a value from the command line.
    pub fn set(&mut self, key: &Key, value: String) {
        self.command_line.insert(key.path, value);
    }

    /// The tables under a name of the user's file.
    #[must_use]
    pub fn tables(&self, name: &str) -> Vec<&toml::Table> {
        match self.user_tables.get(name) {
            Some(toml::Value::Array(list)) => list.iter().filter_map(toml::Value::as_table).collect(),
            Some(toml::Value::Table(table)) => vec![table],
            _ => Vec::new(),
        }
    }

    /// The tables under a name of the user's file, when everything there is one.
    ///
    /// # Errors
    /// Something else stands there.
    pub fn only_tables(&self, name: &str) -> Result<Vec<&toml::Table>, String> {
        let tables = self.tables(name);
        let complete = match self.user_tables.get(name) {
            None => true,
            Some(toml::Value::Array(list)) => list.len() == tables.len(),
            Some(value) => value.is_table(),
        };
        let wrong = || format!("{}: write {name} as tables, [[{name}]]", self.user.0.display());
        complete.then_some(tables).ok_or_else(wrong)
    }

    /// Names in the user's file that are no settings, and that could be meant for this section or table.
    #[must_use]
    pub fn misspelled(&self, beginning: &str) -> Vec<String> {
        let known: BTreeSet<&str> = keys::all().map(|key| key.path).collect();
        let path = |name: &str, inner: &str| format!("{name}.{inner}");
        let of_section = |(name, value): (&String, &toml::Value)| match value {
            toml::Value::Table(section) if !TABLES.contains(&name.as_str()) => {
                section.keys().map(|inner| path(name, inner)).collect()
            }
            _ => vec![name.clone()],
        };
        let unknown = |name: &String| !known.contains(name.as_str()) && !TABLES.contains(&name.as_str());
        self.user_tables
            .iter()
            .flat_map(of_section)
            .filter(|name| name.starts_with(beginning) && unknown(name))
            .map(|name| {
                format!("{}: `{name}` is not a setting{}", self.user.0.display(), nearest(&name, &known))
            })
            .collect()
    }

    /// Where a key is named and left without a value, unless it has one elsewhere.
    #[must_use]
    pub fn left_empty(&self, key: &Key) -> Option<String> {
        if !matches!(self.look_up(key).origin, Origin::Default) {
            return None;
        }
        key.env
            .iter()
            .find_map(|name| {
                let file = format!("{name}_FILE");
                let of = |name: &str| self.environment.contains_key(name).then(|| name.to_owned());
                let in_dotenv = self.dotenv.1.contains_key(*name) || self.dotenv.1.contains_key(&file);
                of(name)
                    .or_else(|| of(&file))
                    .or_else(|| in_dotenv.then(|| format!("{name} in {}", self.dotenv.0.display())))
            })
            .or_else(|| {
                let (path, values) = &self.user;
                values.contains_key(key.path).then(|| format!("{} in {}", key.path, path.display()))
            })
    }

    /// Names that begin like this program's own, of the environment and of `.env`.
    #[must_use]
    pub fn own_variables(&self) -> BTreeSet<&str> {
        let all = self.environment.keys().chain(self.dotenv.1.keys());
        let is_own = |name: &&str| {
            name.get(..env::PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(env::PREFIX))
        };
        all.map(String::as_str).filter(is_own).collect()
    }

    /// The variables that the user's file names as holders of keys, or hands on to agents.
    #[must_use]
    pub fn named_variables(&self) -> BTreeSet<&str> {
        const HOLDERS: [&str; 3] = ["api_key_env", "token_env", "env"];
        let mut open: Vec<&toml::Value> = self.user_tables.values().collect();
        let mut names = BTreeSet::new();
        while let Some(value) = open.pop() {
            match value {
                toml::Value::Array(list) => open.extend(list),
                toml::Value::Table(table) => {
                    for (key, value) in table {
                        if HOLDERS.contains(&key.as_str()) {
                            let listed = value.as_array().into_iter().flatten();
                            names.extend(
                                value.as_str().into_iter().chain(listed.filter_map(toml::Value::as_str)),
                            );
                        }
                        open.push(value);
                    }
                }
                _ => {}
            }
        }
        names
    }

    /// A table of the user's file that is not single values.
    #[must_use]
    pub fn user_table(&self, name: &str) -> Option<&toml::Value> {
        self.user_tables.get(name)
    }

    /// The path of the user's file.
    #[must_use]
    pub fn user_file(&self) -> &Path {
        &self.user.0
    }

    /// Every variable of the environment.
    pub fn variables(&self) -> impl Iterator<Item = (String, String)> {
        self.environment.iter().map(|(name, value)| (name.clone(), value.clone()))
    }

    /// A variable of the environment.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str)
    }

    /// A variable that holds a secret, of the environment or of `.env`.
    #[must_use]
    pub fn secret_variable(&self, name: &str) -> Option<String> {
        let value = self.environment.get(name).or_else(|| self.dotenv.1.get(name))?.trim();
        is_set(value).then(|| value.to_owned())
    }

    /// Whether a key has a value in a file of the user's, whatever else has one.
    #[must_use]
    pub fn stands_in_file(&self, key: &Key) -> bool {
        let in_dotenv = |name: &&str| self.dotenv.1.get(*name).is_some_and(|value| is_set(value.trim()));
        key.env.iter().any(|name| self.key_files.contains_key(name) || in_dotenv(name))
            || self.user.1.get(key.path).is_some_and(|value| is_set(value.trim()))
    }

    /// The value of a key and where it came from.
    #[must_use]
    pub fn look_up(&self, key: &Key) -> Found {
        let found = |value: &String, origin: Origin| {
            let value = value.trim();
            is_set(value).then(|| Found { value: value.to_owned(), origin })
        };
        if let Some(found) =
            self.command_line.get(key.path).and_then(|value| found(value, Origin::CommandLine))
        {
            return found;
        }
        for name in key.env {
            if let Some(found) =
                self.environment.get(*name).and_then(|value| found(value, Origin::Env((*name).to_owned())))
            {
                return found;
            }
        }
        for name in key.env {
            if let Some(found) =
                self.key_files.get(name).and_then(|(path, value)| found(value, Origin::File(path.clone())))
            {
                return found;
            }
        }
        for name in key.env {
            let (path, values) = &self.dotenv;
            if let Some(found) = values.get(*name).and_then(|value| found(value, Origin::File(path.clone())))
            {
                return found;
            }
        }
        for (path, values) in [&self.project, &self.user] {
            if let Some(found) =
                values.get(key.path).and_then(|value| found(value, Origin::File(path.clone())))
            {
                return found;
            }
        }
        Found { value: key.default.to_owned(), origin: Origin::Default }
    }
}

/// An unexpanded `${NAME}` is what clients hand over when the variable does not exist: it means nothing was set.
fn is_set(value: &str) -> bool {
    let unexpanded = value.starts_with("${") && value.ends_with('}');
    !value.is_empty() && !unexpanded
}

fn read_text(path: &Path, problems: &mut Problems) -> Option<String> {
    match std::fs::metadata(path) {
        // A link that leads nowhere was meant to be a file.
        Err(error)
            if error.kind() == std::io::ErrorKind::NotFound && std::fs::symlink_metadata(path).is_err() =>
        {
            return None;
        }
        Ok(about) if !about.is_file() || about.len() > MAX_FILE_BYTES => {
            problems.error(format!("{}: not a regular file of at most 1 MiB", path.display()));
            return None;
        }
        Ok(_) | Err(_) => {}
    }
    std::fs::read_to_string(path).map_err(|error| problems.error(format!("{}: {error}", path.display()))).ok()
}

fn read_table(path: &Path, problems: &mut Problems) -> toml::Table {
    let Some(text) = read_text(path, problems) else { return toml::Table::new() };
    text.parse::<toml::Table>().unwrap_or_else(|error| {
        // The whole text also draws the line; its first line says where that is.
        let (whole, what) = (error.to_string(), error.message());
        let place = whole.lines().next().unwrap_or_default();
        problems.error(format!("{}: {place}: {what}", path.display()));
        toml::Table::new()
    })
}

/// Single values by their dotted path. An unknown name is reported with the nearest known one.
fn flatten(table: &toml::Table, path: &Path, problems: &mut Problems) -> BTreeMap<String, String> {
    let known: BTreeSet<&str> = keys::all().map(|key| key.path).collect();
    let mut values = BTreeMap::new();
    let mut add = |name: String, value: &toml::Value| {
        if !known.contains(name.as_str()) {
            problems.warn(format!("{}: `{name}` is not a setting{}", path.display(), nearest(&name, &known)));
            return;
        }
        match text_of(value) {
            Some(text) => drop(values.insert(name, text)),
            None => problems.error(format!("{}: `{name}` must be a single value", path.display())),
        }
    };
    for (name, value) in table {
        match value {
            toml::Value::Table(_) | toml::Value::Array(_) if TABLES.contains(&name.as_str()) => {}
            toml::Value::Table(section) => {
                section.iter().for_each(|(inner, value)| add(format!("{name}.{inner}"), value));
            }
            value => add(name.clone(), value),
        }
    }
    values
}

fn text_of(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(list) => {
            let parts: Option<Vec<&str>> = list.iter().map(toml::Value::as_str).collect();
            let joined = std::env::join_paths(parts?).ok()?;
            joined.into_string().ok()
        }
        toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

/// The known name that was probably meant: the same but for a few letters, or in another table.
fn nearest(name: &str, known: &BTreeSet<&str>) -> String {
    let last = |path: &str| path.rsplit('.').next().unwrap_or(path).to_owned();
    let near = known
        .iter()
        .map(|path| (levenshtein(name, path).min(levenshtein(&last(name), &last(path)) + 1), path))
        .min()
        .filter(|(distance, _)| *distance <= MOST_TYPOS);
    near.map(|(_, path)| format!("; did you mean `{path}`?")).unwrap_or_default()
}
