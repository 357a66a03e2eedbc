//! `debug`: the cause of a defect, found step by step and checked by an expert.

use std::sync::{Arc, LazyLock};

use exai_engine::{Call, workflow::spec::DEBUG};
use rmcp::{
    handler::server::common::Extension,
    model::{CallToolResponse, JsonObject},
    tool, tool_router,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Map;

use crate::{
    args::schema::portable,
    args::workflow::{ALIASES, ExpertStep, RARE},
    args::{Args, ToolArgs},
    server::ExaiServer,
};

/// Arguments of `debug`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DebugArgs {
    #[serde(flatten)]
    common: ExpertStep,
}

impl ToolArgs for DebugArgs {
    const ALIASES: &'static [(&'static str, &'static str)] = ALIASES;
    const HIDDEN: &'static [&'static [&'static str]] = &[RARE, &["issues_found"]];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<DebugArgs>);
        Arc::clone(&SCHEMA)
    }
}

#[tool_router(router = debug_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "Root cause of a defect: investigate in steps, then one expert ranks hypotheses with a minimal fix. \
                       confidence certain needs no expert.",
        input_schema = DebugArgs::published(),
        annotations(title = "Debug", read_only_hint = true, open_world_hint = true)
    )]
    async fn debug(&self, args: Args<DebugArgs>, Extension(call): Extension<Call>) -> CallToolResponse {
        self.take_step(&DEBUG, args, call, |args: DebugArgs| args.common.into_input(Map::new())).await
    }
}
