//! The clients whose files are known, and what is particular about each.

use strsim::levenshtein;

use crate::format::Format;

/// The variable in which Claude Code names the project to its servers.
pub const PROJECT_VARIABLE: &str = "CLAUDE_PROJECT_DIR";
/// The variables of their own environment that clients hand on, as the official SDKs list them.
const USUAL: [&str; 8] = ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "LANG", "TMPDIR"];
/// The keys under which clients have their servers.
pub(crate) const KEYS: [&str; 6] =
    ["mcpServers", "servers", "mcp_servers", "context_servers", "mcp", "extensions"];
/// More wrong letters than this make another name.
const MOST_TYPOS: usize = 3;

/// A client: where its entries are, under which key, and what it bears.
#[derive(Debug)]
pub struct Client {
    /// As its makers write it.
    pub name: &'static str,
    /// From the home folder.
    pub home: &'static [&'static str],
    /// From the project.
    pub project: &'static [&'static str],
    /// The key of the servers.
    pub key: &'static str,
    /// How strictly it reads its files.
    pub format: Format,
    /// Whether a server gets all of the client's environment, or the usual part of it.
    hands_on_all: bool,
    /// How long a server may take to start, in seconds.
    pub start_seconds: u64,
    /// The longest name of a tool, and what the client puts before it: the server's name with something around.
    pub longest_name: (usize, &'static str),
    /// Where an entry says how long a call may take, for clients that give up after a minute otherwise.
    pub patience: Option<Patience>,
}

/// A key of an entry that holds a time, and how many of its units make a second.
#[derive(Debug)]
pub struct Patience {
    /// The key.
    pub key: &'static str,
    /// 1 for seconds, 1,000 for milliseconds.
    pub unit: u64,
}

const fn client(
    name: &'static str,
    home: &'static [&'static str],
    project: &'static [&'static str],
    key: &'static str,
) -> Client {
    Client {
        name,
        home,
        project,
        key,
        format: Format::Unsure,
        hands_on_all: false,
        start_seconds: 30,
        longest_name: (64, ""),
        patience: None,
    }
}

/// Every client whose files are known, from the clients' own documentation.
pub const CLIENTS: [Client; 16] = [
    Client {
        longest_name: (128, "mcp____"),
        format: Format::Strict,
        ..client("Claude Code", &[".claude.json"], &[".mcp.json"], "mcpServers")
    },
    Client {
        format: Format::Lenient,
        hands_on_all: true,
        ..client(
            "VS Code",
            &[".config/Code/User/mcp.json", "Library/Application Support/Code/User/mcp.json"],
            &[".vscode/mcp.json"],
            "servers",
        )
    },
    Client {
        longest_name: (60, ""),
        ..client("Cursor", &[".cursor/mcp.json"], &[".cursor/mcp.json"], "mcpServers")
    },
    Client {
        start_seconds: 10,
        format: Format::Toml,
        ..client("Codex", &[".codex/config.toml"], &[".codex/config.toml"], "mcp_servers")
    },
    Client {
        longest_name: (63, ""),
        format: Format::Comments,
        hands_on_all: true,
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
    Client {
        format: Format::Strict,
        ..client(
            "Claude Desktop",
            &[
                ".config/Claude/claude_desktop_config.json",
                "Library/Application Support/Claude/claude_desktop_config.json",
            ],
            &[],
            "mcpServers",
        )
    },
    Client {
        format: Format::Lenient,
        hands_on_all: true,
        ..client("Zed", &[".config/zed/settings.json"], &[".zed/settings.json"], "context_servers")
    },
    Client {
        format: Format::Lenient,
        hands_on_all: true,
        ..client(
            "OpenCode",
            &[".config/opencode/opencode.json", ".config/opencode/opencode.jsonc"],
            &["opencode.json", "opencode.jsonc"],
            "mcp",
        )
    },
    client("Copilot CLI", &[".copilot/mcp-config.json"], &[], "mcpServers"),
    Client {
        format: Format::Strict,
        patience: Some(Patience { key: "toolTimeoutMs", unit: 1_000 }),
        ..client("Kimi Code CLI", &[".kimi-code/mcp.json"], &[], "mcpServers")
    },
    Client {
        patience: Some(Patience { key: "timeout", unit: 1 }),
        ..client("Cline", &[".cline/data/settings/cline_mcp_settings.json"], &[], "mcpServers")
    },
    Client {
        format: Format::Comments,
        hands_on_all: true,
        ..client("Qwen Code", &[".qwen/settings.json"], &[".qwen/settings.json"], "mcpServers")
    },
    Client {
        format: Format::Yaml,
        hands_on_all: true,
        ..client("Goose", &[".config/goose/config.yaml"], &[], "extensions")
    },
];

impl Client {
    /// A variable that the client itself sets for its servers, with the project as its value.
    pub fn project_variable(&self) -> Option<&'static str> {
        (self.name == "Claude Code").then_some(PROJECT_VARIABLE)
    }

    /// Whether a server that this client starts gets a variable of its environment.
    pub fn hands_on(&self, name: &str) -> bool {
        self.hands_on_all || USUAL.contains(&name)
    }
}

/// The client of a name, however it is written.
///
/// # Errors
/// Near names, or all of them.
pub fn named(wanted: &str) -> Result<&'static Client, String> {
    let plain = |name: &str| -> String {
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    };
    let asked = plain(wanted);
    if let Some(client) = CLIENTS.iter().find(|client| plain(client.name) == asked) {
        return Ok(client);
    }
    let is_near = |client: &&Client| {
        let name = plain(client.name);
        levenshtein(&asked, &name) <= MOST_TYPOS.min(name.len() / 2)
            || (asked.len() >= 3 && (name.contains(&asked) || asked.contains(&name)))
    };
    let near: Vec<&str> = CLIENTS.iter().filter(is_near).map(|client| client.name).collect();
    let all = || CLIENTS.map(|client| client.name).join(", ");
    Err(if near.is_empty() {
        format!("`{wanted}` is not known; there are {}", all())
    } else {
        format!("`{wanted}` is not known; did you mean {}? There are {}", near.join(" or "), all())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_found_by_near_names() {
        for (written, name) in [("claude-code", "Claude Code"), ("VSCODE", "VS Code"), ("codex", "Codex")] {
            assert_eq!(named(written).map(|client| client.name), Ok(name));
        }
        for (written, near) in [("claud", "Claude Code"), ("cursr", "Cursor"), ("gemini", "Gemini CLI")] {
            let told = named(written).map(|client| client.name).unwrap_err();
            assert!(told.contains("did you mean") && told.contains(near), "{told}");
        }
        assert!(
            named("emacs")
                .map(|client| client.name)
                .unwrap_err()
                .starts_with("`emacs` is not known; there are")
        );
    }
}
