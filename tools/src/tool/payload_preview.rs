//! `payload_preview`: the request that a conversation would send, without sending it.

use std::sync::{Arc, LazyLock};

use exai_engine::{Call, EngineError, chat::ChatInput};
use rmcp::{
    handler::server::common::Extension,
    model::{CallToolResponse, JsonObject},
    tool, tool_router,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    args::schema::portable,
    args::{Args, ToolArgs},
    reply::{self, Answer},
    server::ExaiServer,
    tool::chat::ChatArgs,
};

/// The most characters that are shown of a text.
const SHOWN_CHARS: usize = 2_000;

/// Arguments of `payload_preview`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct PayloadPreviewArgs {
    #[serde(flatten)]
    chat: ChatArgs,
    /// true: texts are not shortened.
    #[serde(default)]
    whole: bool,
}

impl ToolArgs for PayloadPreviewArgs {
    const ALIASES: &'static [(&'static str, &'static str)] = ChatArgs::ALIASES;
    const HIDDEN: &'static [&'static [&'static str]] =
        &[&["add_files", "fresh", "allow_stale", "continuation_id", "images", "temperature", "whole"]];
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] = &[
        ("system_prompt", "the system prompt is that of chat"),
        ("tools", "chat gives models no tools; chat_with_tools does"),
        ("tool_choice", "chat gives models no tools; chat_with_tools does"),
    ];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<PayloadPreviewArgs>);
        Arc::clone(&SCHEMA)
    }
}

#[tool_router(router = payload_preview_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "The exact request that chat would send to the model's vendor, keys masked. Sends nothing.",
        input_schema = PayloadPreviewArgs::published(),
        annotations(title = "Payload preview", read_only_hint = true, open_world_hint = false)
    )]
    async fn payload_preview(
        &self,
        args: Args<PayloadPreviewArgs>,
        Extension(call): Extension<Call>,
    ) -> CallToolResponse {
        reply::looked_up("payload_preview", args, &call, |wanted| self.preview_answer(wanted, &call)).await
    }
}

impl ExaiServer {
    async fn preview_answer(&self, wanted: PayloadPreviewArgs, call: &Call) -> Result<Answer, EngineError> {
        let whole = wanted.whole;
        let found = self.engine().preview(&ChatInput::from(wanted.chat), call).await?;
        let model = found.choice.model.qualified();
        let mut answer = Answer::default();
        answer.put("status", "success");
        answer.put("summary", format!("{model} would be sent this. Nothing was sent."));
        answer.put("model", model);
        let Some(preview) = found.preview else { return Ok(answer) };
        let bytes = preview.body.to_string().len();
        let mut body = preview.body;
        if !whole {
            shorten(&mut body);
        }
        let headers: serde_json::Map<String, Value> =
            preview.headers.into_iter().map(|(name, value)| (name, json!(value))).collect();
        answer.put("method", "POST").put("url", preview.url).put("headers", json!(headers));
        answer.put("body_bytes", bytes).put("body", body);
        answer.put("files", json!(found.files));
        Ok(answer)
    }
}

/// Cuts long texts and says how long they are.
fn shorten(value: &mut Value) {
    match value {
        Value::String(text) => {
            let count = text.chars().count();
            if count > SHOWN_CHARS {
                let head: String = text.chars().take(SHOWN_CHARS).collect();
                *text = format!("{head}… ({count} characters)");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}
