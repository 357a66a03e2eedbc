//! From the command line to a tool's arguments, by the tool's own schema.

use std::io::{self, IsTerminal as _, Read as _};

use anyhow::{Context as _, bail};
use exai_engine::workflow::spec;
use exai_tools::{field_of, instead_of, profile::did_you_mean};
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
        let instead = match did_you_mean(&args.tool) {
            near if near.is_empty() => format!("; the tools are {}", names.join(", ")),
            near => near,
        };
        format!("there is no tool `{}`{instead}", args.tool)
    })?;
    check(args)?;
    let has =
        |field: &str| tool.input_schema.get("properties").and_then(|fields| fields.get(field)).is_some();
    let required = tool.input_schema.get("required").and_then(Value::as_array);
    let demands = |field: &str| required.is_some_and(|names| names.iter().any(|name| name == field));
    let mut arguments = Map::new();
    for pair in &args.arguments {
        let (field, value) = argument(pair, &args.tool)?;
        arguments.insert(field, value);
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
        && let Some(mut words) = words(args, !args.explain && demands(field))?
    {
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

/// What the options mean to the tool, before anything is read or asked.
fn check(args: &RunArgs) -> anyhow::Result<()> {
    let tool = args.tool.as_str();
    if args.write.is_some() && tool != WRITING {
        bail!("--write goes with {WRITING}: {tool} gives a judgement, not files");
    }
    let spec = spec::ALL.iter().find(|spec| spec.name == tool);
    if args.fail_on.is_some() && !spec.is_some_and(|spec| spec.has_findings()) {
        bail!("--fail-on looks at findings, and {tool} has none; codereview, precommit and secaudit have");
    }
    for (option, value) in [("base", &args.base), ("model", &args.model), ("continue", &args.continuation_id)]
    {
        if value.as_ref().is_some_and(|value| value.trim().is_empty()) {
            bail!("--{option} is empty");
        }
    }
    Ok(())
}

/// The field and the value of one `--arg`.
fn argument(pair: &str, tool: &str) -> anyhow::Result<(String, Value)> {
    let (name, value) = pair
        .split_once('=')
        .filter(|(name, _)| !name.trim().is_empty())
        .with_context(|| format!("--arg {pair}: write NAME=VALUE"))?;
    let field = field_of(tool, name.trim()).with_context(|| {
        format!("--arg {pair}: {tool} has no such field{}", instead_of(tool, name.trim()))
    })?;
    Ok((field, serde_json::from_str(value).unwrap_or_else(|_| json!(value))))
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

/// The words of the call: from the command line, from a pipe, or what the files alone suggest; `None` when there are none and none are
/// `needed`.
fn words(args: &RunArgs, needed: bool) -> anyhow::Result<Option<String>> {
    if let Some(prompt) = &args.prompt {
        return Ok(Some(prompt.clone()));
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
        return Ok(Some(piped));
    }
    let what = if args.staged || args.base.is_some() {
        "change"
    } else if args.files.is_empty() {
        ""
    } else {
        "given files"
    };
    let words = match (args.tool.as_str(), what) {
        ("precommit", _) => "Check the change before it is committed.".to_owned(),
        ("codereview", "change" | "given files") => format!("Review the {what}."),
        ("secaudit", "change" | "given files") => format!("Audit the {what}."),
        ("analyze", "given files") => "Analyze the given files.".to_owned(),
        ("refactor", "given files") => "Say what to refactor in the given files.".to_owned(),
        ("testgen", "given files") => "Write tests for the given files.".to_owned(),
        _ if needed => bail!("say what to do: --prompt \"...\", or text on standard input"),
        _ => return Ok(None),
    };
    Ok(Some(words))
}
