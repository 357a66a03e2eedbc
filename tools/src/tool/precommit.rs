//! `precommit`: a check of a change before it is committed; the server reads the change from git itself.

use std::sync::{Arc, LazyLock};

use exai_engine::{Call, workflow::spec::PRECOMMIT};
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

/// Arguments of `precommit`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct PrecommitArgs {
    #[serde(flatten)]
    common: ExpertStep,
    /// The repository or a folder in it; default: the project's.
    path: Option<String>,
    /// Branch or commit to compare with; default: the last commit.
    compare_to: Option<String>,
    /// Default true.
    include_staged: Option<bool>,
    /// Default true; new files included.
    include_unstaged: Option<bool>,
    /// internal: no expert.
    #[schemars(extend("enum" = ["external", "internal"]))]
    precommit_type: Option<String>,
    /// What to look at in particular.
    focus_on: Option<String>,
    /// Least severity to report.
    #[schemars(extend("enum" = ["critical", "high", "medium", "low", "all"]))]
    severity_filter: Option<String>,
}

impl ToolArgs for PrecommitArgs {
    const ALIASES: &'static [(&'static str, &'static str)] = ALIASES;
    const HIDDEN: &'static [&'static [&'static str]] = &[RARE, &["confidence", "hypothesis"]];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<PrecommitArgs>);
        Arc::clone(&SCHEMA)
    }
}

#[tool_router(router = precommit_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "Check of a git change before commit. The server reads the diff itself; one call with next_step_required false is enough.",
        input_schema = PrecommitArgs::published(),
        annotations(title = "Pre-commit check", read_only_hint = true, open_world_hint = true)
    )]
    async fn precommit(
        &self,
        args: Args<PrecommitArgs>,
        Extension(call): Extension<Call>,
    ) -> CallToolResponse {
        self.take_step(&PRECOMMIT, args, call, |args: PrecommitArgs| {
            let own = own_fields([
                ("path", args.path.map(Into::into)),
                ("compare_to", args.compare_to.map(Into::into)),
                ("include_staged", args.include_staged.map(Into::into)),
                ("include_unstaged", args.include_unstaged.map(Into::into)),
                ("precommit_type", args.precommit_type.map(Into::into)),
                ("focus_on", args.focus_on.map(Into::into)),
                ("severity_filter", args.severity_filter.map(Into::into)),
            ]);
            args.common.into_input(own)
        })
        .await
    }
}
