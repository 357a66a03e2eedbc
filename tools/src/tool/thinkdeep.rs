//! `thinkdeep`: a line of thought, deepened and checked by an expert.

use std::sync::{Arc, LazyLock};

use exai_engine::{Call, workflow::spec::THINKDEEP};
use rmcp::{
    handler::server::common::Extension,
    model::{CallToolResponse, JsonObject},
    tool, tool_router,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    args::schema::portable,
    args::workflow::{ALIASES, ExpertStep, RARE, list, own_fields},
    args::{Args, ToolArgs},
    server::ExaiServer,
};

/// Arguments of `thinkdeep`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ThinkdeepArgs {
    #[serde(flatten)]
    common: ExpertStep,
    /// Background of the problem.
    problem_context: Option<String>,
    /// Such as performance, security.
    #[serde(default)]
    focus_areas: Vec<String>,
}

impl ToolArgs for ThinkdeepArgs {
    const ALIASES: &'static [(&'static str, &'static str)] = ALIASES;
    const HIDDEN: &'static [&'static [&'static str]] = &[RARE, &["issues_found"]];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<ThinkdeepArgs>);
        Arc::clone(&SCHEMA)
    }
}

#[tool_router(router = thinkdeep_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "Think a hard question through in steps; then an expert checks it, finds gaps and alternatives. confidence certain needs no expert.",
        input_schema = ThinkdeepArgs::published(),
        annotations(title = "Deep thinking", read_only_hint = true, open_world_hint = true)
    )]
    async fn thinkdeep(
        &self,
        args: Args<ThinkdeepArgs>,
        Extension(call): Extension<Call>,
    ) -> CallToolResponse {
        self.take_step(&THINKDEEP, args, call, |args: ThinkdeepArgs| {
            let own = own_fields([
                ("problem_context", args.problem_context.map(Into::into)),
                ("focus_areas", list(args.focus_areas)),
            ]);
            args.common.into_input(own)
        })
        .await
    }
}
