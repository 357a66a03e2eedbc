//! `exai-mcp threads`: lists, shows, exports and deletes stored threads.

use std::{
    io::{self, BufRead as _, IsTerminal as _},
    process::ExitCode,
    time::Duration,
};

use anyhow::bail;
use exai_core::{
    Identity, ThreadId,
    humanize::counted,
    run::Run,
    thread::{Thread, ThreadSummary},
};
use exai_engine::{
    threads::{DeleteThread, ThreadQuery, ThreadView, ThreadViewQuery},
    transcript,
};
use serde_json::{Value, json};

use super::{print, print_json};
use crate::terminal::tell;
use crate::{App, cli::ThreadsCommand, exit::WrongUsage};

/// The longest wait for a deletion.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn run(command: &ThreadsCommand, app: &App) -> anyhow::Result<ExitCode> {
    let who = Identity::local();
    match command {
        ThreadsCommand::List { limit, json: as_json } => {
            let query = ThreadQuery { words: None, limit: *limit };
            list(&app.engine.list_threads(&who, &query).await?.threads, *as_json, "no threads yet")?;
        }
        ThreadsCommand::Search { words, limit, json: as_json } => {
            let query = ThreadQuery { words: Some(words.join(" ")), limit: *limit };
            list(&app.engine.list_threads(&who, &query).await?.threads, *as_json, "no thread contains that")?;
        }
        ThreadsCommand::Show { id, json: as_json } => {
            let view = found(app, &who, id).await?;
            if *as_json {
                print_json(&thread_json(&view.thread, &view.runs))?;
            } else {
                print(&thread_text(&view.thread, &view.runs))?;
            }
        }
        ThreadsCommand::Export { id } => print(&found(app, &who, id).await?.markdown())?,
        ThreadsCommand::Delete { id, yes } => {
            let thread = found(app, &who, id).await?.thread;
            if !*yes && !confirmed(&thread)? {
                print("nothing was deleted")?;
                return Ok(ExitCode::FAILURE);
            }
            let turns = counted(thread.turns.len(), "turn");
            let delete = DeleteThread { id: thread.id, wait: PATIENCE };
            if !app.engine.delete_thread(&who, delete).await? {
                bail!("the database did not take the change within {PATIENCE:?}; nothing was deleted yet");
            }
            print(&format!("deleted thread {} with {turns}, its runs and its kept answers", thread.id))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(threads: &[ThreadSummary], as_json: bool, none: &str) -> anyhow::Result<()> {
    if as_json {
        print_json(&Value::Array(threads.iter().map(summary_json).collect()))
    } else if threads.is_empty() {
        Ok(print(none)?)
    } else {
        Ok(print(&threads.iter().map(summary_line).collect::<String>())?)
    }
}

async fn found(app: &App, who: &Identity, id: &str) -> anyhow::Result<ThreadView> {
    let id: ThreadId = id.parse().map_err(|_| {
        WrongUsage(format!("`{id}` is not the id of a thread; `exai-mcp threads list` shows them"))
    })?;
    let found = app.engine.view_thread(who, ThreadViewQuery { id, answers: 0 }).await?;
    found.ok_or_else(|| WrongUsage(format!("thread {id} does not exist or has expired")).into())
}

/// Asks the user at the terminal; fails without one.
fn confirmed(thread: &Thread) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        let ask = format!("there is no terminal to ask on; pass --yes to delete thread {}", thread.id);
        return Err(WrongUsage(ask).into());
    }
    let turns = counted(thread.turns.len(), "turn");
    tell(&format!("Delete thread {} with {turns}? It cannot be undone. [y/N] ", thread.id));
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn summary_line(thread: &ThreadSummary) -> String {
    format!(
        "{}  {}  {:<10} {:>9}  {}\n",
        thread.id,
        thread.updated_at.to_rfc3339(),
        thread.tool,
        counted(thread.turns, "turn"),
        thread.title
    )
}

fn summary_json(thread: &ThreadSummary) -> Value {
    json!({
        "continuation_id": thread.id, "tool": thread.tool, "title": thread.title, "turns": thread.turns,
        "created_at": thread.created_at.to_rfc3339(), "updated_at": thread.updated_at.to_rfc3339(),
    })
}

fn thread_json(thread: &Thread, runs: &[Run]) -> Value {
    let turns: Vec<Value> = thread
        .turns
        .iter()
        .map(|turn| json!({ "seq": turn.seq, "tool": turn.tool, "at": turn.created_at.to_rfc3339(), "body": turn.body }))
        .collect();
    let runs: Vec<Value> = runs
        .iter()
        .map(|run| {
            json!({
                "run_id": run.id, "tool": run.tool, "provider": run.provider, "model": run.model, "state": run.state,
                "started_at": run.started_at.to_rfc3339(), "outcome": run.outcome,
            })
        })
        .collect();
    json!({
        "continuation_id": thread.id, "tool": thread.tool, "created_at": thread.created_at.to_rfc3339(),
        "updated_at": thread.updated_at.to_rfc3339(), "expires_at": thread.expires_at.to_rfc3339(), "turns": turns, "runs": runs,
    })
}

fn thread_text(thread: &Thread, runs: &[Run]) -> String {
    let mut text = format!(
        "thread {}\nbegun {} with {}, kept until {}\n",
        thread.id,
        thread.created_at.to_rfc3339(),
        thread.tool,
        thread.expires_at.to_rfc3339()
    );
    for turn in &thread.turns {
        let words = transcript::words(&turn.body);
        if words.trim().is_empty() {
            continue;
        }
        let who = transcript::speaker(&turn.body);
        text.push_str(&format!("\n── {} · {} · {who}\n{}\n", turn.seq + 1, turn.tool, words.trim_end()));
    }
    for run in runs {
        let cost = run.outcome.as_ref().and_then(|outcome| outcome.cost_usd);
        let price = cost.map(|cost| format!(", ${cost:.4}")).unwrap_or_default();
        let error = run.outcome.as_ref().and_then(|outcome| outcome.error.as_deref());
        let error = error.map(|error| format!(": {error}")).unwrap_or_default();
        text.push_str(&format!(
            "\nrun {} {}/{} {}{price}{error}",
            run.id,
            run.provider,
            run.model,
            run.state.as_str()
        ));
    }
    text
}
