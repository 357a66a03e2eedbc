//! The entries of MCP clients: where their files are, and what they say of this server.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::finding::Finding;

/// A client: where its entries are, under which key, and what it bears.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) name: &'static str,
    /// From the home folder.
    home: &'static [&'static str],
    /// From the project.
    project: &'static [&'static str],
    /// The key of the servers.
    key: &'static str,
    /// How long a server may take to start, in seconds.
    pub(super) start_seconds: u64,
    /// The longest name of a tool, and what the client puts before it: the server's name with something around.
    pub(super) longest_name: (usize, &'static str),
}

const fn client(
    name: &'static str,
    home: &'static [&'static str],
    project: &'static [&'static str],
    key: &'static str,
) -> Client {
    Client { name, home, project, key, start_seconds: 30, longest_name: (64, "") }
}

/// Every client whose files are known, from the clients' own documentation.
pub(super) const CLIENTS: [Client; 14] = [
    Client {
        longest_name: (128, "mcp____"),
        ..client("Claude Code", &[".claude.json"], &[".mcp.json"], "mcpServers")
    },
    client(
        "VS Code",
        &[".config/Code/User/mcp.json", "Library/Application Support/Code/User/mcp.json"],
        &[".vscode/mcp.json"],
        "servers",
    ),
    Client {
        longest_name: (60, ""),
        ..client("Cursor", &[".cursor/mcp.json"], &[".cursor/mcp.json"], "mcpServers")
    },
    Client {
        start_seconds: 10,
        ..client("Codex", &[".codex/config.toml"], &[".codex/config.toml"], "mcp_servers")
    },
    Client {
        longest_name: (63, ""),
        ..client("Gemini CLI", &[".gemini/settings.json"], &[".gemini/settings.json"], "mcpServers")
    },
    client(
        "Antigravity CLI",
        &[".gemini/antigravity-cli/mcp_config.json"],
        &[".agents/mcp_config.json"],
        "mcpServers",
    ),
    client("Auggie", &[".augment/settings.json"], &[], "mcpServers"),
    client("Windsurf", &[".codeium/windsurf/mcp_config.json"], &[], "mcpServers"),
    client(
        "Claude Desktop",
        &[
            ".config/Claude/claude_desktop_config.json",
            "Library/Application Support/Claude/claude_desktop_config.json",
        ],
        &[],
        "mcpServers",
    ),
    client("Zed", &[".config/zed/settings.json"], &[".zed/settings.json"], "context_servers"),
    client("OpenCode", &[".config/opencode/opencode.json"], &["opencode.json"], "mcp"),
    client("Copilot CLI", &[".copilot/mcp-config.json"], &[], "mcpServers"),
    client("Kimi Code CLI", &[".kimi/mcp.json"], &[], "mcpServers"),
    client("Goose", &[".config/goose/config.yaml"], &[], "extensions"),
];

/// How a program is started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) command: String,
    pub(super) arguments: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
}

/// How a client reaches the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// It starts a program.
    Start(Start),
    /// It calls an address.
    Call { url: String, headers: BTreeMap<String, String> },
}

/// One entry.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) client: &'static Client,
    pub(super) file: PathBuf,
    pub(super) name: String,
    pub(super) way: Way,
    /// What can be seen without trying.
    pub(super) findings: Vec<Finding>,
}

/// What files of clients have of this server.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    /// What is wrong with files.
    pub(super) findings: Vec<Finding>,
}

/// Every entry of this server in the files of the known clients, and what is wrong with files.
pub(super) fn all(home: Option<&Path>, project: &Path) -> Found {
    let mut found = Found::default();
    for client in &CLIENTS {
        let of_home = home.into_iter().flat_map(|home| client.home.iter().map(|path| home.join(path)));
        for file in of_home.chain(client.project.iter().map(|path| project.join(path))) {
            if file.exists() && !found.entries.iter().any(|entry| entry.file == file) {
                of_file(client, &file, &mut found);
            }
        }
    }
    found
}

/// The client that a file is of, by its name and its keys.
pub(super) fn client_of(file: &Path) -> &'static Client {
    let by_place = CLIENTS
        .iter()
        .find(|client| client.home.iter().chain(client.project).any(|path| file.ends_with(path)));
    let by_key = || {
        let document = read(file).ok()?;
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
    by_place.or_else(by_name).or_else(by_key).unwrap_or(&CLIENTS[0])
}

/// Adds the entries of one file, and what is wrong with it. Whether there was anything to add.
pub(super) fn of_file(client: &'static Client, file: &Path, found: &mut Found) -> bool {
    let Found { entries, findings } = found;
    let document = match read(file) {
        Ok(document) => document,
        Err(error) => {
            let fix = "correct it there; the client cannot read it either";
            findings.push(Finding::error(format!("{}: {error}", file.display()), fix));
            return true;
        }
    };
    let mut count = 0;
    for (key, servers) in servers(&document) {
        for (name, entry) in servers.iter().filter(|(name, entry)| is_ours(name, entry)) {
            count += 1;
            let Some(way) = way(entry) else {
                let told = format!("{}: {name} has neither a command nor an address", file.display());
                findings.push(Finding::error(
                    told,
                    "write \"command\": \"exai-mcp\", or the url of a running server",
                ));
                continue;
            };
            let mut seen = Vec::new();
            if key != client.key {
                let told = format!("{} reads `{}`, and this entry is under `{key}`", client.name, client.key);
                seen.push(Finding::error(told, &format!("move it under `{}`", client.key)));
            }
            if client.name == "Claude Code" && entry.get("url").is_some() && entry.get("type").is_none() {
                let told = "Claude Code does not use a url without a type".to_owned();
                seen.push(Finding::error(told, "add \"type\": \"http\""));
            }
            entries.push(Entry { client, file: file.to_owned(), name: name.clone(), way, findings: seen });
        }
    }
    if count == 0 {
        tracing::debug!(file = %file.display(), "no entry of this server");
    }
    count > 0
}

/// JSON with comments as editors allow them, TOML, or the JSON that YAML contains.
fn read(file: &Path) -> Result<Value, String> {
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    if file.extension().is_some_and(|extension| extension == "toml") {
        return toml::from_str(&text).map_err(|error| error.message().to_owned());
    }
    let parsed = jsonc_parser::parse_to_serde_value::<Value>(&text, &jsonc_parser::ParseOptions::default());
    parsed.map_err(|error| error.to_string())
}

/// The maps of servers in a document, wherever clients put them.
fn servers(document: &Value) -> Vec<(&'static str, &Map<String, Value>)> {
    const KEYS: [&str; 6] = ["mcpServers", "servers", "mcp_servers", "context_servers", "mcp", "extensions"];
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

fn way(entry: &Value) -> Option<Way> {
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
    let environment = map(&["env", "environment", "envs"]);
    if let Some(command) = text(&["command", "cmd"]) {
        return Some(Way::Start(Start { command, arguments: words(entry.get("args")), environment }));
    }
    let mut command = words(entry.get("command"));
    if !command.is_empty() {
        let program = command.remove(0);
        return Some(Way::Start(Start { command: program, arguments: command, environment }));
    }
    let url = text(&["url", "httpUrl", "serverUrl", "uri"])?;
    let mut headers = map(&["headers", "http_headers", "requestInit"]);
    if let Some(variable) = text(&["bearer_token_env_var"]) {
        headers.insert("Authorization".to_owned(), format!("Bearer ${{{variable}}}"));
    }
    Some(Way::Call { url, headers })
}
