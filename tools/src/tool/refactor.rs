//! `refactor`: what to restructure, named by an expert.

use std::sync::{Arc, LazyLock};

use exai_engine::{Call, workflow::spec::REFACTOR};
use rmcp::{
    handler::server::common::Extension,
    model::{CallToolResponse, JsonObject},
    tool, tool_router,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    args::schema::{portable, with_choices},
    args::workflow::{ALIASES, ExpertStep, RARE, list, own_fields},
    args::{Args, ToolArgs},
    server::ExaiServer,
};

/// Arguments of `refactor`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RefactorArgs {
    #[serde(flatten)]
    common: ExpertStep,
    /// What to look for.
    #[schemars(extend("enum" = ["codesmells", "decompose", "modernize", "organization"]))]
    refactor_type: Option<String>,
    /// What matters most.
    #[serde(default)]
    focus_areas: Vec<String>,
    /// Files whose style is the model.
    #[serde(default)]
    style_guide_examples: Vec<String>,
}

impl ToolArgs for RefactorArgs {
    const ALIASES: &'static [(&'static str, &'static str)] = ALIASES;
    const HIDDEN: &'static [&'static [&'static str]] = &[RARE, &["hypothesis"]];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(|| {
            with_choices(
                portable::<RefactorArgs>(),
                "confidence",
                &["exploring", "incomplete", "partial", "complete"],
            )
        });
        Arc::clone(&SCHEMA)
    }
}

#[tool_router(router = refactor_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "What to restructure and how, by an expert: smells, files to split, old idioms, order. confidence complete needs no expert.",
        input_schema = RefactorArgs::published(),
        annotations(title = "Refactor", read_only_hint = true, open_world_hint = true)
    )]
    async fn refactor(&self, args: Args<RefactorArgs>, Extension(call): Extension<Call>) -> CallToolResponse {
        self.take_step(&REFACTOR, args, call, |args: RefactorArgs| {
            let own = own_fields([
                ("refactor_type", args.refactor_type.map(Into::into)),
                ("focus_areas", list(args.focus_areas)),
                ("style_guide_examples", list(args.style_guide_examples)),
            ]);
            args.common.into_input(own)
        })
        .await
    }
}
