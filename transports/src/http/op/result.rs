//! Answers of MCP in the words of the dialect.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    super::pacing,
    request::{self, Request},
};

/// The result of a call that MCP has answered: `result` or `error` of its message.
pub(super) fn call_tool_res(request_id: &Value, message: &Value, took: Duration) -> Value {
    let mut frame = json!({"op": "call_tool_res", "request_id": request_id});
    if let Some(error) = message.get("error") {
        return failed(frame, protocol_error(error));
    }
    let result = &message["result"];
    let mut outputs = result["content"].as_array().cloned().unwrap_or_default();
    let texts = outputs.iter().filter_map(|output| output["text"].as_str());
    let text = texts.collect::<Vec<_>>().join("\n");
    if let Some(first) = outputs.first_mut().and_then(Value::as_object_mut) {
        let latency = json!({"latency_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX)});
        first.insert("metadata".to_owned(), json!({"latency_metrics": latency}));
    }
    if result["isError"] == true {
        frame = failed(frame, tool_error(&text));
    } else {
        frame["ok"] = json!(true);
    }
    frame["outputs"] = json!(outputs);
    frame["text"] = json!(text);
    if let Some(structured) = result.get("structuredContent") {
        frame["structured"] = structured.clone();
    }
    frame
}

/// The answer to a frame that came too fast.
pub(super) fn too_fast(frame: &[u8], retry_after: Duration) -> Value {
    let error = pacing::error(retry_after);
    match request::parse(frame) {
        (Some(id), Ok(Request::Call { .. })) => call_tool_res(&id, &json!({"error": error}), Duration::ZERO),
        (id, request) => {
            let op = if matches!(request, Ok(Request::Call { .. })) { "call_tool_res" } else { "error" };
            let mut frame = json!({"op": op});
            if let Some(id) = id {
                frame["request_id"] = id;
            }
            failed(frame, protocol_error(&error))
        }
    }
}

/// The result of a call that has no answer.
pub(super) fn without_answer(request_id: &Value, code: &str, message: &str) -> Value {
    failed(
        json!({"op": "call_tool_res", "request_id": request_id}),
        json!({"code": code, "message": message}),
    )
}

fn failed(mut frame: Value, error: Value) -> Value {
    frame["ok"] = json!(false);
    frame["error"] = error;
    frame
}

fn protocol_error(error: &Value) -> Value {
    let data = &error["data"];
    let code = match error["code"].as_i64() {
        Some(-32_602) if data.get("tool").is_some() => "TOOL_NOT_FOUND",
        Some(-32_602) if error["message"].as_str().is_some_and(|text| text.starts_with("tool not found")) => {
            "TOOL_NOT_FOUND"
        }
        Some(-32_602) => "VALIDATION_ERROR",
        Some(-32_601) => "NOT_FOUND",
        Some(-32_600 | -32_700) => "INVALID_REQUEST",
        _ => match data["code"].as_str() {
            Some(code) => word(code),
            None => "INTERNAL_ERROR",
        },
    };
    let mut said = json!({"code": code, "message": error["message"]});
    if let Some(data) = error.get("data") {
        said["details"] = data.clone();
    }
    with_wait(said, data)
}

/// A failure that the tool itself tells: its answer is JSON with a code, or any text.
fn tool_error(text: &str) -> Value {
    let told: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
    let code = told.get("code").and_then(Value::as_str).map_or("TOOL_EXECUTION_ERROR", word);
    let message = told.get("message").and_then(Value::as_str).unwrap_or(text);
    let said = json!({"code": code, "message": message, "details": {
        "code": told.get("code"), "retryable": told.get("retryable"), "hint": told.get("hint")}});
    with_wait(said, &Value::Object(told))
}

/// When to try again, in seconds and to the millisecond.
fn with_wait(mut error: Value, told: &Value) -> Value {
    if let Some(wait) = told["retry_after_ms"].as_u64() {
        error["retry_after"] = json!(Duration::from_millis(wait).as_secs_f64());
    }
    error
}

/// The dialect's word for a class of failure.
fn word(code: &str) -> &'static str {
    match code {
        "invalid_input" => "VALIDATION_ERROR",
        "not_found" | "model_not_found" => "NOT_FOUND",
        "timeout" => "TIMEOUT",
        "cancelled" => "CANCELLED",
        "over_capacity" | "rate_limited" => "OVER_CAPACITY",
        "forbidden" => "UNAUTHORIZED",
        "internal" => "INTERNAL_ERROR",
        "store_unavailable" => "SERVICE_UNAVAILABLE",
        "auth"
        | "quota"
        | "unavailable"
        | "unreachable"
        | "upstream_rejected"
        | "content_filtered"
        | "protocol"
        | "no_model_configured"
        | "context_too_long" => "PROVIDER_ERROR",
        _ => "TOOL_EXECUTION_ERROR",
    }
}
