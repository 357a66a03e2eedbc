//! Writes a request from borrowed text.

use exai_core::{
    ProviderId,
    chat::{Message, Part, Request, Role},
    function_calling::{ToolChoice, ToolSpec},
    model::{Capability, ModelSpec},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::wire::{cache_key::cache_key, effort};

/// Efforts of a model whose own list is not known.
const USUAL_EFFORTS: [&str; 3] = ["low", "medium", "high"];

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    instructions: &'a str,
    input: Vec<Item<'a>>,
    stream: bool,
    /// The vendor keeps answers unless the request says no.
    store: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
    /// As nothing is stored at the vendor's, its thoughts come back to us, and go back with the calls that they led to.
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    include: &'static [&'static str],
}

#[derive(Serialize)]
#[serde(untagged)]
enum Item<'a> {
    Said {
        role: Role,
        content: Vec<Content<'a>>,
    },
    Called {
        r#type: &'static str,
        call_id: &'a str,
        name: &'a str,
        arguments: &'a str,
    },
    Gave {
        r#type: &'static str,
        call_id: &'a str,
        output: &'a str,
    },
    /// As the vendor gave it.
    Own(&'a Value),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Content<'a> {
    InputText { text: &'a str },
    OutputText { text: &'a str },
    InputImage { image_url: &'a str },
    InputFile { file_id: &'a str },
}

#[derive(Serialize)]
struct Reasoning<'a> {
    effort: &'a str,
}

#[derive(Serialize)]
struct Text {
    format: Kind,
}

#[derive(Serialize)]
struct Kind {
    r#type: &'static str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Tool<'a> {
    WebSearch,
    Function {
        #[serde(flatten)]
        spec: &'a ToolSpec,
        /// Without the vendor's own, stricter rules for schemas.
        strict: bool,
    },
}

const THOUGHTS: &[&str] = &["reasoning.encrypted_content"];

/// The body of the request.
pub(super) fn body(
    provider: &ProviderId,
    names_cache: bool,
    model: &ModelSpec,
    request: &Request,
) -> serde_json::Result<Vec<u8>> {
    let thinks = model.can(Capability::Thinking);
    let searches = request.web_search && model.can(Capability::WebSearch);
    // Refused unless the word JSON occurs in the messages, which it does where an object is asked for; and with a search.
    let json =
        request.json && !searches && (model.can(Capability::JsonObject) || model.can(Capability::JsonSchema));
    let functions = request.tools.specs.iter().map(|spec| Tool::Function { spec, strict: false });
    serde_json::to_vec(&Body {
        model: model.id.as_str(),
        instructions: &request.system,
        input: request.messages.iter().flat_map(|message| items(message, provider)).collect(),
        stream: true,
        store: false,
        prompt_cache_key: names_cache.then(|| cache_key(request)),
        max_output_tokens: request.max_output_tokens,
        temperature: request.temperature.filter(|value| value.is_finite() && !thinks),
        reasoning: reasoning(model, request),
        text: json.then_some(Text { format: Kind { r#type: "json_object" } }),
        tools: functions.chain(searches.then_some(Tool::WebSearch)).collect(),
        tool_choice: choice(request),
        include: if thinks && !request.tools.is_empty() { THOUGHTS } else { &[] },
    })
}

fn choice(request: &Request) -> Option<Value> {
    match &request.tools.choice {
        _ if request.tools.is_empty() => None,
        ToolChoice::Auto => None,
        ToolChoice::None => Some(json!("none")),
        ToolChoice::Required => Some(json!("required")),
        ToolChoice::Named(name) => Some(json!({"type": "function", "name": name})),
    }
}

fn reasoning<'a>(model: &'a ModelSpec, request: &Request) -> Option<Reasoning<'a>> {
    let level = request.thinking.filter(|_| model.can(Capability::Effort))?;
    let offered: Vec<&str> = model.effort.iter().map(String::as_str).collect();
    let offered = if offered.is_empty() { USUAL_EFFORTS.to_vec() } else { offered };
    effort::nearest(level, &offered).map(|effort| Reasoning { effort })
}

/// What functions gave and the vendor's own items come before what is said, the calls behind it.
fn items<'a>(message: &'a Message, asked: &ProviderId) -> Vec<Item<'a>> {
    let (mut items, mut calls) = (Vec::new(), Vec::new());
    let mut content = Vec::new();
    for part in &message.parts {
        match part {
            Part::Text { text } if text.is_empty() => {}
            Part::Text { text } if message.role == Role::Assistant => {
                content.push(Content::OutputText { text });
            }
            Part::Text { text } => content.push(Content::InputText { text }),
            Part::Image { data_url } => content.push(Content::InputImage { image_url: data_url }),
            Part::File { provider, id } if provider == asked => {
                content.push(Content::InputFile { file_id: id });
            }
            Part::Opaque { provider, json } if provider == asked => {
                items
                    .extend(json.get("items").and_then(Value::as_array).into_iter().flatten().map(Item::Own));
            }
            Part::ToolResult(result) => items.push(Item::Gave {
                r#type: "function_call_output",
                call_id: &result.id,
                output: &result.content,
            }),
            Part::ToolCall(call) => calls.push(Item::Called {
                r#type: "function_call",
                call_id: &call.id,
                name: &call.name,
                arguments: if call.arguments.trim().is_empty() { "{}" } else { &call.arguments },
            }),
            Part::File { .. } | Part::Opaque { .. } => {}
        }
    }
    if !content.is_empty() {
        items.push(Item::Said { role: message.role, content });
    }
    items.extend(calls);
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use exai_core::chat::Thinking;

    #[test]
    fn requests_match_the_interface() {
        let model = catalogue::find("gpt-6.1-sol").unwrap();
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
                Message::user("and now?"),
            ],
            temperature: Some(0.5),
            thinking: Some(Thinking::High),
            max_output_tokens: Some(900),
            json: true,
            web_search: false,
            tools: exai_core::function_calling::Tooling::default(),
        };
        let written: Value =
            serde_json::from_slice(&body(&"openai".into(), false, model, &request).unwrap()).unwrap();
        assert_eq!(written["instructions"], "Be brief.");
        assert_eq!((&written["store"], &written["stream"]), (&json!(false), &json!(true)));
        assert_eq!(written["reasoning"], json!({"effort": "high"}));
        assert_eq!(written["max_output_tokens"], 900);
        assert_eq!(written.get("temperature"), None, "refused by a model that thinks");
        assert_eq!(
            written["input"],
            json!([
                {"role": "user", "content": [{"type": "input_text", "text": "look"}, {"type": "input_image", "image_url": "data:image/png;base64,AA"}]},
                {"role": "assistant", "content": [{"type": "output_text", "text": "seen"}]},
                {"role": "user", "content": [{"type": "input_text", "text": "and now?"}]},
            ])
        );
        let searching: Value = serde_json::from_slice(
            &body(&"openai".into(), false, model, &Request { web_search: true, ..request }).unwrap(),
        )
        .unwrap();
        if model.can(Capability::WebSearch) {
            assert_eq!(
                (&searching["tools"], searching.get("text")),
                (&json!([{"type": "web_search"}]), None)
            );
        }
    }
}
