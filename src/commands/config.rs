//! `exai-mcp config`: what the program runs with, and where each value came from.

use std::process::ExitCode;

use exai_core::secret::{SecretString, masked};
use serde_json::{Map, Value, json};

use super::{print, print_json};
use crate::{
    Config,
    cli::{ConfigCommand, program},
    config::{
        dotenv_example,
        hints::{first_keys, hints},
        keys,
        tables::{self, TableValue},
    },
};

pub(crate) fn run(command: &ConfigCommand, config: &Config) -> anyhow::Result<ExitCode> {
    match command {
        ConfigCommand::Show => show(config)?,
        ConfigCommand::Check => return check(config),
        ConfigCommand::Path => paths(config)?,
        ConfigCommand::McpJson => print_json(&mcp_json())?,
        ConfigCommand::EnvExample => print(&dotenv_example::text())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn show(config: &Config) -> std::io::Result<()> {
    let mut text = String::new();
    for key in keys::all() {
        let found = config.layers.look_up(key);
        let value = match (found.value.as_str(), key.secret) {
            ("", _) => "(not set)".to_owned(),
            (secret, true) => masked(&SecretString::from(secret)),
            (plain, false) => without_credentials(plain),
        };
        text.push_str(&format!("{} = {value}  [{}]\n", key.path, found.origin));
    }
    for endpoint in &config.endpoints.settings {
        let key = endpoint.key.as_ref().map_or_else(|| "no key".to_owned(), masked);
        let address =
            endpoint.base_url.as_deref().map_or("the vendor's own address".to_owned(), without_credentials);
        text.push_str(&format!("endpoint {}: {address}, {key}  [{}]\n", endpoint.id, endpoint.key_origin));
    }
    for TableValue { name, value, is_secret } in tables::values(&config.layers) {
        let value = if is_secret { masked(&SecretString::from(value)) } else { without_credentials(&value) };
        text.push_str(&format!("{name} = {value}  [{}]\n", config.layers.user_file().display()));
    }
    print(&text)
}

/// A value without the user name and password, and without the query, that an address in it may carry.
fn without_credentials(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once("://") else { return without_password(value) };
    let (address, query) = rest.split_once('?').map_or((rest, ""), |(address, _)| (address, "?…"));
    let (authority, path) = address.split_at(address.find('/').unwrap_or(address.len()));
    let shown = authority.rsplit_once('@').map_or(authority.to_owned(), |(_, host)| format!("…@{host}"));
    format!("{scheme}://{shown}{path}{query}")
}

/// An address that was written without its scheme.
fn without_password(value: &str) -> String {
    let (address, query) = value.split_once('?').map_or((value, ""), |(address, _)| (address, "?…"));
    match address.rsplit_once('@') {
        Some((before, host)) if before.contains(':') => format!("…@{host}{query}"),
        _ => format!("{address}{query}"),
    }
}

fn check(config: &Config) -> anyhow::Result<ExitCode> {
    let mut text = String::new();
    for error in config.problems.errors().iter().chain(&config.places.why_no_database()) {
        text.push_str(&format!("error: {error}\n"));
    }
    for warning in config.problems.warnings() {
        text.push_str(&format!("warning: {warning}\n"));
    }
    // A warning is an error here: someone who checks wants to know.
    let clean = text.is_empty();
    if clean {
        text.push_str("the configuration is usable\n");
        if config.endpoints.settings.is_empty() {
            text.push_str("note: no provider is configured. ");
            text.push_str(&hints().configure);
            text.push('\n');
        }
    }
    print(&text)?;
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn paths(config: &Config) -> std::io::Result<()> {
    let places = &config.places;
    let shown = [
        ("configuration", places.config.join("config.toml")),
        ("environment file", places.config.join(".env")),
        ("database", places.database()),
    ];
    let mut text = String::new();
    for (what, path) in shown {
        let state = if path.exists() { "" } else { "  (not there yet)" };
        text.push_str(&format!("{what}: {}{state}\n", path.display()));
    }
    let roots = exai_context::files::Roots::resolve(config.roots.clone(), places.home.as_deref());
    for root in roots.paths() {
        text.push_str(&format!("readable folder: {}\n", root.display()));
    }
    for ignored in roots.ignored() {
        text.push_str(&format!("not readable: {} ({})\n", ignored.path.display(), ignored.reason));
    }
    print(&text)
}

/// Keys stay in the environment: the entry only names them, and only those that a client can expand.
fn mcp_json() -> Value {
    let env: Map<String, Value> =
        first_keys().into_iter().map(|name| (name.to_owned(), json!(format!("${{{name}:-}}")))).collect();
    json!({ "mcpServers": { "exai": { "type": "stdio", "command": program(), "args": [], "env": env } } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_what_opens_them() {
        for (value, shown) in [
            ("https://user:secret@host/v1", "https://…@host/v1"),
            ("https://us@er:secret@host:8/v1?key=secret", "https://…@host:8/v1?…"),
            ("https://host/v1/@here", "https://host/v1/@here"),
            ("user:secret@host:1", "…@host:1"),
            ("box?api_key=secret", "box?…"),
            ("a@b", "a@b"),
            ("900", "900"),
        ] {
            assert_eq!(without_credentials(value), shown);
        }
    }

    #[test]
    fn a_clients_example_is_what_is_printed() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/clients/claude-code.json");
        let example: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut printed = mcp_json();
        printed["mcpServers"]["exai"]["command"] = json!("exai-mcp");
        assert_eq!(printed, example);
    }
}
