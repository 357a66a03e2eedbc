//! `exai-mcp tools`: the tools and what their list costs a client.

use std::process::ExitCode;

use exai_engine::context::estimate_tokens;
use serde_json::json;

use super::{print, print_json};
use crate::{App, cli::ToolsArgs};

pub(crate) fn run(args: &ToolsArgs, app: &App) -> anyhow::Result<ExitCode> {
    let tools = app.server.tool_list();
    if args.json {
        print_json(&json!({ "tools": tools }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    for tool in tools {
        let about = tool.description.as_deref().unwrap_or_default();
        if args.cost {
            let entry = serde_json::to_string(tool)?;
            text.push_str(&format!(
                "{:<12} {:>6} bytes  about {:>5} tokens\n",
                tool.name,
                entry.len(),
                estimate_tokens(&entry)
            ));
        } else {
            text.push_str(&format!("{:<12} {about}\n", tool.name));
        }
    }
    if args.cost {
        let whole = serde_json::to_string(&json!({ "tools": tools }))?;
        text.push_str(&format!(
            "{:<12} {:>6} bytes  about {:>5} tokens\n",
            "all",
            whole.len(),
            estimate_tokens(&whole)
        ));
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
