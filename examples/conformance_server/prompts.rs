//! The prompts.

use rmcp::model::{ErrorData, GetPromptRequestParams, GetPromptResponse, GetPromptResult, Prompt};
use serde_json::json;

use crate::{
    content::{RED_PIXEL, from_json, result},
    input_required,
};

/// All of them.
pub(crate) fn list() -> Result<Vec<Prompt>, ErrorData> {
    from_json(json!([
        {"name": "test_simple_prompt", "description": "One message"},
        {"name": "test_prompt_with_arguments", "description": "A message with two arguments", "arguments": [
            {"name": "arg1", "description": "The first", "required": true},
            {"name": "arg2", "description": "The second", "required": true}]},
        {"name": "test_prompt_with_embedded_resource", "description": "A message that carries a resource", "arguments": [
            {"name": "resourceUri", "description": "Which one", "required": true}]},
        {"name": "test_prompt_with_image", "description": "A message that carries an image"},
        {"name": "test_input_required_result_prompt", "description": "A message that needs an answer first"},
    ]))
}

/// The messages of one.
pub(crate) fn get(request: &GetPromptRequestParams) -> Result<GetPromptResponse, ErrorData> {
    let argument = |name: &str| {
        let value = request.arguments.as_ref().and_then(|arguments| arguments.get(name));
        value.and_then(|value| value.as_str()).unwrap_or_default().to_owned()
    };
    let say = |text: String| json!({"role": "user", "content": {"type": "text", "text": text}});
    let messages = match request.name.as_str() {
        "test_simple_prompt" => json!([say("This is a simple prompt for testing.".to_owned())]),
        "test_prompt_with_arguments" => json!([say(format!(
            "Prompt with arguments: arg1='{}', arg2='{}'",
            argument("arg1"),
            argument("arg2")
        ))]),
        "test_prompt_with_embedded_resource" => json!([
            {"role": "user", "content": {"type": "resource", "resource": {"uri": argument("resourceUri"),
                "mimeType": "text/plain", "text": "Embedded resource content for testing."}}},
            say("Please process the embedded resource above.".to_owned()),
        ]),
        "test_prompt_with_image" => json!([
            {"role": "user", "content": {"type": "image", "data": RED_PIXEL, "mimeType": "image/png"}},
            say("Please analyze the image above.".to_owned()),
        ]),
        "test_input_required_result_prompt" => {
            return match input_required::field(request.input_responses.as_ref(), "user_context", "context") {
                Some(context) => Ok(GetPromptResponse::Complete(result::<GetPromptResult>(
                    json!({"messages": [say(format!("Use this context: {context}"))]}),
                )?)),
                None => Ok(GetPromptResponse::InputRequired(input_required::ask(
                    input_required::form(
                        "user_context",
                        "What context should the prompt use?",
                        "context",
                        "string",
                    ),
                    None,
                )?)),
            };
        }
        other => return Err(ErrorData::invalid_params(format!("there is no prompt {other}"), None)),
    };
    Ok(GetPromptResponse::Complete(result::<GetPromptResult>(json!({"messages": messages}))?))
}
