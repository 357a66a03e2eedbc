//! Tools of the older revisions that ask the client while they run: its model, or its user.

use std::time::Duration;

use rmcp::{
    RoleServer,
    model::{CallToolRequestParams, CallToolResult, ClientResult, ErrorData, ServerRequest},
    service::RequestContext,
};
use serde_json::{Value, json};

use crate::content::{form_of_text, from_json, text};

/// A client without a session cannot answer; the call must end all the same.
const LIMIT: Duration = Duration::from_secs(5);

/// Calls one of these tools; `None` when it is none of them.
pub(crate) async fn call(
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<Option<CallToolResult>, ErrorData> {
    let argument = |name: &str| {
        let value = request.arguments.as_ref().and_then(|arguments| arguments.get(name));
        value.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let form = |message: String, schema: Value| {
        json!({"method": "elicitation/create",
            "params": {"mode": "form", "message": message, "requestedSchema": schema}})
    };
    let (question, words) = match &*request.name {
        "test_sampling" => {
            let message = json!({"role": "user", "content": {"type": "text", "text": argument("prompt")}});
            let params = json!({"messages": [message], "maxTokens": 100});
            let answer = ask(json!({"method": "sampling/createMessage", "params": params}), context).await?;
            return Ok(Some(text(format!(
                "LLM response: {}",
                answer["content"]["text"].as_str().unwrap_or_default()
            ))));
        }
        "test_elicitation" => {
            let schema = json!({"type": "object", "required": ["username", "email"], "properties": {
                "username": {"type": "string", "description": "User's response"},
                "email": {"type": "string", "description": "User's email address"}}});
            (form(argument("message"), schema), "User response")
        }
        "test_elicitation_sep1034_defaults" => {
            (form("Please check these".to_owned(), defaults()), "Elicitation completed")
        }
        "test_elicitation_sep1330_enums" => {
            (form("Please choose".to_owned(), choices()), "Elicitation completed")
        }
        // In 2026-07-28 no request may travel on the stream of another: this one does without.
        "test_streaming_elicitation" => {
            drop(ask(form("What is your name?".to_owned(), form_of_text("name")), context).await);
            return Ok(Some(text("Nobody was asked on this stream.")));
        }
        _ => return Ok(None),
    };
    let answer = ask(question, context).await?;
    let action = answer["action"].as_str().unwrap_or("cancel");
    Ok(Some(text(format!("{words}: action={action}, content={}", answer["content"]))))
}

/// Sends a request to the client and waits for what it says.
async fn ask(request: Value, context: &RequestContext<RoleServer>) -> Result<Value, ErrorData> {
    let request: ServerRequest = from_json(request)?;
    let answered = tokio::time::timeout(LIMIT, context.peer.send_request(request)).await;
    let answer: ClientResult = match answered {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            return Err(ErrorData::invalid_request(format!("the client was not asked: {error}"), None));
        }
        Err(_elapsed) => return Err(ErrorData::invalid_request("the client has not answered", None)),
    };
    serde_json::to_value(answer).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

fn defaults() -> Value {
    json!({"type": "object", "properties": {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": true},
    }})
}

fn choices() -> Value {
    let plain = json!(["option1", "option2", "option3"]);
    let titled = |words: [&str; 3]| {
        let one =
            |(index, title): (usize, &str)| json!({"const": format!("value{}", index + 1), "title": title});
        words.into_iter().enumerate().map(one).collect::<Vec<_>>()
    };
    json!({"type": "object", "properties": {
        "untitledSingle": {"type": "string", "enum": plain},
        "titledSingle": {"type": "string", "oneOf": titled(["First Option", "Second Option", "Third Option"])},
        "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"]},
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled(["First Choice", "Second Choice", "Third Choice"])}},
    }})
}
