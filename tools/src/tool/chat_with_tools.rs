//! `chat_with_tools`: a model that may ask for functions. The agent runs them and calls again with their results.

use std::sync::{Arc, LazyLock};

use exai_core::{
    chat::{Message, Part, Role, Thinking},
    function_calling::{ToolCall, ToolChoice, ToolResult, ToolSpec, Tooling},
};
use exai_engine::{Call, EngineError, tool_chat::ToolChatInput};
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
    args::workflow::ThinkingMode,
    args::{Args, ToolArgs},
    reply,
    server::ExaiServer,
};

/// The function that a provider runs itself.
const WEB_SEARCH: &str = "$web_search";

/// Arguments of `chat_with_tools`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["messages"]))]
pub(crate) struct ChatWithToolsArgs {
    /// What is new. A result: role tool, with tool_call_id.
    messages: Vec<MessageArg>,
    /// Functions as OpenAI describes them, on every call; "$web_search" is the vendor's own.
    tools: Vec<ToolArg>,
    /// auto, none, required, or the name of a function.
    #[schemars(with = "Option<String>")]
    tool_choice: Value,
    model: Option<String>,
    /// Thread to continue; needed to send results.
    continuation_id: Option<String>,
    #[schemars(range(min = 0.0, max = 2.0))]
    temperature: Option<f32>,
    /// Thinking effort.
    thinking_mode: Option<ThinkingMode>,
    use_websearch: bool,
    /// Ask again although the same answer is cached.
    fresh: bool,
}

/// A message as OpenAI writes it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct MessageArg {
    #[schemars(extend("enum" = ["user", "assistant", "system", "tool"]))]
    role: Option<String>,
    content: Option<String>,
    tool_call_id: Option<String>,
    /// Of an assistant's message that comes without a thread.
    #[schemars(skip)]
    tool_calls: Vec<CallArg>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CallArg {
    id: String,
    name: String,
    arguments: Value,
    function: Value,
}

/// A function in the shape of OpenAI's chat completions, of its Responses, of Anthropic or of MCP.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct ToolArg {
    name: Option<String>,
    description: Option<String>,
    /// JSON Schema.
    #[schemars(with = "Option<serde_json::Map<String, Value>>")]
    #[serde(alias = "input_schema", alias = "inputSchema")]
    parameters: Value,
    #[schemars(skip)]
    function: Option<Box<ToolArg>>,
}

impl ToolArgs for ChatWithToolsArgs {
    const ALIASES: &'static [(&'static str, &'static str)] =
        &[("prompt", "messages"), ("functions", "tools"), ("function_call", "tool_choice")];
    const HIDDEN: &'static [&'static [&'static str]] =
        &[&["temperature", "thinking_mode", "use_websearch", "fresh"]];
    const WITHOUT_EFFECT: &'static [(&'static str, &'static str)] =
        &[("stream", "progress is reported by notifications")];

    fn schema() -> Arc<JsonObject> {
        static SCHEMA: LazyLock<Arc<JsonObject>> = LazyLock::new(portable::<ChatWithToolsArgs>);
        Arc::clone(&SCHEMA)
    }
}

#[tool_router(router = chat_with_tools_router, vis = "pub(crate)")]
impl ExaiServer {
    #[tool(
        description = "A model that may ask for functions of yours: it answers, or names calls for you to run and send back.",
        input_schema = ChatWithToolsArgs::published(),
        annotations(title = "Chat with tools", read_only_hint = true, open_world_hint = true)
    )]
    async fn chat_with_tools(
        &self,
        args: Args<ChatWithToolsArgs>,
        Extension(call): Extension<Call>,
    ) -> CallToolResponse {
        let (tool, notes) = ("chat_with_tools", args.notes);
        let input = match args.value {
            Ok(value) => match input(value) {
                Ok(input) => input,
                Err(error) => return reply::error(tool, &error, &notes, &call),
            },
            Err(problems) => return reply::bad_arguments(tool, &problems, &notes, &call),
        };
        match self.engine().chat_with_tools(input, &call).await {
            Ok(outcome) => reply::tool_chat(&outcome, &notes, &call),
            Err(error) => reply::error(tool, &error, &notes, &call),
        }
    }
}

fn input(args: ChatWithToolsArgs) -> Result<ToolChatInput, EngineError> {
    let mut web_search = args.use_websearch;
    let mut specs = Vec::with_capacity(args.tools.len());
    for tool in args.tools {
        match tool.name_of() {
            Some(WEB_SEARCH) => web_search = true,
            Some(name) if name.starts_with('$') => {
                let text =
                    format!("there is no `{name}` here; {WEB_SEARCH} is the only function that vendors run");
                return Err(EngineError::invalid("tools", text));
            }
            _ => specs.push(spec(tool)?),
        }
    }
    let mut system: Vec<String> = Vec::new();
    let mut messages = Vec::with_capacity(args.messages.len());
    for (place, message) in args.messages.into_iter().enumerate() {
        if matches!(message.role.as_deref(), Some("system")) {
            system.extend(message.content);
        } else {
            messages.push(
                spoken(message).map_err(|text| {
                    EngineError::invalid("messages", format!("entry {}: {text}", place + 1))
                })?,
            );
        }
    }
    Ok(ToolChatInput {
        system: system.join("\n\n"),
        messages,
        tools: Tooling { specs: specs.into(), choice: choice(&args.tool_choice)? },
        continuation_id: args.continuation_id,
        model: args.model,
        temperature: args.temperature,
        thinking: args.thinking_mode.map(Thinking::from),
        web_search,
        fresh: args.fresh,
    })
}

impl ToolArg {
    /// A function that came as a text alone has that text as its name.
    fn name_of(&self) -> Option<&str> {
        let outer = self.name.as_deref().or_else(|| self.function.as_deref()?.name.as_deref());
        outer.or_else(|| self.description.as_deref().filter(|text| text.starts_with('$'))).map(str::trim)
    }
}

fn spec(tool: ToolArg) -> Result<ToolSpec, EngineError> {
    let tool = match tool.function {
        Some(function) => *function,
        None => tool,
    };
    let name = tool.name.unwrap_or_default();
    let parameters = match tool.parameters {
        Value::Null => json!({"type": "object", "properties": {}}),
        object @ Value::Object(_) => object,
        _ => {
            let text = format!("`{name}`: parameters must be a JSON Schema, which is an object");
            return Err(EngineError::invalid("tools", text));
        }
    };
    Ok(ToolSpec { name, description: tool.description.unwrap_or_default(), parameters })
}

fn spoken(message: MessageArg) -> Result<Message, String> {
    let content = message.content.unwrap_or_default();
    let text = |content: String| vec![Part::text(content)];
    match message.role.as_deref() {
        Some("tool") => {
            let id = message.tool_call_id.filter(|id| !id.is_empty());
            let id = id.ok_or("a message with role tool needs the tool_call_id that it answers")?;
            let result = ToolResult { id, name: String::new(), content };
            Ok(Message { role: Role::User, parts: vec![Part::ToolResult(result)] })
        }
        Some("assistant") => {
            let mut parts = if content.is_empty() { Vec::new() } else { text(content) };
            parts.extend(message.tool_calls.into_iter().map(|call| Part::ToolCall(called(call))));
            if parts.is_empty() {
                Err("is empty".to_owned())
            } else {
                Ok(Message { role: Role::Assistant, parts })
            }
        }
        _ if content.trim().is_empty() => Err("is empty; give `content`".to_owned()),
        _ => Ok(Message { role: Role::User, parts: text(content) }),
    }
}

fn called(call: CallArg) -> ToolCall {
    let field = |name: &str| call.function.get(name).cloned().unwrap_or_default();
    let name =
        if call.name.is_empty() { field("name").as_str().unwrap_or_default().to_owned() } else { call.name };
    let arguments = if call.arguments.is_null() { field("arguments") } else { call.arguments };
    let arguments = match arguments {
        Value::String(text) => text,
        Value::Null => String::new(),
        object => object.to_string(),
    };
    ToolCall { id: call.id, name, arguments }
}

fn choice(value: &Value) -> Result<ToolChoice, EngineError> {
    let wrong = || {
        EngineError::invalid(
            "tool_choice",
            "expected auto, none, required, or the name of a function in tools",
        )
    };
    let text = match value {
        Value::Null => return Ok(ToolChoice::Auto),
        Value::String(text) if text.trim_start().starts_with('{') => {
            let object: Value = serde_json::from_str(text).map_err(|_| wrong())?;
            return choice(&object);
        }
        Value::String(text) => text.trim(),
        object => {
            let name = object.pointer("/function/name").or_else(|| object.get("name"));
            name.or_else(|| object.get("type")).and_then(Value::as_str).ok_or_else(wrong)?
        }
    };
    Ok(match text {
        "" | "auto" => ToolChoice::Auto,
        "none" => ToolChoice::None,
        "required" | "any" => ToolChoice::Required,
        name => ToolChoice::Named(name.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::decode;

    fn read(arguments: Value) -> Result<ToolChatInput, String> {
        let Value::Object(arguments) = arguments else { return Err("no object".to_owned()) };
        let args = decode::<ChatWithToolsArgs>(arguments).value.map_err(|problems| problems.join("; "))?;
        input(args).map_err(|error| error.to_string())
    }

    #[test]
    fn functions_are_understood_in_every_usual_shape() {
        let schema = json!({"type": "object", "properties": {"q": {"type": "string"}}});
        for tool in [
            json!({"type": "function", "function": {"name": "find", "description": "Finds.", "parameters": schema}}),
            json!({"type": "function", "name": "find", "description": "Finds.", "parameters": schema}),
            json!({"name": "find", "description": "Finds.", "input_schema": schema}),
            json!({"name": "find", "description": "Finds.", "inputSchema": schema}),
        ] {
            let input = read(json!({"messages": "hi", "tools": [tool]})).unwrap();
            let specs = &input.tools.specs;
            assert_eq!((specs[0].name.as_str(), specs[0].description.as_str()), ("find", "Finds."), "{tool}");
            assert_eq!(specs[0].parameters, schema, "{tool}");
        }
        let searching = read(json!({"messages": "hi", "tools": ["$web_search"]})).unwrap();
        assert!(searching.web_search && searching.tools.is_empty());
        let unknown = read(json!({"messages": "hi", "tools": ["$moon"]})).unwrap_err();
        assert!(unknown.contains("there is no `$moon` here"), "{unknown}");
    }

    #[test]
    fn messages_are_understood_as_openai_writes_them() {
        let call = json!({"id": "a", "type": "function", "function": {"name": "find", "arguments": "{}"}});
        let input = read(json!({"messages": [
            {"role": "system", "content": "Be brief."}, "plain", {"content": [{"type": "text", "text": "in parts"}]},
            {"role": "assistant", "content": null, "tool_calls": [call]}, {"role": "tool", "tool_call_id": "a", "content": "x"}]}))
        .unwrap();
        assert_eq!((input.system.as_str(), input.messages.len()), ("Be brief.", 4));
        assert_eq!(input.messages[0], Message::user("plain"));
        assert_eq!(input.messages[1], Message::user("in parts"));
        assert!(matches!(&input.messages[2].parts[0], Part::ToolCall(call) if call.name == "find"));
        for (message, words) in [
            (json!({"role": "tool", "content": "x"}), "needs the tool_call_id"),
            (json!({"role": "user", "content": " "}), "is empty"),
            (json!({"role": "robot", "content": "x"}), "expected one of"),
        ] {
            let error = read(json!({"messages": [message]})).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn tool_choice_is_a_word_or_function() {
        for (value, wanted) in [
            (json!("required"), ToolChoice::Required),
            (json!("find"), ToolChoice::Named("find".to_owned())),
            (json!({"type": "function", "function": {"name": "find"}}), ToolChoice::Named("find".to_owned())),
            (json!("{\"type\":\"tool\",\"name\":\"find\"}"), ToolChoice::Named("find".to_owned())),
            (json!({"type": "any"}), ToolChoice::Required),
            (Value::Null, ToolChoice::Auto),
        ] {
            assert_eq!(choice(&value).unwrap(), wanted, "{value}");
        }
        assert!(choice(&json!({"x": 1})).is_err());
    }
}
