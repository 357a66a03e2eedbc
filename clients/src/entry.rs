//! The entries of MCP clients: what their files say of this server.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use crate::{
    clients::{CLIENTS, Client, KEYS, Patience},
    finding::Finding,
    format::{self, Format, Unread},
    shape,
};

/// How long the entries of the documentation let a call take, in seconds.
const LONG: u64 = 900;

/// The environment of this process, by name.
pub type Environment = BTreeMap<String, String>;

/// How a program is started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Start {
    /// The program, as the entry names it.
    pub command: String,
    /// What it is started with.
    pub arguments: Vec<String>,
    /// What the entry adds to the environment.
    pub environment: BTreeMap<String, String>,
    /// The working directory, when the entry names one.
    pub folder: Option<String>,
}

/// How a client reaches the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// It starts a program.
    Start(Start),
    /// It calls an address.
    Call {
        /// The address.
        url: String,
        /// What goes with each call, by name.
        headers: BTreeMap<String, String>,
    },
}

/// One entry.
#[derive(Debug)]
pub struct Entry {
    /// Whose entry it is.
    pub client: &'static Client,
    /// Where it stands.
    pub file: PathBuf,
    /// What the client calls the server.
    pub name: String,
    /// How the client reaches the server.
    pub way: Way,
    /// What can be seen without trying.
    pub findings: Vec<Finding>,
}

/// What files of clients have of this server.
#[derive(Debug, Default)]
pub struct Found {
    /// The entries.
    pub entries: Vec<Entry>,
    /// What is wrong with files.
    pub findings: Vec<Finding>,
}

/// Every entry of this server in the files of the known clients, and what is wrong with files.
pub fn all(home: Option<&Path>, project: &Path, environment: &Environment) -> Found {
    let mut found = Found::default();
    for client in &CLIENTS {
        let of_home = home.into_iter().flat_map(|home| client.home.iter().map(|path| home.join(path)));
        for file in of_home.chain(client.project.iter().map(|path| project.join(path))) {
            if file.exists() && !found.entries.iter().any(|entry| entry.file == file) {
                of_file(client, client.format, &file, environment, &mut found);
            }
        }
    }
    found
}

/// The client that a file is of, by its name and its keys, and how strictly that one reads it. A file that only has the keys of a client
/// may be another's.
pub fn client_of(file: &Path) -> (&'static Client, Format) {
    let by_place = CLIENTS
        .iter()
        .find(|client| client.home.iter().chain(client.project).any(|path| file.ends_with(path)));
    let by_key = || {
        let document = format::peek(file)?;
        CLIENTS.iter().find(|client| document.get(client.key).is_some())
    };
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
    let by_name = || {
        let named = |client: &&Client| {
            let name = client.name.to_lowercase().replace(' ', "-");
            stem.len() >= 4 && (stem.starts_with(&name) || name.starts_with(&stem))
        };
        CLIENTS.iter().find(named)
    };
    match by_place.or_else(by_name) {
        Some(client) => (client, client.format),
        None => (by_key().unwrap_or(&CLIENTS[0]), Format::Unsure),
    }
}

/// Adds the entries of one file, and what is wrong with it. Whether there was anything to add.
pub fn of_file(
    client: &'static Client,
    format: Format,
    file: &Path,
    environment: &Environment,
    found: &mut Found,
) -> bool {
    let Found { entries, findings } = found;
    let read = match format::read(file, format) {
        Ok(read) => read,
        Err(Unread::Wrong(error)) => {
            let fix = "correct it there; the client cannot read it either";
            findings.push(Finding::error(format!("{}: {error}", file.display()), fix));
            return true;
        }
        Err(Unread::Foreign(why)) => {
            findings.push(Finding::doubt(
                format!("{}: {why}", file.display()),
                "compare it with docs/clients.md",
            ));
            return true;
        }
    };
    if let Some(doubt) = read.doubt {
        let told =
            format!("{}: {doubt}; whether {} reads that is not documented", file.display(), client.name);
        findings.push(Finding::doubt(told, "leave comments and commas at the end out"));
    }
    findings.extend(shape::of_maps(&read.document, file));
    let mut count = 0;
    for (key, servers) in servers(&read.document) {
        for (name, entry) in servers.iter().filter(|(name, entry)| is_ours(name, entry)) {
            count += 1;
            let mut seen = shape::of_entry(entry);
            let Some(way) = way(entry, environment) else {
                let told = format!("{}: {name} has neither a command nor an address", file.display());
                findings.push(Finding::error(
                    told,
                    "write \"command\": \"exai-mcp\", or the url of a running server",
                ));
                findings.append(&mut seen);
                continue;
            };
            if key != client.key {
                let told = format!("{} reads `{}`, and this entry is under `{key}`", client.name, client.key);
                seen.push(Finding::error(told, &format!("move it under `{}`", client.key)));
            }
            if client.name == "Claude Code" && entry.get("url").is_some() && entry.get("type").is_none() {
                let told = "Claude Code does not use a url without a type".to_owned();
                seen.push(Finding::error(told, "add \"type\": \"http\""));
            }
            seen.extend(impatient(client, entry));
            seen.extend(keyless(client, entry, environment));
            entries.push(Entry { client, file: file.to_owned(), name: name.clone(), way, findings: seen });
        }
    }
    if count == 0 {
        tracing::debug!(file = %file.display(), "no entry of this server");
    }
    count > 0
}

/// What is wrong with an entry whose client gives up long calls.
fn impatient(client: &Client, entry: &Value) -> Option<Finding> {
    let Patience { key, unit } = client.patience.as_ref()?;
    let seconds = entry.get(*key).and_then(Value::as_u64).map(|time| time / unit);
    let told = match seconds {
        Some(LONG..) => return None,
        Some(seconds) => format!("{} gives up a call after {seconds} seconds", client.name),
        None => format!("{} gives up a call after 60 seconds", client.name),
    };
    Some(Finding::doubt(told, &format!("add \"{key}\": {}", LONG * unit)))
}

/// What is wrong with an entry that takes its key from a variable that is not set here.
fn keyless(client: &Client, entry: &Value, environment: &Environment) -> Option<Finding> {
    let variable = entry.get("bearer_token_env_var").and_then(Value::as_str)?;
    let is_set = environment.get(variable).is_some_and(|value| !value.is_empty());
    let told = format!("{} shows no tools, and says nothing, where {variable} is not set", client.name);
    let fix =
        "set it where the client is started; without keys at the server, leave bearer_token_env_var out";
    (!is_set).then(|| Finding::doubt(told, fix))
}

/// The maps of servers in a document, wherever clients put them.
fn servers(document: &Value) -> Vec<(&'static str, &Map<String, Value>)> {
    fn of<'a>(key: &'static str, document: &'a Value) -> Option<(&'static str, &'a Map<String, Value>)> {
        document.get(key)?.as_object().map(|servers| (key, servers))
    }
    let here = KEYS.iter().filter_map(|key| of(key, document));
    // Claude Code keeps the servers of each project next to its own.
    let projects = document.get("projects").and_then(Value::as_object);
    let of_projects =
        projects.into_iter().flat_map(Map::values).filter_map(|project| of("mcpServers", project));
    here.chain(of_projects).collect()
}

fn is_ours(name: &str, entry: &Value) -> bool {
    let command = entry.get("command").or_else(|| entry.get("cmd"));
    let program = command.and_then(|command| command.as_str().or_else(|| command.get(0)?.as_str()));
    name.contains("exai") || program.is_some_and(|program| program.contains("exai-mcp"))
}

fn way(entry: &Value, of_ours: &Environment) -> Option<Way> {
    let text = |keys: &[&str]| keys.iter().find_map(|key| entry.get(*key)?.as_str()).map(str::to_owned);
    let map = |keys: &[&str]| -> BTreeMap<String, String> {
        let map = keys.iter().find_map(|key| entry.get(*key)?.as_object());
        let pairs = map.into_iter().flatten();
        pairs.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    };
    let words = |value: Option<&Value>| -> Vec<String> {
        let all = value.and_then(Value::as_array).into_iter().flatten();
        all.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut environment = map(&["env", "environment", "envs"]);
    // Codex and Goose hand on what the entry names.
    let handed: Vec<String> =
        ["env_vars", "env_keys"].iter().flat_map(|key| words(entry.get(*key))).collect();
    for name in handed {
        if let Some(value) = of_ours.get(&name) {
            environment.entry(name).or_insert_with(|| value.clone());
        }
    }
    let folder = text(&["cwd", "working_directory"]);
    if let Some(command) = text(&["command", "cmd"]) {
        return Some(Way::Start(Start { command, arguments: words(entry.get("args")), environment, folder }));
    }
    let mut command = words(entry.get("command"));
    if !command.is_empty() {
        let program = command.remove(0);
        return Some(Way::Start(Start { command: program, arguments: command, environment, folder }));
    }
    let url = text(&["url", "httpUrl", "serverUrl", "uri"])?;
    let mut headers = map(&["headers", "http_headers"]);
    if let Some(variable) = text(&["bearer_token_env_var"]) {
        headers.insert("Authorization".to_owned(), format!("Bearer ${{{variable}}}"));
    }
    Some(Way::Call { url, headers })
}
