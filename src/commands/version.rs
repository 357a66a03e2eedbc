//! `exai-mcp version`.

use std::process::ExitCode;

use serde_json::json;

use super::{print, print_json};
use crate::Config;

pub(crate) fn run(as_json: bool, config: &Config) -> anyhow::Result<ExitCode> {
    let version = env!("CARGO_PKG_VERSION");
    let providers: Vec<&str> =
        config.endpoints.settings.iter().map(|endpoint| endpoint.id.as_str()).collect();
    if as_json {
        print_json(&json!({ "name": "exai-mcp", "version": version, "providers": providers }))?;
    } else {
        let shown = if providers.is_empty() { "none configured".to_owned() } else { providers.join(", ") };
        print(&format!("exai-mcp {version}\nproviders: {shown}"))?;
    }
    Ok(ExitCode::SUCCESS)
}
