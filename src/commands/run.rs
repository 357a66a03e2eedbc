//! `exai-mcp run TOOL`: a tool on the command line, through the same server that MCP clients use.

mod arguments;
mod live;
mod prose;
mod save;
mod verdict;
mod writer;

use std::{process::ExitCode, time::Duration};

use exai_core::{Clock as _, Identity, SystemClock, Timestamp};
use exai_engine::threads::ThreadQuery;
use serde_json::{Map, Value, json};

use self::{live::Live, prose::Rendered, verdict::Verdict, writer::BackgroundWriter};
use super::{
    client::{self, Answer},
    print, print_json,
};
use crate::{
    App,
    cli::RunArgs,
    exit::{self, Interrupted},
    telemetry::complain,
    terminal::{self, tell},
};

/// The tool that says who would answer another.
const EXPLAINING: &str = "route";

/// The tool whose answer is what its model says, so that a person can read it while it comes; and where the answer has it.
const STREAMED: &str = "chat";
const CONTENT: &str = "content";

/// The argument by which a gate says that it reads the findings.
const NEEDS_FINDINGS: &str = "needs_findings";

/// How long the last writes may take.
const SETTLE: Duration = Duration::from_secs(2);

pub(crate) async fn run(mut args: RunArgs, app: App) -> anyhow::Result<ExitCode> {
    args.tool = exai_tools::canonical(&args.tool).to_owned();
    // A person at a terminal pays nothing for a list of tools.
    app.server.show(exai_tools::profile::Shown::everything()).await;
    let arguments = match arguments::build(&args, &app) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Apart from 1, so that a pipeline with --fail-on can tell a typing error from a finding.
            complain(&error);
            return Ok(ExitCode::from(exit::WRONG_USAGE));
        }
    };
    let mut arguments = arguments;
    if args.fail_on.is_some() {
        arguments.insert(NEEDS_FINDINGS.to_owned(), json!(true));
    }
    let (begun, began_at) = (tokio::time::Instant::now(), SystemClock.now());
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
    let Called { answer, is_printed } = match called {
        Err(error) if error.is::<Interrupted>() => {
            return Err(interrupted(&app, &args, began_at).await.into());
        }
        called => called?,
    };
    show(&args, tool, &answer, is_printed, begun.elapsed())?;
    let unsaved = args.write.as_deref().filter(|_| !answer.is_error).is_some_and(|folder| {
        let saved = save::save(folder, args.force, &answer.json);
        tell(&saved.report);
        !saved.is_complete
    });
    let Verdict { code, reasons } = Verdict::of(&answer.json, answer.is_error, &args);
    for reason in &reasons {
        tell(&format!("exit {code}: {reason}\n"));
    }
    Ok(ExitCode::from(if unsaved && code == 0 { exit::FINDINGS } else { code }))
}

/// What to say to a person who ended the call: its thread has what was sent.
async fn interrupted(app: &App, args: &RunArgs, began_at: Timestamp) -> Interrupted {
    if let Some(thread) = &args.continuation_id {
        return Interrupted { thread: Some(thread.clone()) };
    }
    let latest = app.engine.list_threads(&Identity::local(), &ThreadQuery { words: None, limit: 1 }).await;
    let latest = latest.ok().and_then(|found| found.threads.into_iter().next());
    Interrupted {
        thread: latest.filter(|thread| thread.created_at >= began_at).map(|thread| thread.id.to_string()),
    }
}

/// Prints the answer, and what is known about it to standard error.
fn show(
    args: &RunArgs,
    tool: &str,
    answer: &Answer,
    is_printed: bool,
    elapsed: Duration,
) -> anyhow::Result<()> {
    if args.json {
        return print_json(&answer.json);
    }
    let mut shown = answer.json.clone();
    if terminal::is_out() || terminal::is_err() {
        terminal::answer(&mut shown);
    }
    if let Some(fields) = shown.as_object_mut().filter(|_| is_printed) {
        fields.shift_remove(CONTENT);
    }
    let Rendered { answer, about } = prose::render(tool, &args.files, &shown, elapsed);
    print(&answer)?;
    tell(&about);
    Ok(())
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
    if tool != STREAMED || args.json || !terminal::is_out() {
        let answer = client::call(app, tool, arguments).await?;
        return Ok(Called { answer, is_printed: false });
    }
    let mut live = Live::new(BackgroundWriter::new(terminal::out()));
    let answer = client::call_and_follow(app, tool, arguments, Some(&mut |event| live.show(event))).await;
    // Also before an error: it begins on a line of its own.
    let is_printed = live.finish();
    Ok(Called { answer: answer?, is_printed })
}
