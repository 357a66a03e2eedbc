//! From the command line to a tool's arguments, by the tool's own schema.

use std::io::{self, IsTerminal as _, Read as _};

use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};

use crate::{App, cli::RunArgs};

/// More than this on standard input is not a prompt.
const MAX_STDIN: u64 = 4 * 1024 * 1024;

/// The names under which tools take files, and those under which they take words.
const FILE_FIELDS: [&str; 2] = ["relevant_files", "absolute_file_paths"];
const TEXT_FIELDS: [&str; 2] = ["prompt", "step"];

/// Builds the argument object.
pub(super) fn build(args: &RunArgs, app: &App) -> anyhow::Result<Map<String, Value>> {
    let tools = app.server.tool_list();
    let tool = tools.iter().find(|tool| tool.name == args.tool).with_context(|| {
        let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
        format!("there is no tool `{}`; the tools are {}", args.tool, names.join(", "))
    })?;
    let has =
        |field: &str| tool.input_schema.get("properties").and_then(|fields| fields.get(field)).is_some();
    let mut arguments = Map::new();
    for pair in &args.arguments {
        let (name, value) =
            pair.split_once('=').with_context(|| format!("--arg {pair}: write NAME=VALUE"))?;
        arguments
            .insert(name.trim().to_owned(), serde_json::from_str(value).unwrap_or_else(|_| json!(value)));
    }
    if !args.files.is_empty() {
        let field = FILE_FIELDS.into_iter().find(|field| has(field));
        let field = field.with_context(|| format!("{} reads no files", args.tool))?;
        arguments.insert(field.to_owned(), json!(args.files));
    }
    if let Some(field) = TEXT_FIELDS.into_iter().find(|field| has(field))
        && !arguments.contains_key(field)
    {
        arguments.insert(field.to_owned(), json!(words(args)?));
    }
    for (field, value) in [("model", &args.model), ("continuation_id", &args.continuation_id)] {
        match value {
            Some(value) if has(field) => drop(arguments.insert(field.to_owned(), json!(value))),
            Some(_) => bail!("{} takes no {}", args.tool, field.replace('_', " ")),
            None => {}
        }
    }
    if has("next_step_required") && !arguments.contains_key("next_step_required") {
        // A person at a terminal has one step to give, unless it says otherwise. In a thread the server counts on from the last.
        arguments.insert("next_step_required".to_owned(), json!(false));
        if args.continuation_id.is_none() {
            for field in ["step_number", "total_steps"] {
                arguments.entry(field).or_insert(json!(1));
            }
        }
    }
    Ok(arguments)
}

/// The words of the call: from the command line, from a pipe, or what the files alone suggest.
fn words(args: &RunArgs) -> anyhow::Result<String> {
    if let Some(prompt) = &args.prompt {
        return Ok(prompt.clone());
    }
    let mut piped = String::new();
    if !io::stdin().is_terminal() {
        io::stdin()
            .lock()
            .take(MAX_STDIN)
            .read_to_string(&mut piped)
            .context("standard input is not text")?;
    }
    if !piped.trim().is_empty() {
        return Ok(piped);
    }
    if args.tool == "codereview" && !args.files.is_empty() {
        return Ok("Review the given files.".to_owned());
    }
    bail!("say what to do: --prompt \"...\", or text on standard input")
}
