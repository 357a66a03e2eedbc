//! `exai-mcp activity`: the latest runs.

use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::{
    client, print, print_json,
    table::{grouped, lay_out},
};
use crate::{App, cli::ActivityArgs, exit::ToolFailed, terminal};

/// What is said when there is none: most commands make no run, and a user who expects one wants to know why it is not here.
const NONE: &str = "no run matches; a run is a call that asked a model or an agent, so local inspections and steps without an expert are none";

pub(crate) async fn run(args: &ActivityArgs, app: App) -> anyhow::Result<ExitCode> {
    let named = [
        ("tool", &args.tool),
        ("state", &args.state),
        ("model", &args.model),
        ("continuation_id", &args.thread),
        ("since", &args.since),
    ];
    let mut wanted: Map<String, Value> = named
        .into_iter()
        .filter_map(|(name, value)| value.as_ref().map(|value| (name.to_owned(), json!(value))))
        .collect();
    wanted.insert("limit".to_owned(), json!(args.limit));
    let answer = client::call(&app, "activity", wanted).await?;
    if answer.is_error {
        return Err(ToolFailed::new(&answer.json).into());
    }
    if args.json {
        print_json(&answer.json["calls"])?;
        return Ok(ExitCode::SUCCESS);
    }
    print(&rendered(&answer.json))?;
    Ok(ExitCode::SUCCESS)
}

/// The answer of the tool as a table.
pub(super) fn rendered(answer: &Value) -> String {
    let calls = answer["calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    if calls.is_empty() {
        return format!("{NONE}\n");
    }
    let is_terminal = terminal::is_out();
    let rows: Vec<Vec<String>> = calls.iter().map(|call| cells(call, is_terminal)).collect();
    let headings = ["at", "tool", "model", "state", "tokens in", "out", "cost $", "seconds", "error"];
    lay_out(&headings, &rows, &[4, 5, 6, 7])
}

fn cells(call: &Value, is_terminal: bool) -> Vec<String> {
    let text = |key: &str| terminal::printed(call[key].as_str().unwrap_or_default().to_owned(), is_terminal);
    let count =
        |pointer: &str| call.pointer(pointer).and_then(Value::as_u64).map(grouped).unwrap_or_default();
    let millis = call["duration_ms"].as_u64();
    vec![
        text("at"),
        text("tool"),
        text("model"),
        text("state"),
        count("/tokens/input"),
        count("/tokens/output"),
        call["cost_usd"].as_f64().map(|cost| format!("{cost:.4}")).unwrap_or_default(),
        millis.map(|millis| format!("{}.{}", millis / 1_000, millis % 1_000 / 100)).unwrap_or_default(),
        text("error").chars().take(60).collect(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_clean_errors() {
        let call = json!({"model": "m", "error": "\u{1b}[2Jrefused"});
        assert_eq!(cells(&call, true).last().unwrap(), "refused");
        assert_eq!(cells(&call, false).last().unwrap(), "\u{1b}[2Jrefused");
    }
}
