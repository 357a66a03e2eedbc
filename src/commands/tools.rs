//! `exai-mcp tools`: the tools and what their list costs a client.

use std::process::ExitCode;

use exai_context::files::estimate_tokens;
use exai_tools::profile::Shown;
use rmcp::model::Tool;
use serde_json::json;

use super::{print, print_json, table::lay_out};
use crate::{App, cli::ToolsArgs};

pub(crate) async fn run(args: &ToolsArgs, app: &App) -> anyhow::Result<ExitCode> {
    if let Some(profile) = args.profile {
        app.server.show(Shown { profile: profile.into(), ..Shown::default() }).await;
    }
    let tools = app.server.tool_list();
    if args.json {
        print_json(&json!(tools))?;
    } else if args.markdown {
        print(&exai_tools::reference())?;
    } else if args.cost {
        print(&cost(&tools)?)?;
    } else {
        let line = |tool: &Tool| {
            let about = tool.description.as_deref().unwrap_or_default();
            format!("{:<12} {about}\n", tool.name)
        };
        print(&tools.iter().map(line).collect::<String>())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Bytes of compact JSON and estimated tokens of each tool's entry and of the whole list.
fn cost(tools: &[Tool]) -> anyhow::Result<String> {
    let row = |name: &str, entry: &str| {
        vec![name.to_owned(), entry.len().to_string(), estimate_tokens(entry).to_string()]
    };
    let mut rows = Vec::new();
    for tool in tools {
        rows.push(row(&tool.name, &serde_json::to_string(tool)?));
    }
    rows.push(row("all", &serde_json::to_string(&json!({ "tools": tools }))?));
    Ok(lay_out(&["tool", "bytes", "tokens (estimate)"], &rows, &[1, 2]))
}
