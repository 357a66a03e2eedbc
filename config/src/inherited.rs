//! Keys that an agent may have handed on by accident. Some agents start servers with their whole environment, and the key that stands
//! there is the one that they work with themselves: an expert that is asked with it is a model of the same vendor, and its price is on
//! the agent's account.
//!
//! From inside a process, a variable of the agent's environment and one of the `env` of our entry look the same. So a key of the agent's
//! own vendor counts as handed on when it is in the environment, whoever put it there, until the user says that it is meant.

use super::{
    keys,
    layers::{Layers, Origin},
    problems::Problems,
    vendors::Known,
};

/// An agent that can be recognised by what it sets for the programs that it starts.
struct Agent {
    name: &'static str,
    /// The vendor whose models it works with.
    vendor: &'static str,
    variables: &'static [&'static str],
}

/// Claude Code: <https://code.claude.com/docs/en/env-vars>. Gemini CLI sets its variable for servers and for its shell (`mcp-client.ts`
/// of <https://github.com/google-gemini/gemini-cli>), and leaves most keys out. Codex hands a server no variable that is not named in the
/// server's entry (`create_env_for_mcp_server` of <https://github.com/openai/codex>), so a key that comes from it is meant; its variables
/// stand in its shell only.
const AGENTS: [Agent; 3] = [
    Agent {
        name: "Claude Code",
        vendor: "anthropic",
        variables: &["CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_PROJECT_DIR"],
    },
    Agent { name: "Gemini CLI", vendor: "gemini", variables: &["GEMINI_CLI"] },
    Agent { name: "Codex", vendor: "openai", variables: &["CODEX_THREAD_ID", "CODEX_SANDBOX"] },
];

/// What is done with a vendor whose key an agent may have handed on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inherited {
    /// It is asked last; the text says why.
    Key(String),
    /// It is not asked at all, because its address was handed on as well; the text says why.
    KeyAndAddress(String),
}

/// Whether an agent may have handed on the key of this vendor, which is its own.
pub(super) fn of(known: &Known, layers: &Layers, problems: &mut Problems) -> Option<Inherited> {
    let is_set = |name: &&str| layers.variable(name).is_some_and(|value| !value.trim().is_empty());
    let agent = AGENTS.iter().find(|agent| agent.vendor == known.id && agent.variables.iter().any(is_set))?;
    let (Origin::Env(key), false) = (layers.look_up(known.key).origin, layers.stands_in_file(known.key))
    else {
        return None;
    };
    if super::choice(layers, &keys::INHERITED_KEYS, [("false", false), ("true", true)], problems) {
        return None;
    }
    let allow = format!(
        "if it is meant for this server, write it into the file that `exai-mcp config path` prints, or set {} = true ({})",
        keys::INHERITED_KEYS.path,
        keys::INHERITED_KEYS.first_name()
    );
    let name = agent.name;
    Some(match layers.look_up(known.url).origin {
        Origin::Env(address) => Inherited::KeyAndAddress(format!(
            "not used: {key} and {address} may be those that {name} works with itself; {allow}"
        )),
        _ => {
            Inherited::Key(format!("asked last: {key} may be the key that {name} works with itself; {allow}"))
        }
    })
}
