//! `exai-mcp cache`: shows and clears cached answers.

use std::{process::ExitCode, time::Duration};

use anyhow::bail;
use exai_core::{
    Identity, Timestamp,
    humanize::{counted, span},
    store::{StoredAnswers, Write},
};
use serde_json::{Value, json};

use super::{
    print, print_json,
    table::{grouped, lay_out},
};
use crate::{App, cli::CacheCommand};

/// The longest wait for the cache to be cleared.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn run(command: &CacheCommand, app: &App) -> anyhow::Result<ExitCode> {
    let (who, now) = (Identity::local(), app.engine.clock().now());
    match command {
        CacheCommand::Stats { json } => stats(app, &who, now, *json).await?,
        CacheCommand::Clear => {
            let before = app.store.stored_answers(&who, forgotten(app, &who).await?).await?;
            if !app.store.write(&who, vec![Write::ForgetAnswers { at: now }]).within(PATIENCE).await? {
                bail!("the database did not take the change within {PATIENCE:?}; nothing was cleared yet");
            }
            print(&format!(
                "{} cleared, in running servers too; conversations and usage are kept",
                counted(grouped(before.count), "answer")
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// From when on answers count.
async fn forgotten(app: &App, who: &Identity) -> anyhow::Result<Timestamp> {
    let cleared = app.store.answers_forgotten(who).await?;
    Ok(cleared.map_or(Timestamp(0), |at| at.plus_millis(1)))
}

async fn stats(app: &App, who: &Identity, now: Timestamp, as_json: bool) -> anyhow::Result<()> {
    let settings = &app.engine.settings().inference.cache;
    let lifetime = i64::try_from(settings.lifetime.as_millis()).unwrap_or(i64::MAX);
    let cleared = app.store.answers_forgotten(who).await?;
    let since = forgotten(app, who).await?;
    let all = app.store.stored_answers(who, since).await?;
    let young = since.max(now.plus_millis(-lifetime));
    let fresh =
        if lifetime == 0 { StoredAnswers::default() } else { app.store.stored_answers(who, young).await? };
    if as_json {
        let told = |answers: &StoredAnswers| {
            json!({ "answers": answers.count, "bytes": answers.bytes,
                    "oldest": answers.oldest.map(Timestamp::to_rfc3339) })
        };
        return print_json(&json!({
            "given_again": told(&fresh), "stored": told(&all),
            "cleared_at": cleared.map_or(Value::Null, |at| json!(at.to_rfc3339())),
            "seconds": settings.lifetime.as_secs(), "max_bytes_in_memory": settings.max_bytes,
        }));
    }
    let row = |what: &str, answers: &StoredAnswers| {
        let age = |at: Timestamp| span(Duration::from_millis(now.millis_since(at)));
        let oldest = answers.oldest.map_or_else(|| "-".to_owned(), age);
        vec![what.to_owned(), grouped(answers.count), grouped(answers.bytes), oldest]
    };
    let rows = [
        row(&format!("given again (cache.seconds = {})", settings.lifetime.as_secs()), &fresh),
        row("stored, given with allow_stale when no model is available", &all),
    ];
    let mut text = lay_out(&["answers", "number", "bytes", "oldest"], &rows, &[1, 2]);
    if let Some(at) = cleared {
        text.push_str(&format!("cleared {} ago\n", span(Duration::from_millis(now.millis_since(at)))));
    }
    Ok(print(&text)?)
}
