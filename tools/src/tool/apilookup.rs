//! `apilookup`: how to look an interface up instead of remembering it. Asks no model.

use std::sync::{Arc, LazyLock};

use exai_engine::Call;
use rmcp::{
    handler::server::common::Extension,
    model::{CallToolResponse, JsonObject},
    tool, tool_router,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    args::schema::portable,
    args::{Args, ToolArgs},
    reply,
    server::ExaiServer,
};

/// Arguments of `apilookup`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["prompt"]))]
pub(crate) struct ApilookupArgs {
    /// Library, service or version, and what is wanted of it.
    prompt: String,
}

impl ToolArgs for ApilookupArgs {
    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<ApilookupArgs>);
        Arc::clone(&SCHEMA)
    }
}

#[tool_router(router = apilookup_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "How to look up a current API, version or deprecation with your own web tool. Asks no model.",
        input_schema = ApilookupArgs::published(),
        annotations(title = "API lookup", read_only_hint = true, open_world_hint = false)
    )]
    async fn apilookup(
        &self,
        args: Args<ApilookupArgs>,
        Extension(call): Extension<Call>,
    ) -> CallToolResponse {
        let notes = args.notes;
        let question = match args.value {
            Ok(value) if value.prompt.trim().is_empty() => {
                let problem = "prompt: say what is to be looked up".to_owned();
                return reply::bad_arguments("apilookup", &[problem], &notes, &call);
            }
            Ok(value) => value.prompt,
            Err(problems) => return reply::bad_arguments("apilookup", &problems, &notes, &call),
        };
        let mut answer = reply::Answer::default();
        answer
            .put("status", "web_lookup_needed")
            .put("instructions", exai_prompts::texts::apilookup())
            .put("user_prompt", question);
        reply::without_model("apilookup", answer, &notes, &call)
    }
}
