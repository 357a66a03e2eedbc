//! `analyze`: an assessment of code as a whole by an expert.

use std::sync::{Arc, LazyLock};

use exai_engine::{Call, workflow::spec::ANALYZE};
use rmcp::{
    handler::server::common::Extension,
    model::{CallToolResponse, JsonObject},
    tool, tool_router,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    args::schema::portable,
    args::workflow::{ALIASES, ExpertStep, RARE, own_fields},
    args::{Args, ToolArgs},
    server::ExaiServer,
};

/// Arguments of `analyze`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct AnalyzeArgs {
    #[serde(flatten)]
    common: ExpertStep,
    /// Kind of analysis.
    #[schemars(extend("enum" = ["architecture", "performance", "security", "quality", "general"]))]
    analysis_type: Option<String>,
    /// Form of the answer.
    #[schemars(extend("enum" = ["summary", "detailed", "actionable"]))]
    output_format: Option<String>,
}

impl ToolArgs for AnalyzeArgs {
    const ALIASES: &'static [(&'static str, &'static str)] = ALIASES;
    const HIDDEN: &'static [&'static [&'static str]] = &[RARE, &["confidence", "hypothesis", "issues_found"]];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<AnalyzeArgs>);
        Arc::clone(&SCHEMA)
    }
}

#[tool_router(router = analyze_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "Assessment of code as a whole (architecture, fit, risks) by an expert, prepared in steps or in one call. For defects in lines use codereview.",
        input_schema = AnalyzeArgs::published(),
        annotations(title = "Analyze", read_only_hint = true, open_world_hint = true)
    )]
    async fn analyze(&self, args: Args<AnalyzeArgs>, Extension(call): Extension<Call>) -> CallToolResponse {
        self.take_step(&ANALYZE, args, call, |args: AnalyzeArgs| {
            let own = own_fields([
                ("analysis_type", args.analysis_type.map(Into::into)),
                ("output_format", args.output_format.map(Into::into)),
            ]);
            args.common.into_input(own)
        })
        .await
    }
}
