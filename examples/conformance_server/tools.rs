//! The tools that ask nobody.

use std::time::Duration;

use rmcp::{
    RoleServer,
    model::{
        CallToolRequestParams, CallToolResult, ClientCapabilities, ErrorData, LoggingLevel,
        LoggingMessageNotification, LoggingMessageNotificationParam, ProgressNotificationParam, Tool,
    },
    service::RequestContext,
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::content::{RED_PIXEL, SILENCE, from_json, result, text};

/// Between two notifications, so that they cannot be one.
const STEP: Duration = Duration::from_millis(50);

/// Tools without arguments, and what is said of them.
const PLAIN: [(&str, &str); 24] = [
    ("test_simple_text", "One text"),
    ("test_image_content", "An image"),
    ("test_audio_content", "A sound"),
    ("test_embedded_resource", "A resource within the answer"),
    ("test_multiple_content_types", "A text, an image and a resource"),
    ("test_tool_with_logging", "Logs while it runs"),
    ("test_logging_tool", "Logs, if the request asks for it"),
    ("test_error_handling", "Always fails"),
    ("test_tool_with_progress", "Tells how far it is"),
    ("test_reconnection", "Takes long enough for a client to come again"),
    ("test_missing_capability", "Needs a client that has a model"),
    ("test_streaming_elicitation", "Would ask, if it may"),
    ("test_elicitation_sep1034_defaults", "Asks with defaults"),
    ("test_elicitation_sep1330_enums", "Asks with choices"),
    ("test_input_required_result_elicitation", "Ends with a form"),
    ("test_input_required_result_sampling", "Ends with a question for a model"),
    ("test_input_required_result_list_roots", "Ends with a question for the folders"),
    ("test_input_required_result_request_state", "Gives the client something to carry"),
    ("test_input_required_result_multiple_inputs", "Ends with three questions"),
    ("test_input_required_result_multi_round", "Asks twice"),
    ("test_input_required_result_tampered_state", "Knows whether what was carried was changed"),
    ("test_input_required_result_capabilities", "Asks only what the client can answer"),
    ("test_annotated", "Is said to be harmless"),
    ("test_nothing", "Says nothing"),
];

/// All tools.
pub(crate) fn list() -> Result<Vec<Tool>, ErrorData> {
    let plain = PLAIN
        .map(|(name, about)| json!({"name": name, "description": about, "inputSchema": {"type": "object"}}));
    let one_text = |name: &str, about: &str, field: &str| {
        json!({"name": name, "description": about,
        "inputSchema": {"type": "object", "properties": {field: {"type": "string"}}, "required": [field]}})
    };
    let mut all = plain.to_vec();
    all.push(one_text("test_sampling", "Asks the client's model", "prompt"));
    all.push(one_text("test_elicitation", "Asks the client's user", "message"));
    all.push(json!({"name": "test_custom_header", "description": "Has an argument that is a header too",
        "inputSchema": {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}}));
    all.push(
        json!({"name": "json_schema_2020_12_tool", "description": "Tool with JSON Schema 2020-12 features",
        "inputSchema": wide_schema()}),
    );
    from_json(Value::Array(all))
}

/// Every kind of keyword that a list of tools must not lose.
fn wide_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {"address": {"$anchor": "addressDef", "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}}}},
        "properties": {
            "name": {"type": "string"}, "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"}, "email": {"type": "string"}},
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": false,
    })
}

/// Calls one of them.
pub(crate) async fn call(
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
    level: LoggingLevel,
) -> Result<CallToolResult, ErrorData> {
    let image = json!({"type": "image", "data": RED_PIXEL, "mimeType": "image/png"});
    let content = match &*request.name {
        "test_simple_text" => {
            json!([{"type": "text", "text": "This is a simple text response for testing."}])
        }
        "test_image_content" => json!([image]),
        "test_audio_content" => json!([{"type": "audio", "data": SILENCE, "mimeType": "audio/wav"}]),
        "test_embedded_resource" => {
            json!([{"type": "resource", "resource": {"uri": "test://embedded-resource",
            "mimeType": "text/plain", "text": "This is an embedded resource content."}}])
        }
        "test_multiple_content_types" => json!([
            {"type": "text", "text": "Multiple content types test:"}, image,
            {"type": "resource", "resource": {"uri": "test://mixed-content-resource", "mimeType": "application/json",
                "text": json!({"test": "data", "value": 123}).to_string()}},
        ]),
        "test_error_handling" => {
            let said =
                json!({"type": "text", "text": "This tool intentionally returns an error for testing"});
            return result(json!({"content": [said], "isError": true}));
        }
        "test_tool_with_logging" | "test_logging_tool" => {
            for words in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
                log(context, level, words).await;
                sleep(STEP).await;
            }
            return Ok(text("It has logged what it may."));
        }
        "test_tool_with_progress" => {
            for step in [0, 50, 100] {
                progress(context, step).await;
                sleep(STEP).await;
            }
            return Ok(text("It has told how far it was."));
        }
        "test_reconnection" => {
            sleep(STEP).await;
            return Ok(text("It took a while."));
        }
        "test_missing_capability" => return needs_sampling(context),
        "test_custom_header" => return Ok(text(json!(request.arguments).to_string())),
        "json_schema_2020_12_tool" | "test_annotated" => return Ok(text("Called.")),
        "test_nothing" => json!([]),
        other => return Err(ErrorData::invalid_params(format!("there is no tool {other}"), None)),
    };
    result(json!({"content": content}))
}

/// Refuses clients that have not said that they have a model.
fn needs_sampling(context: &RequestContext<RoleServer>) -> Result<CallToolResult, ErrorData> {
    let said = serde_json::to_value(context.client_capabilities()).unwrap_or_default();
    if said.get("sampling").is_some() {
        return Ok(text("The client has a model."));
    }
    let needed: ClientCapabilities = from_json(json!({"sampling": {}}))?;
    Err(ErrorData::missing_required_client_capability(needed))
}

/// A line of the log, unless the client wants none: since 2026-07-28 each request says whether it does.
async fn log(context: &RequestContext<RoleServer>, level: LoggingLevel, words: &str) {
    let newer = context.protocol_version().is_some_and(|version| version.as_str() >= "2026-07-28");
    let least = if newer { context.meta.log_level() } else { Some(level) };
    if least.is_some_and(|least| severity(least) <= severity(LoggingLevel::Info)) {
        let note = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(words));
        drop(context.peer.send_notification(LoggingMessageNotification::new(note).into()).await);
    }
}

/// In the order of RFC 5424, least first.
fn severity(level: LoggingLevel) -> usize {
    let names = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];
    let name = json!(level);
    names.iter().position(|known| name == **known).unwrap_or(names.len())
}

async fn progress(context: &RequestContext<RoleServer>, step: u32) {
    if let Some(token) = context.meta.get_progress_token() {
        let note = ProgressNotificationParam::new(token, f64::from(step)).with_total(100.0);
        drop(context.peer.notify_progress(note).await);
    }
}
