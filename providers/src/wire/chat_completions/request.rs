//! Writes a request's JSON in one pass, from borrowed text: prompts reach megabytes and are not copied on the way.

use std::{collections::BTreeMap, fmt};

use exai_core::{
    ProviderId,
    chat::{Message, Part, Request, Role},
    function_calling::{ToolCall, ToolChoice, ToolResult, ToolSpec},
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Value, json};

use crate::{
    origin::Origin,
    vendor::{Quirks, Replay},
    wire::{
        cache_key::cache_key,
        chat_completions::{
            Dialect,
            params::{Params, Switch},
        },
    },
};

/// Room for everything that is not text.
const FRAME_BYTES: usize = 2048;
const MESSAGE_BYTES: usize = 64;
const CALL_BYTES: usize = 160;

/// The body of the request.
pub(super) fn body(origin: &Origin, dialect: &Dialect, request: &Request) -> serde_json::Result<Vec<u8>> {
    let quirks = &origin.vendor.quirks;
    let mut bytes = Vec::with_capacity(expected_bytes(request));
    let body = Body {
        request,
        model: dialect.model.id.as_str(),
        provider: &origin.provider,
        params: Params::of(request, dialect, quirks),
        quirks,
    };
    serde_json::to_writer(&mut bytes, &body)?;
    Ok(bytes)
}

/// The text, an eighth of it for escapes, and the frame.
fn expected_bytes(request: &Request) -> usize {
    let text: usize = request.messages.iter().flat_map(|message| &message.parts).map(part_bytes).sum();
    let text = text + request.system.len();
    text + text / 8 + FRAME_BYTES + request.messages.len() * MESSAGE_BYTES
}

fn part_bytes(part: &Part) -> usize {
    match part {
        Part::Text { text } => text.len(),
        Part::Image { data_url } => data_url.len(),
        Part::ToolCall(call) => call.arguments.len() + CALL_BYTES,
        Part::ToolResult(result) => result.content.len() + CALL_BYTES,
        Part::Opaque { .. } | Part::File { .. } => 0,
    }
}

struct Body<'a> {
    request: &'a Request,
    model: &'a str,
    provider: &'a ProviderId,
    params: Params,
    quirks: &'a Quirks,
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("model", self.model)?;
        map.serialize_entry("messages", &Messages(self))?;
        map.serialize_entry("stream", &true)?;
        if self.quirks.asks_for_usage {
            map.serialize_entry("stream_options", &json!({"include_usage": true}))?;
        }
        if self.quirks.names_cache {
            map.serialize_entry("prompt_cache_key", &cache_key(self.request))?;
        }
        if let Some(temperature) = self.params.temperature {
            map.serialize_entry("temperature", &temperature)?;
        }
        if let Some(cap) = self.params.output_cap {
            map.serialize_entry(self.quirks.output_cap, &cap)?;
        }
        if let Some(effort) = &self.params.effort {
            map.serialize_entry("reasoning_effort", effort)?;
        }
        match self.params.thinking {
            Some(Switch::Type(word)) => map.serialize_entry("thinking", &json!({"type": word}))?,
            Some(Switch::Flag(name, on)) => map.serialize_entry(name, &on)?,
            None => {}
        }
        if self.quirks.replay == Replay::ReasoningDetails {
            map.serialize_entry("reasoning_split", &true)?;
        }
        if self.params.json {
            map.serialize_entry("response_format", &json!({"type": "json_object"}))?;
        }
        let tools = Tools { specs: &self.request.tools.specs, search: self.params.web_search };
        if !tools.specs.is_empty() || tools.search.is_some() {
            map.serialize_entry("tools", &tools)?;
        }
        if let Some(choice) = self.choice() {
            map.serialize_entry("tool_choice", &choice)?;
        }
        map.end()
    }
}

impl Body<'_> {
    /// What is said of the functions; nothing where the model decides, and nothing that the vendor would refuse.
    fn choice(&self) -> Option<Value> {
        let choice = &self.request.tools.choice;
        if self.request.tools.is_empty() || !self.quirks.forcing.takes(choice) {
            return None;
        }
        match choice {
            ToolChoice::Auto => None,
            ToolChoice::None => Some(json!("none")),
            ToolChoice::Required => Some(json!("required")),
            ToolChoice::Named(name) => Some(json!({"type": "function", "function": {"name": name}})),
        }
    }
}

struct Tools<'a> {
    specs: &'a [ToolSpec],
    /// The engine of the vendor's own search.
    search: Option<&'static str>,
}

impl Serialize for Tools<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let functions = self.specs.iter().map(|spec| json!({"type": "function", "function": spec}));
        let search = self.search.map(|engine| {
            let search = json!({"enable": true, "search_engine": engine, "search_result": true});
            json!({"type": "web_search", "web_search": search})
        });
        serializer.collect_seq(functions.chain(search))
    }
}

struct Messages<'a>(&'a Body<'a>);

impl Serialize for Messages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Body { request, provider, quirks, .. } = self.0;
        // `system` everywhere: only OpenAI knows `developer`, and it still takes `system`.
        let system = (!request.system.is_empty()).then_some(Line::System(&request.system));
        // A message with nothing to say is refused by some vendors.
        let spoken =
            request.messages.iter().filter(|message| message.parts.iter().any(|part| part_bytes(part) > 0));
        // The results of functions are messages of their own, before what else the caller says.
        let lines = spoken.flat_map(|message| {
            let results = message.parts.iter().filter_map(|part| match part {
                Part::ToolResult(result) => Some(Line::Result(result)),
                _ => None,
            });
            let says =
                message.parts.iter().any(|part| !matches!(part, Part::ToolResult(_)) && part_bytes(part) > 0);
            results.chain(says.then_some(Line::Spoken { message, provider, replay: quirks.replay }))
        });
        serializer.collect_seq(system.into_iter().chain(lines))
    }
}

enum Line<'a> {
    System(&'a str),
    Spoken { message: &'a Message, provider: &'a ProviderId, replay: Replay },
    Result(&'a ToolResult),
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::System(text) => {
                map.serialize_entry("role", "system")?;
                map.serialize_entry("content", text)?;
            }
            Self::Result(result) => {
                map.serialize_entry("role", "tool")?;
                map.serialize_entry("tool_call_id", &result.id)?;
                map.serialize_entry("content", &result.content)?;
            }
            Self::Spoken { message, provider, replay } => {
                map.serialize_entry("role", &message.role)?;
                let calls: Vec<Value> = message.parts.iter().filter_map(called).collect();
                // Beside calls an empty content is refused by some vendors, and a missing one by none.
                if calls.is_empty() || message.parts.iter().any(|part| text(part).is_some()) {
                    map.serialize_entry("content", &Content(&message.parts))?;
                }
                if message.role == Role::Assistant {
                    let own = own_fields(&message.parts, provider);
                    // A call without its thought is refused; the thought of another vendor's model is not to be had.
                    if *replay == Replay::ReasoningContent
                        && !calls.is_empty()
                        && !own.contains_key("reasoning_content")
                    {
                        map.serialize_entry("reasoning_content", " ")?;
                    }
                    for (name, value) in own {
                        map.serialize_entry(name, value)?;
                    }
                }
                if !calls.is_empty() {
                    map.serialize_entry("tool_calls", &calls)?;
                }
            }
        }
        map.end()
    }
}

/// What this provider wants back with its own message. A field of a later part replaces that of an earlier one, and none replaces
/// what was said.
fn own_fields<'a>(parts: &'a [Part], wanted: &ProviderId) -> BTreeMap<&'a str, &'a Value> {
    parts
        .iter()
        .filter_map(|part| match part {
            Part::Opaque { provider, json } if provider == wanted => json.as_object(),
            _ => None,
        })
        .flatten()
        .filter(|(name, _)| !matches!(name.as_str(), "role" | "content" | "tool_calls"))
        .map(|(name, value)| (name.as_str(), value))
        .collect()
}

fn called(part: &Part) -> Option<Value> {
    match part {
        Part::ToolCall(ToolCall { id, name, arguments }) => {
            let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
            Some(json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}))
        }
        _ => None,
    }
}

struct Content<'a>(&'a [Part]);

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.iter().any(|part| matches!(part, Part::Image { .. })) {
            return serializer.collect_seq(self.0.iter().filter(|part| is_content(part)).map(ContentPart));
        }
        let mut texts = self.0.iter().filter_map(text);
        match (texts.next(), texts.next()) {
            (None, _) => serializer.serialize_str(""),
            (Some(only), None) => serializer.serialize_str(only),
            _ => serializer.collect_str(&Joined(self.0)),
        }
    }
}

fn text(part: &Part) -> Option<&str> {
    match part {
        Part::Text { text } if !text.is_empty() => Some(text),
        _ => None,
    }
}

fn is_content(part: &Part) -> bool {
    matches!(part, Part::Image { .. }) || text(part).is_some()
}

/// Several texts as one, with an empty line between them: text-only models take a string and nothing else.
struct Joined<'a>(&'a [Part]);

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, text) in self.0.iter().filter_map(text).enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            f.write_str(text)?;
        }
        Ok(())
    }
}

struct ContentPart<'a>(&'a Part);

impl Serialize for ContentPart<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self.0 {
            Part::Text { text } => {
                map.serialize_entry("type", "text")?;
                map.serialize_entry("text", text)?;
            }
            Part::Image { data_url } => {
                map.serialize_entry("type", "image_url")?;
                map.serialize_entry("image_url", &ImageUrl { url: data_url })?;
            }
            Part::ToolCall(_) | Part::ToolResult(_) | Part::Opaque { .. } | Part::File { .. } => {}
        }
        map.end()
    }
}

#[derive(Serialize)]
struct ImageUrl<'a> {
    url: &'a str,
}

#[cfg(test)]
mod tests;
