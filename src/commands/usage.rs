//! `exai-mcp usage`: tokens, money and time.

use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::{
    client, print, print_json,
    table::{grouped, lay_out},
};
use crate::{App, cli::UsageArgs, exit::ToolFailed};

pub(crate) async fn run(args: &UsageArgs, app: App) -> anyhow::Result<ExitCode> {
    let mut wanted =
        Map::from_iter([("by".to_owned(), json!(args.by)), ("since".to_owned(), json!(args.since))]);
    wanted.extend(args.until.as_ref().map(|until| ("until".to_owned(), json!(until))));
    let answer = client::call(&app, "usage", wanted).await?;
    if answer.is_error {
        return Err(ToolFailed::new(&answer.json).into());
    }
    if args.json {
        print_json(&answer.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    print(&rendered(&answer.json))?;
    Ok(ExitCode::SUCCESS)
}

/// The answer of the tool as a table.
pub(super) fn rendered(answer: &Value) -> String {
    let by = answer["by"].as_str().unwrap_or_default();
    let rows = answer["rows"].as_array().into_iter().flatten().map(|row| cells(row, by));
    let total = cells(&answer["total"], "of");
    let rows: Vec<Vec<String>> = rows.chain([total]).collect();
    let headings = [by, "calls", "failed", "tokens in", "out", "cost $", "p50 s", "p95 s"];
    let table = lay_out(&headings, &rows, &[1, 2, 3, 4, 5, 6, 7]);
    format!("{table}{}\n", answer["summary"].as_str().unwrap_or_default())
}

fn cells(row: &Value, by: &str) -> Vec<String> {
    let count = |pointer: &str| grouped(row.pointer(pointer).and_then(Value::as_u64).unwrap_or(0));
    let seconds = |pointer: &str| {
        let millis = row.pointer(pointer).and_then(Value::as_u64);
        millis.map_or_else(|| "-".to_owned(), |millis| format!("{}.{}", millis / 1_000, millis % 1_000 / 100))
    };
    vec![
        row[by].as_str().unwrap_or_default().to_owned(),
        count("/calls"),
        count("/failed"),
        count("/tokens/input"),
        count("/tokens/output"),
        row["cost_usd"].as_f64().map_or_else(|| "?".to_owned(), |cost| format!("{cost:.4}")),
        seconds("/latency_ms/p50"),
        seconds("/latency_ms/p95"),
    ]
}
