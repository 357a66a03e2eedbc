//! `codereview`: a review by an expert, prepared step by step.

use std::sync::{Arc, LazyLock};

use exai_engine::{Call, workflow::spec::CODEREVIEW};
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

/// Arguments of `codereview`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CodereviewArgs {
    #[serde(flatten)]
    common: ExpertStep,
    /// internal: no expert.
    #[schemars(extend("enum" = ["external", "internal"]))]
    review_validation_type: Option<String>,
    /// Kind of review.
    #[schemars(extend("enum" = ["full", "security", "performance", "quick"]))]
    review_type: Option<String>,
    /// What to look at in particular.
    focus_on: Option<String>,
    /// Standards to hold the code to.
    standards: Option<String>,
    /// Leave out findings below this severity.
    #[schemars(extend("enum" = ["critical", "high", "medium", "low", "all"]))]
    severity_filter: Option<String>,
    /// staged, unstaged, working, or a unified diff, instead of relevant_files.
    diff: Option<String>,
    /// Review what changed since this branch or commit.
    compare_to: Option<String>,
}

impl ToolArgs for CodereviewArgs {
    const ALIASES: &'static [(&'static str, &'static str)] = ALIASES;
    const HIDDEN: &'static [&'static [&'static str]] = &[RARE, &["confidence", "hypothesis", "compare_to"]];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<CodereviewArgs>);
        Arc::clone(&SCHEMA)
    }
}

#[tool_router(router = codereview_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "Code review: investigate in steps, then an expert returns findings with checked file:line. One call is enough \
                       when step 1 names relevant_files and next_step_required is false.",
        input_schema = CodereviewArgs::published(),
        annotations(title = "Code review", read_only_hint = true, open_world_hint = true)
    )]
    async fn codereview(
        &self,
        args: Args<CodereviewArgs>,
        Extension(call): Extension<Call>,
    ) -> CallToolResponse {
        self.take_step(&CODEREVIEW, args, call, |args: CodereviewArgs| {
            let own = own_fields([
                ("review_validation_type", args.review_validation_type.map(Into::into)),
                ("review_type", args.review_type.map(Into::into)),
                ("focus_on", args.focus_on.map(Into::into)),
                ("standards", args.standards.map(Into::into)),
                ("severity_filter", args.severity_filter.map(Into::into)),
                ("diff", args.diff.map(Into::into)),
                ("compare_to", args.compare_to.map(Into::into)),
            ]);
            args.common.into_input(own)
        })
        .await
    }
}
