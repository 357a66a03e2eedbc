//! `challenge`: a statement to judge on its merits. Asks no model.

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

/// Instructions to the agent for the answer.
const INSTRUCTIONS: &str = "Follow challenge_prompt now, with your own tools, before you answer the user.";

/// Arguments of `challenge`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["prompt"]))]
pub(crate) struct ChallengeArgs {
    /// The statement, as it was said.
    prompt: String,
}

impl ToolArgs for ChallengeArgs {
    const ALIASES: &'static [(&'static str, &'static str)] = &[("statement", "prompt")];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<ChallengeArgs>);
        Arc::clone(&SCHEMA)
    }
}

#[tool_router(router = challenge_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "When the user doubts or contradicts you: judge the statement on its merits instead of agreeing. Asks no model.",
        input_schema = ChallengeArgs::published(),
        annotations(title = "Challenge", read_only_hint = true, open_world_hint = false)
    )]
    async fn challenge(
        &self,
        args: Args<ChallengeArgs>,
        Extension(call): Extension<Call>,
    ) -> CallToolResponse {
        let notes = args.notes;
        let statement = match args.value {
            Ok(value) if value.prompt.trim().is_empty() => {
                let problem = "prompt: say which statement is to be judged".to_owned();
                return reply::bad_arguments("challenge", &[problem], &notes, &call);
            }
            Ok(value) => value.prompt,
            Err(problems) => return reply::bad_arguments("challenge", &problems, &notes, &call),
        };
        let mut answer = reply::Answer::default();
        answer
            .put("status", "challenge_accepted")
            .put("challenge_prompt", exai_prompts::texts::challenge(&statement))
            .put("original_statement", statement)
            .put("instructions", INSTRUCTIONS);
        reply::without_model("challenge", answer, &notes, &call)
    }
}
