//! `version`: what this server is and how it is set up. Asks no model.

use std::sync::{Arc, LazyLock};

use exai_engine::Call;
use rmcp::{
    ServerHandler,
    handler::server::common::Extension,
    model::{CallToolResponse, JsonObject},
    tool, tool_router,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::{
    args::schema::portable,
    args::{Args, ToolArgs},
    reply,
    server::ExaiServer,
};

/// Arguments of `version`: none.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct VersionArgs {}

impl ToolArgs for VersionArgs {
    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<VersionArgs>);
        Arc::clone(&SCHEMA)
    }
}

#[tool_router(router = version_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "Version and set-up of this server.",
        input_schema = VersionArgs::published(),
        annotations(title = "Version", read_only_hint = true, open_world_hint = false)
    )]
    async fn version(&self, args: Args<VersionArgs>, Extension(call): Extension<Call>) -> CallToolResponse {
        let protocols: Vec<String> =
            self.supported_protocol_versions().iter().map(ToString::to_string).collect();
        let providers: Vec<&str> =
            self.engine().models().providers().iter().map(|provider| provider.id().as_str()).collect();
        let answered = if providers.is_empty() {
            "none; reviews come from the offline inspection".to_owned()
        } else {
            providers.join(", ")
        };
        let text = format!(
            "exai-mcp {}\nproviders: {answered}\ndefault model: {}\nthreads: {}\nprotocol revisions: {}",
            self.parts.version,
            self.engine().preferences().default_model.as_deref().unwrap_or("chosen by purpose"),
            self.parts.database,
            protocols.join(", "),
        );
        let more =
            json!({ "version": self.parts.version, "providers": providers, "protocol_versions": protocols });
        reply::text("version", "text", &text, more, &args.notes, &call)
    }
}
