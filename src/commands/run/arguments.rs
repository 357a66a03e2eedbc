//! From the command line to a tool's arguments, by the tool's own schema.

use std::io::{self, IsTerminal as _, Read as _};

use anyhow::{Context as _, bail};
use exai_engine::workflow::spec;
use serde_json::{Map, Value, json};

use crate::{App, cli::RunArgs};

/// More than this on standard input is not a prompt.
const MAX_STDIN: u64 = 4 * 1024 * 1024;

/// The names under which tools take files, and those under which they take words.
const FILE_FIELDS: [&str; 2] = ["relevant_files", "absolute_file_paths"];
const TEXT_FIELDS: [&str; 5] = ["prompt", "step", "question", "search_query", "messages"];

/// The name under which a tool takes one file.
const ONE_FILE: &str = "file_path";

/// The tool whose answer can be saved as files.
const WRITING: &str = "chat";

/// Builds the argument object.
pub(super) fn build(args: &RunArgs, app: &App) -> anyhow::Result<Map<String, Value>> {
    let tools = app.server.tool_list();
    let tool = tools.iter().find(|tool| tool.name == args.tool).with_context(|| {
        let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
        format!("there is no tool `{}`; the tools are {}", args.tool, names.join(", "))
    })?;
    if args.write.is_some() && args.tool != WRITING {
        bail!("--write goes with {WRITING}: {} gives a judgement, not files", args.tool);
    }
    let has =
        |field: &str| tool.input_schema.get("properties").and_then(|fields| fields.get(field)).is_some();
    let mut arguments = Map::new();
    for pair in &args.arguments {
        let (name, value) =
            pair.split_once('=').with_context(|| format!("--arg {pair}: write NAME=VALUE"))?;
        arguments
            .insert(name.trim().to_owned(), serde_json::from_str(value).unwrap_or_else(|_| json!(value)));
    }
    if let Some(field) = FILE_FIELDS.into_iter().find(|field| has(field) && !args.files.is_empty()) {
        arguments.insert(field.to_owned(), json!(args.files));
    } else if let [file, more @ ..] = args.files.as_slice() {
        if !has(ONE_FILE) {
            bail!("{} reads no files", args.tool);
        }
        if !more.is_empty() {
            bail!("{} reads one file at a time", args.tool);
        }
        arguments.insert(ONE_FILE.to_owned(), json!(file));
    }
    changes(args, &mut arguments)?;
    if let Some(field) = TEXT_FIELDS.into_iter().find(|field| has(field))
        && !arguments.contains_key(field)
    {
        let mut words = words(args)?;
        if args.write.is_some() {
            words.push_str("\n\n");
            words.push_str(exai_prompts::texts::write_files());
        }
        arguments.insert(field.to_owned(), json!(words));
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

/// The question who would answer a call, from the arguments of the call.
pub(super) fn explained(tool: &str, arguments: &Map<String, Value>) -> Map<String, Value> {
    let mut asked = Map::new();
    asked.insert("tool".to_owned(), json!(tool));
    for (name, value) in arguments {
        let field = match name.as_str() {
            field if TEXT_FIELDS.contains(&field) => "prompt",
            field if FILE_FIELDS.contains(&field) || field == ONE_FILE => "files",
            field @ ("model" | "images" | "use_websearch" | "thinking_mode") => field,
            _ => continue,
        };
        let value =
            if field == "prompt" && !value.is_string() { json!(value.to_string()) } else { value.clone() };
        asked.insert(field.to_owned(), value);
    }
    asked
}

/// Which changes to look at, in the words of the tools that read a repository.
fn changes(args: &RunArgs, arguments: &mut Map<String, Value>) -> anyhow::Result<()> {
    let spec = spec::ALL.iter().find(|spec| spec.name == args.tool);
    let takes = |field: &str| spec.is_some_and(|spec| spec.own_fields.contains(&field));
    if args.staged {
        let (field, value) = if takes("include_unstaged") {
            ("include_unstaged", json!(false))
        } else if takes("diff") {
            ("diff", json!("staged"))
        } else {
            bail!("{} reads no changes, so --staged means nothing to it", args.tool);
        };
        arguments.insert(field.to_owned(), value);
    }
    if let Some(base) = &args.base {
        if !takes("compare_to") {
            bail!("{} reads no changes, so --base means nothing to it", args.tool);
        }
        arguments.insert("compare_to".to_owned(), json!(base));
    }
    Ok(())
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
    let what = if args.staged || args.base.is_some() {
        "change"
    } else if args.files.is_empty() {
        ""
    } else {
        "given files"
    };
    match (args.tool.as_str(), what) {
        ("precommit", _) => return Ok("Check the change before it is committed.".to_owned()),
        ("codereview", "change" | "given files") => return Ok(format!("Review the {what}.")),
        ("secaudit", "change" | "given files") => return Ok(format!("Audit the {what}.")),
        ("analyze", "given files") => return Ok("Analyze the given files.".to_owned()),
        ("refactor", "given files") => return Ok("Say what to refactor in the given files.".to_owned()),
        ("testgen", "given files") => return Ok("Write tests for the given files.".to_owned()),
        _ => {}
    }
    bail!("say what to do: --prompt \"...\", or text on standard input")
}
