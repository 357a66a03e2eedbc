//! The agents that are known without configuration, and the arguments that keep each from changing anything.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use exai_core::process;

use crate::output::Parser;

/// An agent on this machine. It gets the prompt on standard input, where its length is not limited and no list of processes shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Its name in calls.
    pub name: String,
    /// The executable: a name on the search path, or an absolute path.
    pub command: String,
    /// Arguments that are always given.
    pub args: Vec<String>,
    /// Arguments that keep it from changing anything.
    pub read_only_args: Vec<String>,
    /// Variables that keep it from changing anything, set while it may not.
    pub read_only_env: BTreeMap<String, String>,
    /// Arguments that replace them when edits are allowed.
    pub edit_args: Vec<String>,
    /// Whether it may change files.
    pub allow_edits: bool,
    /// Variables of the environment that it needs in addition to the usual ones.
    pub env: Vec<String>,
    /// Roles in addition to the built-in ones, with their instructions.
    pub roles: BTreeMap<String, String>,
    /// How its output is read.
    pub parser: Parser,
}

impl Agent {
    /// The arguments for one run.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let mode = if self.allow_edits { &self.edit_args } else { &self.read_only_args };
        self.args.iter().chain(mode).cloned().collect()
    }

    /// The instructions of a role.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<String> {
        self.roles.get(name).cloned().or_else(|| exai_prompts::texts::role(name).map(str::to_owned))
    }

    /// The names of all roles.
    #[must_use]
    pub fn role_names(&self) -> Vec<&str> {
        let own = self.roles.keys().map(String::as_str);
        exai_prompts::texts::ROLES
            .into_iter()
            .filter(|name| !self.roles.contains_key(*name))
            .chain(own)
            .collect()
    }

    /// Its program, in the first of these folders that has it.
    #[must_use]
    pub fn find(&self, folders: &[PathBuf]) -> Option<PathBuf> {
        let path = Path::new(&self.command);
        if path.is_absolute() {
            path.is_file().then(|| path.to_owned())
        } else {
            process::find(&self.command, folders)
        }
    }
}

/// What OpenCode may do while it may change nothing.
const OPENCODE_READS: &str = r#"{"*":"deny","read":"allow","grep":"allow","glob":"allow","list":"allow"}"#;

/// The agents, after their public command-line references:
/// codex: <https://developers.openai.com/codex/cli/reference> (`exec`, `--sandbox`);
/// claude: <https://code.claude.com/docs/en/cli-reference> (`-p`, `--permission-mode`);
/// gemini: <https://github.com/google-gemini/gemini-cli/blob/main/docs/cli/headless.md>; without a terminal its default mode refuses
/// every tool that needs an approval;
/// opencode: <https://opencode.ai/docs/cli/>, whose `plan` agent may still run a shell, which its permissions forbid
/// (<https://opencode.ai/docs/permissions/>);
/// qwen: <https://github.com/QwenLM/qwen-code> (`--approval-mode`).
#[must_use]
pub fn built_in() -> Vec<Agent> {
    let agent =
        |name: &str, args: &[&str], read_only: &[&str], edit: &[&str], env: &[&str], parser: Parser| {
            let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
            Agent {
                name: name.to_owned(),
                command: name.to_owned(),
                args: owned(args),
                read_only_args: owned(read_only),
                read_only_env: BTreeMap::new(),
                edit_args: owned(edit),
                allow_edits: false,
                env: owned(env),
                roles: BTreeMap::new(),
                parser,
            }
        };
    let mut agents = vec![
        agent(
            "codex",
            &["exec", "--json", "--skip-git-repo-check"],
            &["--sandbox", "read-only", "-"],
            &["--sandbox", "workspace-write", "-"],
            &["CODEX_HOME"],
            Parser::JsonLines,
        ),
        agent(
            "claude",
            &["-p", "--output-format", "json"],
            &["--permission-mode", "plan"],
            &["--permission-mode", "acceptEdits"],
            &["CLAUDE_CONFIG_DIR"],
            Parser::Json,
        ),
        agent(
            "gemini",
            &["--output-format", "json"],
            &["--approval-mode", "default"],
            &["--approval-mode", "auto_edit"],
            &["GEMINI_CLI_HOME"],
            Parser::Json,
        ),
        agent(
            "opencode",
            &["run", "--format", "json"],
            &["--agent", "plan"],
            &["--agent", "build"],
            &["OPENCODE_CONFIG"],
            Parser::JsonLines,
        ),
        agent(
            "qwen",
            &["--output-format", "json"],
            &["--approval-mode", "plan"],
            &["--approval-mode", "auto-edit"],
            &[],
            Parser::Json,
        ),
    ];
    for agent in agents.iter_mut().filter(|agent| agent.name == "opencode") {
        agent.read_only_env.insert("OPENCODE_PERMISSION".to_owned(), OPENCODE_READS.to_owned());
    }
    agents
}

/// How the user of an agent logs in.
pub(super) fn login(agent: &str) -> &'static str {
    match agent {
        "codex" => {
            "Ask the user to run `codex login` in a terminal. Until then name another agent in cli_name, or ask a model with chat."
        }
        "claude" => {
            "Ask the user to run `claude` in a terminal and enter /login. Until then name another agent in cli_name, or ask a model with chat."
        }
        "gemini" => {
            "Ask the user to run `gemini` in a terminal and choose how to sign in, or to hand its key on with env = [\"GEMINI_API_KEY\"] \
             under [clink.gemini]. Until then name another agent in cli_name, or ask a model with chat."
        }
        "qwen" => {
            "Ask the user to run `qwen` in a terminal and enter /auth. Until then name another agent in cli_name, or ask a model with chat."
        }
        "opencode" => {
            "Ask the user to run `opencode auth login` in a terminal. Until then name another agent in cli_name, or ask a model with chat."
        }
        _ => {
            "Ask the user to log in to this agent in a terminal, or to hand its key on with env under [clink.NAME]. Until then name another \
             agent in cli_name, or ask a model with chat."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_agents_are_read_only_by_default() {
        for agent in built_in() {
            let arguments = agent.arguments();
            assert!(!agent.allow_edits && agent.read_only_args.iter().all(|word| arguments.contains(word)));
            let risky = ["yolo", "acceptEdits", "auto_edit", "auto-edit", "workspace-write", "bypass"];
            assert!(
                !arguments.iter().any(|word| risky.iter().any(|risky| word.contains(risky))),
                "{arguments:?}"
            );
            let edits = Agent { allow_edits: true, ..agent };
            assert_ne!(edits.arguments(), arguments);
        }
    }

    #[test]
    fn a_configured_role_comes_first() {
        let agent = built_in().remove(0);
        let own =
            Agent { roles: BTreeMap::from([("planner".to_owned(), "Plan small.".to_owned())]), ..agent };
        assert_eq!(own.role("planner").as_deref(), Some("Plan small."));
        assert_eq!(own.role_names(), ["default", "codereviewer", "planner"]);
        assert_eq!(own.role("admin"), None);
    }
}
