//! `testgen`: tests written by an expert.

use std::sync::{Arc, LazyLock};

use exai_engine::{Call, workflow::spec::TESTGEN};
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

/// Arguments of `testgen`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct TestgenArgs {
    #[serde(flatten)]
    common: ExpertStep,
}

impl ToolArgs for TestgenArgs {
    const ALIASES: &'static [(&'static str, &'static str)] = ALIASES;
    const HIDDEN: &'static [&'static [&'static str]] = &[RARE, &["hypothesis", "issues_found"]];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<TestgenArgs>);
        Arc::clone(&SCHEMA)
    }
}

#[tool_router(router = testgen_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "Tests for given code, written by an expert: name the code and a test file as a sample in relevant_files. confidence certain needs no expert.",
        input_schema = TestgenArgs::published(),
        annotations(title = "Test generation", read_only_hint = true, open_world_hint = true)
    )]
    async fn testgen(&self, args: Args<TestgenArgs>, Extension(call): Extension<Call>) -> CallToolResponse {
        self.take_step(&TESTGEN, args, call, |args: TestgenArgs| args.common.into_input(Map::new())).await
    }
}
