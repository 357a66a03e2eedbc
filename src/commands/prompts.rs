//! `exai-mcp prompts`: the system prompts in force.

use std::process::ExitCode;

use anyhow::bail;
use exai_prompts::Prompt;

use super::{print, table::lay_out};
use crate::{cli::PromptsCommand, config::Config};

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
                bail!("there is no prompt `{name}`; the prompts are {}", names.join(", "));
            };
            print(&wording.system(prompt, config.preferences.locale.as_deref()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
