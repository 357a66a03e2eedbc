//! Agents of `clink`: the known ones with what `[clink.NAME]` changes, and those that only exist there.

use std::path::Path;

use exai_core::process;
use exai_engine::clink::{Agent, ClinkSettings, DEPTH_VARIABLE, Parser, USUAL, built_in};

use super::{clip, layers::Layers, limits::Limits, paths, problems::Problems};

/// Reads the agents. What is wrong is reported and left out.
pub(super) fn read(layers: &Layers, limits: &Limits, problems: &mut Problems) -> ClinkSettings {
    let mut agents = built_in();
    let folders = process::folders(&layers.variables().collect::<Vec<_>>());
    for (name, settings) in layers.tables("clink").into_iter().flatten() {
        let Some(settings) = settings.as_table() else {
            problems.error(format!("clink.{}: write it as a table, [clink.{}]", clip(name), clip(name)));
            continue;
        };
        let known = agents.iter().find(|agent| agent.name == *name).cloned();
        let is_known = known.is_some();
        let mut agent = known.unwrap_or_else(|| unknown(name));
        for (key, value) in settings {
            if let Err(expected) = set(&mut agent, key, value) {
                problems.error(format!("clink.{}.{}: expected {expected}", clip(name), clip(key)));
            }
        }
        match paths::expanded(layers, &agent.command) {
            Ok(command) => {
                agent.command = command.display().to_string();
                if agent.find(&folders).is_none() {
                    let why = missing(&agent.command, settings.contains_key("command"));
                    problems.warn(format!("clink.{}.command: {why}", clip(name)));
                }
            }
            Err(problem) => problems.error(format!("clink.{}.command: {problem}", clip(name))),
        }
        if is_known {
            agents.iter_mut().filter(|known| known.name == *name).for_each(|known| *known = agent.clone());
        } else {
            agents.push(agent);
        }
    }
    // An agent gets nothing else, least of all the keys of providers.
    let seen = |name: &str| {
        USUAL.contains(&name)
            || name.starts_with("LC_")
            || name.starts_with("XDG_")
            || agents.iter().any(|agent| agent.env.iter().any(|own| own == name))
    };
    ClinkSettings {
        environment: layers.variables().filter(|(name, _)| seen(name)).collect(),
        nested: layers.variable(DEPTH_VARIABLE).is_some(),
        time_limit: limits.clink,
        agents,
        ..ClinkSettings::default()
    }
}

/// Why a command starts nothing. One that is not set is the agent's own name.
fn missing(command: &str, is_set: bool) -> String {
    if !is_set {
        format!(
            "it is not set, and `{command}` is not on the search path; write the command that starts the agent"
        )
    } else if Path::new(command).is_absolute() {
        format!("there is no file {command}")
    } else {
        format!("`{command}` is not on the search path; install it, or write its whole path")
    }
}

/// An agent that nothing is known of: what keeps it read-only must be among its arguments.
fn unknown(name: &str) -> Agent {
    Agent {
        name: name.to_owned(),
        command: name.to_owned(),
        args: Vec::new(),
        read_only_args: Vec::new(),
        read_only_env: std::collections::BTreeMap::new(),
        edit_args: Vec::new(),
        allow_edits: false,
        env: Vec::new(),
        roles: std::collections::BTreeMap::new(),
        parser: Parser::Text,
    }
}

fn set(agent: &mut Agent, key: &str, value: &toml::Value) -> Result<(), &'static str> {
    let words = || -> Result<Vec<String>, &'static str> {
        let list = value.as_array().ok_or("a list of texts")?;
        list.iter().map(|word| word.as_str().map(str::to_owned).ok_or("a list of texts")).collect()
    };
    match key {
        "command" => agent.command = value.as_str().ok_or("a text")?.to_owned(),
        "args" => agent.args = words()?,
        "read_only_args" => agent.read_only_args = words()?,
        "edit_args" => agent.edit_args = words()?,
        "env" => agent.env = words()?,
        "allow_edits" => agent.allow_edits = value.as_bool().ok_or("true or false")?,
        "parser" => {
            agent.parser = value.as_str().and_then(Parser::parse).ok_or("text, json or jsonl")?;
        }
        "roles" => {
            let roles = value.as_table().ok_or("a table of role = \"orders\"")?;
            for (role, orders) in roles {
                let orders = orders.as_str().ok_or("a table of role = \"orders\"")?;
                agent.roles.insert(role.clone(), orders.to_owned());
            }
        }
        _ => return Err("command, args, read_only_args, edit_args, env, allow_edits, parser or roles"),
    }
    Ok(())
}
