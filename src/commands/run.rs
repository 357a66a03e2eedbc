//! `exai-mcp run TOOL`: a tool on the command line, through the same server that MCP clients use.

mod arguments;
mod live;
mod prose;
mod save;
mod writer;

use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
    time::Duration,
};

use exai_core::Severity;
use serde_json::{Map, Value};

use self::{live::Live, writer::BackgroundWriter};
use super::{
    client::{self, Answer},
    plain, print, print_json,
};
use crate::{
    App,
    cli::{RunArgs, complain, tell},
};

/// The exit code for a command line that cannot be meant; the same as the argument parser's.
const WRONG_USAGE: u8 = 2;

/// The tool that says who would answer another.
const EXPLAINING: &str = "route";

/// The tool whose answer is what its model says, so that a person can read it while it comes; and where the answer has it.
const STREAMED: &str = "chat";
const CONTENT: &str = "content";

/// How long the last writes may take.
const SETTLE: Duration = Duration::from_secs(2);

pub(crate) async fn run(args: RunArgs, app: App) -> anyhow::Result<ExitCode> {
    // A person at a terminal pays nothing for a list of tools.
    app.server.show(exai_tools::profile::Shown::everything()).await;
    let arguments = match arguments::build(&args, &app) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Apart from 1, so that a pipeline with --fail-on can tell a typing error from a finding.
            complain(&error);
            return Ok(ExitCode::from(WRONG_USAGE));
        }
    };
    let begun = tokio::time::Instant::now();
    let (tool, arguments) = if args.explain {
        (EXPLAINING, arguments::explained(&args.tool, &arguments))
    } else {
        (args.tool.as_str(), arguments)
    };
    let called = call(&app, tool, arguments, &args).await;
    app.closing.cancel();
    if !app.engine.settle(SETTLE).await {
        tracing::warn!("the thread could not be written completely");
    }
    let Called { answer, is_printed } = called?;
    if args.json {
        print_json(&answer.json)?;
    } else {
        let mut shown = answer.json.clone();
        if io::stdout().is_terminal() {
            plain::answer(&mut shown);
        }
        if let Some(fields) = shown.as_object_mut().filter(|_| is_printed) {
            fields.shift_remove(CONTENT);
        }
        print(&prose::render(tool, &args.files, &shown, begun.elapsed()))?;
    }
    let unsaved = args.write.as_deref().filter(|_| !answer.is_error).is_some_and(|folder| {
        let saved = save::save(folder, args.force, &answer.json);
        tell(&saved.report);
        !saved.is_complete
    });
    let severe = args.fail_on.is_some_and(|least| has_finding(&answer.json, least.into()));
    let failed = answer.is_error || unsaved || severe || is_incomplete(&args, &answer.json);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A tool's answer.
struct Called {
    answer: Answer,
    /// Whether its text is on the terminal already.
    is_printed: bool,
}

/// Calls the tool. On a terminal the text of its model is printed as it arrives.
async fn call(
    app: &App,
    tool: &str,
    arguments: Map<String, Value>,
    args: &RunArgs,
) -> anyhow::Result<Called> {
    if tool != STREAMED || args.json || !io::stdout().is_terminal() {
        let answer = client::call(app, tool, arguments).await?;
        return Ok(Called { answer, is_printed: false });
    }
    let mut live = Live::new(BackgroundWriter::new(io::stdout()));
    let answer = client::call_and_follow(app, tool, arguments, Some(&mut |event| live.show(event))).await;
    // Also before an error: it begins on a line of its own.
    let is_printed = live.finish();
    Ok(Called { answer: answer?, is_printed })
}

/// Whether the answer speaks of less than was asked: of none of the files, or of too few to let a pipeline pass.
fn is_incomplete(args: &RunArgs, answer: &Value) -> bool {
    let Some(files) = answer.pointer("/metadata/files_summary").filter(|_| !args.files.is_empty()) else {
        return false;
    };
    let count = |key: &str| files.get(key).and_then(Value::as_u64).unwrap_or(0);
    let listed = answer.pointer("/metadata/files").and_then(Value::as_array);
    let is_left_out = |file: &Value| {
        let status = file.get("status").and_then(Value::as_str);
        let path = file.get("path").and_then(Value::as_str);
        matches!(status, Some("skipped" | "refused")) && args.files.iter().any(|name| path == Some(name))
    };
    let some_left_out = listed.into_iter().flatten().any(is_left_out);
    count("included") + count("excerpted") == 0 || (args.fail_on.is_some() && some_left_out)
}

/// Whether a finding is at least as severe as `least`.
fn has_finding(answer: &Value, least: Severity) -> bool {
    let findings = answer.get("findings").and_then(Value::as_array);
    findings.into_iter().flatten().any(|finding| {
        let severity = finding.get("severity").and_then(Value::as_str).and_then(Severity::parse);
        severity.is_some_and(|severity| severity <= least)
    })
}
