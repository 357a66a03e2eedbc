//! `exai-mcp prompts`: the system prompts in force.

use std::process::ExitCode;

use exai_prompts::Prompt;
use exai_tools::near::did_you_mean;

use super::{print, table::lay_out};
use crate::{cli::PromptsCommand, config::Config, exit::WrongUsage};

pub(crate) fn run(command: &PromptsCommand, config: &Config) -> anyhow::Result<ExitCode> {
    let wording = &config.wording;
    match command {
        PromptsCommand::List => {
            let own: Vec<Prompt> = wording.overridden().collect();
            let rows: Vec<Vec<String>> = Prompt::ALL
                .iter()
                .map(|prompt| {
                    let text = wording.system(*prompt, None);
                    let whose = if own.contains(prompt) { "yours" } else { "built-in" };
                    let version = wording.version(*prompt).to_string();
                    vec![prompt.name().to_owned(), whose.to_owned(), version, text.len().to_string()]
                })
                .collect();
            print(&lay_out(&["prompt", "words", "version", "bytes"], &rows, &[2, 3]))?;
        }
        PromptsCommand::Show { name } => {
            let Some(prompt) = Prompt::ALL.into_iter().find(|prompt| prompt.name() == name) else {
                let names: Vec<&str> = Prompt::ALL.iter().map(|prompt| prompt.name()).collect();
                let instead = match did_you_mean(name, names.iter().copied()) {
                    near if near.is_empty() => format!("; the prompts are {}", names.join(", ")),
                    near => near,
                };
                return Err(WrongUsage(format!("there is no prompt `{name}`{instead}")).into());
            };
            print(&wording.system(prompt, config.preferences.locale.as_deref()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
