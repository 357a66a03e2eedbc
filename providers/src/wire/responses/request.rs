//! Writes a request from borrowed text.

use exai_core::{
    chat::{Message, Part, Request, Role},
    model::{Capability, ModelSpec},
};
use serde::Serialize;

use crate::wire::effort;

/// Efforts of a model whose own list is not known.
const USUAL_EFFORTS: [&str; 3] = ["low", "medium", "high"];

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    instructions: &'a str,
    input: Vec<Item<'a>>,
    stream: bool,
    /// The vendor keeps answers unless it is told not to.
    store: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text>,
    #[serde(skip_serializing_if = "<[Tool]>::is_empty")]
    tools: &'static [Tool],
}

#[derive(Serialize)]
struct Item<'a> {
    role: Role,
    content: Vec<Content<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Content<'a> {
    InputText { text: &'a str },
    OutputText { text: &'a str },
    InputImage { image_url: &'a str },
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
pub(super) struct Tool {
    r#type: &'static str,
}

static SEARCH: [Tool; 1] = [Tool { r#type: "web_search" }];

/// The body of the request.
pub(super) fn body(model: &ModelSpec, request: &Request) -> serde_json::Result<Vec<u8>> {
    let thinks = model.can(Capability::Thinking);
    let searches = request.web_search && model.can(Capability::WebSearch);
    // Refused unless the word JSON occurs in the messages, which it does where an object is asked for; and with a search.
    let json =
        request.json && !searches && (model.can(Capability::JsonObject) || model.can(Capability::JsonSchema));
    serde_json::to_vec(&Body {
        model: model.id.as_str(),
        instructions: &request.system,
        input: request.messages.iter().map(item).filter(|item| !item.content.is_empty()).collect(),
        stream: true,
        store: false,
        max_output_tokens: request.max_output_tokens,
        temperature: request.temperature.filter(|value| value.is_finite() && !thinks),
        reasoning: reasoning(model, request),
        text: json.then_some(Text { format: Kind { r#type: "json_object" } }),
        tools: if searches { &SEARCH } else { &[] },
    })
}

fn reasoning<'a>(model: &'a ModelSpec, request: &Request) -> Option<Reasoning<'a>> {
    let level = request.thinking.filter(|_| model.can(Capability::Effort))?;
    let offered: Vec<&str> = model.effort.iter().map(String::as_str).collect();
    let offered = if offered.is_empty() { USUAL_EFFORTS.to_vec() } else { offered };
    effort::nearest(level, &offered).map(|effort| Reasoning { effort })
}

fn item(message: &Message) -> Item<'_> {
    let content = message.parts.iter().filter_map(|part| match part {
        Part::Text { text } if text.is_empty() => None,
        Part::Text { text } if message.role == Role::Assistant => Some(Content::OutputText { text }),
        Part::Text { text } => Some(Content::InputText { text }),
        Part::Image { data_url } => Some(Content::InputImage { image_url: data_url }),
        Part::Opaque { .. } => None,
    });
    Item { role: message.role, content: content.collect() }
}

#[cfg(test)]
mod tests {
    use exai_core::chat::Thinking;
    use serde_json::{Value, json};

    use super::*;
    use crate::catalogue;

    #[test]
    fn a_request_is_written_as_the_interface_wants_it() {
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
        };
        let written: Value = serde_json::from_slice(&body(model, &request).unwrap()).unwrap();
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
        let searching: Value =
            serde_json::from_slice(&body(model, &Request { web_search: true, ..request }).unwrap()).unwrap();
        if model.can(Capability::WebSearch) {
            assert_eq!(
                (&searching["tools"], searching.get("text")),
                (&json!([{"type": "web_search"}]), None)
            );
        }
    }
}
