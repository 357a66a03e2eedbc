//! Writes a request from borrowed text.

use exai_core::{
    ProviderId,
    chat::{Message, Part, Request, Role, Thinking},
    function_calling::ToolChoice,
    model::{Capability, ModelSpec},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::wire::data_url;

/// Models of this generation take a budget of thinking tokens; later ones a level.
const BUDGETED: &str = "gemini-2.5";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Content<'a>>,
    contents: Vec<Content<'a>>,
    generation_config: Config,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<Value>,
}

#[derive(Serialize)]
struct Content<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    parts: Vec<Piece<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Piece<'a> {
    Text(&'a str),
    InlineData(Inline<'a>),
    FunctionCall(Call<'a>),
    FunctionResponse(Response<'a>),
    /// As the vendor gave it.
    #[serde(untagged)]
    Own(&'a Value),
}

#[derive(Serialize)]
struct Call<'a> {
    name: &'a str,
    args: Value,
}

#[derive(Serialize)]
struct Response<'a> {
    name: &'a str,
    response: Given<'a>,
}

#[derive(Serialize)]
struct Given<'a> {
    result: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Inline<'a> {
    mime_type: &'a str,
    data: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<Thoughts>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Thoughts {
    include_thoughts: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<i32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Tool<'a> {
    GoogleSearch(Search),
    FunctionDeclarations(Vec<Function<'a>>),
}

#[derive(Serialize)]
struct Search {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    parameters_json_schema: &'a Value,
}

/// The body of the request.
pub(super) fn body(
    provider: &ProviderId,
    model: &ModelSpec,
    request: &Request,
) -> serde_json::Result<Vec<u8>> {
    let searches = request.web_search && model.can(Capability::WebSearch);
    let json =
        request.json && !searches && (model.can(Capability::JsonObject) || model.can(Capability::JsonSchema));
    let functions: Vec<Function<'_>> = request
        .tools
        .specs
        .iter()
        .map(|spec| Function {
            name: &spec.name,
            description: &spec.description,
            parameters_json_schema: &spec.parameters,
        })
        .collect();
    let mut tools = Vec::new();
    if !functions.is_empty() {
        tools.push(Tool::FunctionDeclarations(functions));
    }
    if searches {
        tools.push(Tool::GoogleSearch(Search {}));
    }
    serde_json::to_vec(&Body {
        system_instruction: (!request.system.is_empty())
            .then(|| Content { role: None, parts: vec![Piece::Text(&request.system)] }),
        contents: request
            .messages
            .iter()
            .map(|message| content(message, provider))
            .filter(|content| !content.parts.is_empty())
            .collect(),
        generation_config: Config {
            temperature: request.temperature.filter(|value| value.is_finite()),
            max_output_tokens: request.max_output_tokens,
            response_mime_type: json.then_some("application/json"),
            thinking_config: request
                .thinking
                .filter(|_| model.can(Capability::Thinking))
                .map(|level| thoughts(level, model)),
        },
        tools,
        tool_config: config(request),
    })
}

fn config(request: &Request) -> Option<Value> {
    let config = match &request.tools.choice {
        _ if request.tools.is_empty() => return None,
        ToolChoice::Auto => return None,
        ToolChoice::None => json!({"mode": "NONE"}),
        ToolChoice::Required => json!({"mode": "ANY"}),
        ToolChoice::Named(name) => json!({"mode": "ANY", "allowedFunctionNames": [name]}),
    };
    Some(json!({ "functionCallingConfig": config }))
}

fn thoughts(level: Thinking, model: &ModelSpec) -> Thoughts {
    let mut thoughts = Thoughts { include_thoughts: true, thinking_level: None, thinking_budget: None };
    if model.id.as_str().starts_with(BUDGETED) {
        // The pro model cannot do without; 128 is its least. -1 leaves it to the model.
        let least = if model.id.as_str().contains("pro") { 128 } else { 0 };
        thoughts.thinking_budget = Some(match level {
            Thinking::Minimal => least,
            Thinking::Low => 2_048,
            Thinking::Medium => 8_192,
            Thinking::High => 24_576,
            Thinking::Max => -1,
        });
    } else {
        thoughts.thinking_level = Some(match level {
            Thinking::Minimal => "MINIMAL",
            Thinking::Low => "LOW",
            Thinking::Medium => "MEDIUM",
            // A higher level is not offered by every model, this one is.
            Thinking::High | Thinking::Max => "HIGH",
        });
    }
    thoughts
}

fn content<'a>(message: &'a Message, asked: &ProviderId) -> Content<'a> {
    // The vendor's own parts hold its calls, with the signatures that they must come back with.
    let own: Vec<&Value> = message
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Opaque { provider, json } if provider == asked => json.get("parts")?.as_array(),
            _ => None,
        })
        .flatten()
        .collect();
    let parts = message.parts.iter().filter_map(|part| match part {
        Part::Text { text } if text.is_empty() => None,
        Part::Text { text } => Some(Piece::Text(text)),
        Part::Image { data_url } => {
            data_url::split(data_url).map(|(mime_type, data)| Piece::InlineData(Inline { mime_type, data }))
        }
        Part::ToolCall(call) if own.is_empty() => {
            Some(Piece::FunctionCall(Call { name: &call.name, args: call.arguments_object() }))
        }
        Part::ToolResult(result) => Some(Piece::FunctionResponse(Response {
            name: &result.name,
            response: Given { result: &result.content },
        })),
        Part::ToolCall(_) | Part::Opaque { .. } | Part::File { .. } => None,
    });
    let role = match message.role {
        Role::User => "user",
        Role::Assistant => "model",
    };
    let parts: Vec<Piece<'a>> = parts.collect();
    let parts = parts.into_iter().chain(own.into_iter().map(Piece::Own)).collect();
    Content { role: Some(role), parts }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    fn written(model: &str, thinking: Thinking, web_search: bool) -> Value {
        let model = catalogue::find(model).unwrap();
        let request = Request {
            model: model.id.clone(),
            system: "Be brief.".into(),
            messages: vec![
                Message {
                    role: Role::User,
                    parts: vec![
                        Part::text("look"),
                        Part::Image { data_url: "data:image/png;base64,AA".into() },
                    ],
                },
                Message::assistant("seen"),
            ],
            temperature: Some(0.5),
            thinking: Some(thinking),
            max_output_tokens: Some(900),
            json: true,
            web_search,
            tools: exai_core::function_calling::Tooling::default(),
        };
        serde_json::from_slice(&body(&"gemini".into(), model, &request).unwrap()).unwrap()
    }

    #[test]
    fn requests_match_the_interface() {
        assert_eq!(
            written("gemini-4-argon", Thinking::Max, false),
            json!({
                "systemInstruction": {"parts": [{"text": "Be brief."}]},
                "contents": [
                    {"role": "user", "parts": [{"text": "look"}, {"inlineData": {"mimeType": "image/png", "data": "AA"}}]},
                    {"role": "model", "parts": [{"text": "seen"}]},
                ],
                "generationConfig": {"temperature": 0.5, "maxOutputTokens": 900, "responseMimeType": "application/json",
                    "thinkingConfig": {"includeThoughts": true, "thinkingLevel": "HIGH"}},
            })
        );
        let searching = written("gemini-4-argon", Thinking::Low, true);
        assert_eq!(searching["tools"], json!([{"googleSearch": {}}]));
        assert_eq!(searching["generationConfig"].get("responseMimeType"), None, "not together with a search");
    }

    #[test]
    fn the_older_generation_takes_a_budget() {
        for (model, level, budget) in [
            ("gemini-2.5-flash", Thinking::Minimal, 0),
            ("gemini-2.5-pro", Thinking::Minimal, 128),
            ("gemini-2.5-pro", Thinking::Max, -1),
        ] {
            let body = written(model, level, false);
            assert_eq!(
                body["generationConfig"]["thinkingConfig"],
                json!({"includeThoughts": true, "thinkingBudget": budget})
            );
        }
    }
}
