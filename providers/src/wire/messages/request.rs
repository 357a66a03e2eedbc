//! Writes a request from borrowed text.

use exai_core::{
    ProviderId,
    chat::{Message, Part, Request, Role, Thinking},
    function_calling::ToolChoice,
    model::{Capability, ModelSpec},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::wire::{data_url, effort};

/// Sent where no cap was set and the model's own is not known: the interface requires one.
const USUAL_CAP: u32 = 32_000;
/// Models of this generation take a budget of thinking tokens; later ones think as much as they see fit.
const BUDGETED: &str = "-4-5";
/// The least budget that is taken.
const LEAST_BUDGET: u32 = 1_024;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<[System<'a>; 1]>,
    messages: Vec<Line<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Mode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
}

/// The system prompt is the same from call to call, so it is worth keeping in the vendor's cache.
#[derive(Serialize)]
struct System<'a> {
    r#type: &'static str,
    text: &'a str,
    cache_control: CacheControl,
}

#[derive(Serialize)]
struct CacheControl {
    r#type: &'static str,
}

#[derive(Serialize)]
struct Line<'a> {
    role: Role,
    content: Vec<Content<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Content<'a> {
    Text {
        text: &'a str,
    },
    Image {
        source: Source<'a>,
    },
    ToolUse {
        id: &'a str,
        name: &'a str,
        input: Value,
    },
    ToolResult {
        tool_use_id: &'a str,
        content: &'a str,
    },
    /// As the vendor gave it.
    #[serde(untagged)]
    Own(&'a Value),
}

#[derive(Serialize)]
struct Source<'a> {
    r#type: &'static str,
    media_type: &'a str,
    data: &'a str,
}

#[derive(Debug, Serialize, PartialEq, Eq)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Mode {
    Adaptive,
    Enabled { budget_tokens: u32 },
    Disabled,
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    effort: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Tool<'a> {
    /// Run by the vendor itself.
    Search { r#type: &'static str, name: &'static str, max_uses: u32 },
    Function {
        name: &'a str,
        #[serde(skip_serializing_if = "str::is_empty")]
        description: &'a str,
        input_schema: &'a Value,
    },
}

const SEARCH: Tool<'static> = Tool::Search { r#type: "web_search_20250305", name: "web_search", max_uses: 5 };

/// The body of the request.
pub(super) fn body(
    provider: &ProviderId,
    model: &ModelSpec,
    request: &Request,
) -> serde_json::Result<Vec<u8>> {
    let max_tokens = cap(model, request);
    let thinking = request.thinking.and_then(|level| mode(level, model, max_tokens));
    let thinks = thinks(model, request);
    let system =
        System { r#type: "text", text: &request.system, cache_control: CacheControl { r#type: "ephemeral" } };
    let searches = request.web_search && model.can(Capability::WebSearch);
    let functions = request.tools.specs.iter().map(|spec| Tool::Function {
        name: &spec.name,
        description: &spec.description,
        input_schema: &spec.parameters,
    });
    serde_json::to_vec(&Body {
        model: model.id.as_str(),
        max_tokens,
        system: (!request.system.is_empty()).then_some([system]),
        messages: request
            .messages
            .iter()
            .map(|message| line(message, provider))
            .filter(|line| !line.content.is_empty())
            .collect(),
        stream: true,
        // Refused together with thinking; elsewhere from 0 to 1.
        temperature: request
            .temperature
            .filter(|value| value.is_finite() && !thinks)
            .map(|value| value.clamp(0.0, 1.0)),
        thinking,
        output_config: effort_of(model, request).map(|effort| OutputConfig { effort }),
        tools: functions.chain(searches.then_some(SEARCH)).collect(),
        tool_choice: choice(request, thinks),
    })
}

/// Beside thinking a call cannot be forced.
fn choice(request: &Request, thinks: bool) -> Option<Value> {
    match &request.tools.choice {
        _ if request.tools.is_empty() => None,
        ToolChoice::Auto => None,
        ToolChoice::None => Some(json!({"type": "none"})),
        ToolChoice::Required | ToolChoice::Named(_) if thinks => None,
        ToolChoice::Required => Some(json!({"type": "any"})),
        ToolChoice::Named(name) => Some(json!({"type": "tool", "name": name})),
    }
}

fn cap(model: &ModelSpec, request: &Request) -> u32 {
    request.max_output_tokens.or(model.max_output).unwrap_or(USUAL_CAP)
}

/// Whether the model thinks before it answers this.
pub(super) fn thinks(model: &ModelSpec, request: &Request) -> bool {
    let mode = request.thinking.and_then(|level| mode(level, model, cap(model, request)));
    matches!(mode, Some(Mode::Adaptive | Mode::Enabled { .. })) || model.can(Capability::ThinkingAlways)
}

fn effort_of<'a>(model: &'a ModelSpec, request: &Request) -> Option<&'a str> {
    let level = request.thinking.filter(|_| model.can(Capability::Effort))?;
    let offered: Vec<&str> = model.effort.iter().map(String::as_str).collect();
    effort::nearest(level, &offered)
}

fn mode(level: Thinking, model: &ModelSpec, max_tokens: u32) -> Option<Mode> {
    if !model.can(Capability::Thinking) || model.can(Capability::ThinkingAlways) {
        return None;
    }
    if level == Thinking::Minimal {
        return Some(Mode::Disabled);
    }
    if !model.id.as_str().contains(BUDGETED) {
        return Some(Mode::Adaptive);
    }
    let wanted = match level {
        Thinking::Minimal | Thinking::Low => 4_000,
        Thinking::Medium => 12_000,
        Thinking::High => 24_000,
        Thinking::Max => 48_000,
    };
    // The budget is part of the answer's cap and must leave room for the answer.
    let budget_tokens = wanted.min(max_tokens / 2);
    Some(if budget_tokens < LEAST_BUDGET { Mode::Disabled } else { Mode::Enabled { budget_tokens } })
}

/// What functions gave comes first, and the vendor's own blocks before what they led to.
fn line<'a>(message: &'a Message, asked: &ProviderId) -> Line<'a> {
    // A turn that the vendor has paused goes back as it was, so that what stands beside it is in it already.
    let turn = message.parts.iter().find_map(|part| match part {
        Part::Opaque { provider, json } if provider == asked => json.get("turn")?.as_array(),
        _ => None,
    });
    if let Some(turn) = turn {
        return Line { role: message.role, content: turn.iter().map(Content::Own).collect() };
    }
    let mut content = Vec::new();
    for part in &message.parts {
        match part {
            Part::ToolResult(result) => {
                content.push(Content::ToolResult { tool_use_id: &result.id, content: &result.content });
            }
            Part::Opaque { provider, json } if provider == asked => {
                let blocks = json.get("blocks").and_then(Value::as_array);
                content.extend(blocks.into_iter().flatten().map(Content::Own));
            }
            _ => {}
        }
    }
    content.extend(message.parts.iter().filter_map(|part| match part {
        // An empty text is refused.
        Part::Text { text } if text.trim().is_empty() => None,
        Part::Text { text } => Some(Content::Text { text }),
        Part::Image { data_url } => data_url::split(data_url).map(|(media_type, data)| Content::Image {
            source: Source { r#type: "base64", media_type, data },
        }),
        Part::ToolCall(call) => {
            Some(Content::ToolUse { id: &call.id, name: &call.name, input: call.arguments_object() })
        }
        Part::ToolResult(_) | Part::Opaque { .. } | Part::File { .. } => None,
    }));
    Line { role: message.role, content }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    fn written(model: &str, thinking: Option<Thinking>, cap: Option<u32>) -> Value {
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
                Message::assistant(" "),
                Message::user("and now?"),
            ],
            temperature: Some(1.5),
            thinking,
            max_output_tokens: cap,
            json: true,
            web_search: false,
            tools: exai_core::function_calling::Tooling::default(),
        };
        serde_json::from_slice(&body(&"anthropic".into(), model, &request).unwrap()).unwrap()
    }

    #[test]
    fn requests_match_the_interface() {
        let body = written("claude-haiku-5-5", None, None);
        assert_eq!(body["max_tokens"], 128_000, "the interface wants a cap");
        assert_eq!(
            body["system"],
            json!([{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}])
        );
        assert_eq!(
            body["messages"],
            json!([
                {"role": "user", "content": [{"type": "text", "text": "look"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}}]},
                {"role": "user", "content": [{"type": "text", "text": "and now?"}]},
            ])
        );
        assert_eq!(
            (&body["temperature"], body.get("thinking"), body.get("tools")),
            (&json!(1.0), None, None)
        );
    }

    #[test]
    fn a_paused_turn_goes_back_unchanged() {
        let turn = json!([{"type": "text", "text": "So far"}, {"type": "server_tool_use", "id": "s"}]);
        let opaque = Part::Opaque { provider: "anthropic".into(), json: json!({ "turn": turn }) };
        let message = Message { role: Role::Assistant, parts: vec![opaque, Part::text("So far")] };
        let own =
            |asked: &str| serde_json::to_value(line(&message, &asked.into())).unwrap()["content"].take();
        assert_eq!(own("anthropic"), turn);
        assert_eq!(own("another"), json!([{"type": "text", "text": "So far"}]));
    }

    #[test]
    fn each_generation_has_its_own_thinking() {
        use Thinking::{High, Max, Minimal};
        for (model, level, cap, thinking, effort) in [
            ("claude-haiku-5-5", High, None, json!({"type": "adaptive"}), Value::Null),
            ("claude-haiku-5-5", Minimal, None, json!({"type": "disabled"}), Value::Null),
            ("claude-opus-5-5", High, None, Value::Null, json!("high")),
            ("claude-sonnet-5-5", Max, None, json!({"type": "adaptive"}), json!("max")),
            ("claude-opus-4-5", High, None, json!({"type": "enabled", "budget_tokens": 24_000}), Value::Null),
            (
                "claude-opus-4-5",
                High,
                Some(3_000),
                json!({"type": "enabled", "budget_tokens": 1_500}),
                Value::Null,
            ),
            ("claude-opus-4-5", High, Some(1_000), json!({"type": "disabled"}), Value::Null),
        ] {
            let body = written(model, Some(level), cap);
            assert_eq!(
                (&body["thinking"], &body["output_config"]["effort"]),
                (&thinking, &effort),
                "{model} {level:?}"
            );
            assert_eq!(
                body.get("temperature").is_none(),
                thinking["type"] != "disabled",
                "{model} {level:?}"
            );
        }
    }
}
