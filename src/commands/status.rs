//! `exai-mcp status`: what works now and what to do next.

use std::process::ExitCode;

use serde_json::{Map, Value};

use super::{client, print, print_json};
use crate::App;

pub(crate) async fn run(probe: bool, as_json: bool, app: App) -> anyhow::Result<ExitCode> {
    let arguments =
        if probe { Map::from_iter([("probe".to_owned(), Value::Bool(true))]) } else { Map::new() };
    let answer = client::call(&app, "status", arguments).await?.json;
    if as_json {
        print_json(&answer)?;
    } else {
        print(&rendered(&answer))?;
    }
    Ok(if answer["health"] == "degraded" { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The answer of the tool for people.
pub(super) fn rendered(answer: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = vec![text(&answer["summary"]), String::new()];
    let providers = answer["providers_configured"].as_array().map(Vec::as_slice).unwrap_or_default();
    let width = providers.iter().map(|provider| text(&provider["name"]).chars().count()).max().unwrap_or(0);
    for provider in providers {
        let mark = if provider["configured"] == true { "yes" } else { "no " };
        lines.push(format!("{mark}  {:<width$}  {}", text(&provider["name"]), text(&provider["how"])));
    }
    for probe in answer["probes"].as_array().into_iter().flatten() {
        let outcome = match probe["answered"].as_bool() {
            Some(true) => format!("answered in {} ms", probe["latency_ms"]),
            _ => text(&probe["message"]),
        };
        lines.push(format!("probe     {}: {outcome}", text(&probe["model"])));
    }
    let budget = &answer["budget"];
    for (key, which) in [
        ("call_usd", "one call"),
        ("day_usd", "one day"),
        ("thread_usd", "one thread"),
        ("server_day_usd", "one day of all users"),
    ] {
        if let Some(limit) = budget[key].as_f64() {
            let spent = budget["spent_today_usd"].as_f64().filter(|_| key == "day_usd");
            let spent = spent.map(|dollars| format!(", ${dollars:.4} spent today")).unwrap_or_default();
            lines.push(format!("budget    {which} may cost ${limit:.2}{spent}"));
        }
    }
    let database = &answer["database"];
    lines.push(format!("\ndatabase  {}", text(&database["path"])));
    for model in
        answer["models"].as_array().into_iter().flatten().filter(|model| model["breaker"] != "closed")
    {
        lines.push(format!("breaker   {} {}", text(&model["model"]), text(&model["breaker"])));
    }
    for error in answer["last_errors"].as_array().into_iter().flatten() {
        let since = if error["answered_since"] == true { " (it has answered since)" } else { "" };
        lines.push(format!(
            "failed    {} {} {}: {}{since}",
            text(&error["at"]),
            text(&error["tool"]),
            text(&error["model"]),
            text(&error["error"])
        ));
    }
    lines.push("\nnext".to_owned());
    lines.extend(
        answer["next_steps"].as_array().into_iter().flatten().map(|step| format!("- {}", text(step))),
    );
    lines.join("\n")
}
