//! `exai-mcp threads`: what is stored.

use std::process::ExitCode;

use anyhow::Context as _;
use exai_core::{
    Principal, ThreadId,
    run::Run,
    thread::{Body, Thread, ThreadSummary},
};
use serde_json::{Value, json};

use super::{print, print_json};
use crate::{App, cli::ThreadsCommand};

pub(crate) async fn run(command: &ThreadsCommand, app: &App) -> anyhow::Result<ExitCode> {
    let who = Principal::local();
    match command {
        ThreadsCommand::List { limit, json: as_json } => {
            let threads = app.store.threads(&who, *limit).await?;
            if *as_json {
                print_json(&Value::Array(threads.iter().map(summary_json).collect()))?;
            } else if threads.is_empty() {
                print("no threads yet")?;
            } else {
                print(&threads.iter().map(summary_line).collect::<String>())?;
            }
        }
        ThreadsCommand::Show { id, json: as_json } => {
            let id: ThreadId = id.parse().context("pass an id that `exai-mcp threads list` shows")?;
            let found = app.store.thread(&who, id).await?;
            let thread = found.with_context(|| format!("thread {id} does not exist or has expired"))?;
            let runs = app.store.runs(&who, id).await?;
            if *as_json {
                print_json(&thread_json(&thread, &runs))?;
            } else {
                print(&thread_text(&thread, &runs))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn summary_line(thread: &ThreadSummary) -> String {
    format!(
        "{}  {}  {:<10} {:>3} turns  {}\n",
        thread.id,
        thread.updated_at.to_rfc3339(),
        thread.tool,
        thread.turns,
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
        let (who, words) = match &turn.body {
            Body::Message(message) => ("you".to_owned(), message.text.clone()),
            Body::Step(step) => (
                format!("step {} of {}", step.step_number, step.total_steps),
                format!("{}\n{}", step.step, step.findings),
            ),
            Body::Opinion(opinion) => {
                let who = format!("{}/{}", opinion.model.provider, opinion.model.model);
                (who, opinion.error.clone().unwrap_or_else(|| opinion.text.clone()))
            }
            Body::Answer(answer) if answer.text.is_empty() => continue,
            Body::Answer(answer) => {
                let who = answer.model.as_ref().map_or_else(
                    || "offline inspection".to_owned(),
                    |model| format!("{}/{}", model.provider, model.model),
                );
                (who, answer.text.clone())
            }
        };
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
