//! Functions in every format: a request that offers them, an answer that calls them, and the request that brings back what they gave.

use std::sync::Arc;

use exai_core::{
    chat::{Message, Part, Request, Role},
    function_calling::{ToolChoice, ToolResult, ToolSpec, Tooling},
};
use serde_json::{Value, json};

use super::{Whole, read};
use crate::{
    catalogue,
    origin::Origin,
    vendor::VendorKind,
    wire::{chat_completions, generate_content, messages, responses},
};

fn origin(vendor: VendorKind) -> Origin {
    Origin {
        provider: vendor.name().into(),
        vendor: vendor.facts(),
        key: None,
        key_origin: String::new(),
        secrets: crate::secrets::Secrets::default(),
    }
}

fn schema() -> Value {
    json!({"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]})
}

fn asked(model: &str, choice: ToolChoice, messages: Vec<Message>) -> Request {
    let spec =
        ToolSpec { name: "read".to_owned(), description: "Reads a file.".to_owned(), parameters: schema() };
    Request {
        model: model.into(),
        system: "".into(),
        messages,
        temperature: None,
        thinking: None,
        max_output_tokens: None,
        json: false,
        web_search: false,
        tools: Tooling { specs: [spec].into(), choice },
    }
}

/// What is written for a model, without what is the same in all requests of a format.
fn written(vendor: VendorKind, request: &Request) -> Value {
    let origin = origin(vendor);
    let base = url::Url::parse("https://vendor.example/v1").unwrap();
    let model = catalogue::find(request.model.as_str()).unwrap().clone();
    let written = match (origin.vendor.wire)(&model, request) {
        crate::vendor::Wire::ChatCompletions => {
            let sampling = origin.vendor.quirks.sampling;
            let dialect = chat_completions::Dialect { model, sampling };
            chat_completions::written(&origin, &base, &dialect, request)
        }
        crate::vendor::Wire::Responses => responses::written(&origin, &base, &model, request),
        crate::vendor::Wire::Messages => messages::written(&origin, &base, &model, request),
        crate::vendor::Wire::GenerateContent => generate_content::written(&origin, &base, &model, request),
    };
    serde_json::from_slice(&written.unwrap().body).unwrap()
}

/// The question, the answer as it is kept, and what the calls gave.
fn exchange(vendor: VendorKind, answer: &Whole) -> Vec<Message> {
    let mut parts = vec![Part::text(answer.text.as_str())];
    let provider = vendor.name().into();
    parts.extend(
        answer.opaque.iter().map(|json| Part::Opaque {
            provider: exai_core::ProviderId::clone(&provider),
            json: json.clone(),
        }),
    );
    parts.extend(answer.calls.iter().cloned().map(Part::ToolCall));
    let gave = |call: &exai_core::function_calling::ToolCall| {
        Part::ToolResult(ToolResult {
            id: call.id.clone(),
            name: call.name.clone(),
            content: "fn".to_owned(),
        })
    };
    let mut results: Vec<Part> = answer.calls.iter().map(gave).collect();
    results.push(Part::text("go on"));
    vec![
        Message::user("look"),
        Message { role: Role::Assistant, parts },
        Message { role: Role::User, parts: results },
    ]
}

fn events(events: &[Value]) -> String {
    events.iter().map(|event| format!("data: {event}\n\n")).collect()
}

fn called(answer: &Whole) -> Vec<(&str, &str, &str)> {
    answer.calls.iter().map(|call| (&*call.id, &*call.name, &*call.arguments)).collect()
}

#[test]
fn chat_completions_returns_thoughts_with_calls() {
    let decoder = |origin: Origin| chat_completions::Decoder::new(Arc::new(origin), "asked".to_owned());
    let delta = |delta: Value| json!({"choices": [{"delta": delta}]});
    let body = events(&[
        delta(json!({"reasoning_content": "hm"})),
        delta(
            json!({"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "read", "arguments": ""}}]}),
        ),
        delta(
            json!({"tool_calls": [{"index": 1, "id": "b", "function": {"name": "read", "arguments": "{\"path\":\"y\"}"}}]}),
        ),
        delta(json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"path\""}}]})),
        delta(json!({"tool_calls": [{"index": 0, "function": {"arguments": ":\"x\"}"}}]})),
        json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}),
    ]);
    let answer = read(VendorKind::Kimi, decoder, &body);
    assert_eq!(called(&answer), [("a", "read", "{\"path\":\"x\"}"), ("b", "read", "{\"path\":\"y\"}")]);
    assert_eq!(answer.finish, Some(exai_core::chat::Finish::ToolCalls));
    let call = |id: &str, path: &str| json!({"id": id, "type": "function", "function": {"name": "read", "arguments": format!("{{\"path\":\"{path}\"}}")}});
    let request = asked("kimi-k3.1-pro", ToolChoice::Required, exchange(VendorKind::Kimi, &answer));
    let sent = written(VendorKind::Kimi, &request);
    assert_eq!(
        sent["messages"],
        json!([
            {"role": "user", "content": "look"},
            {"role": "assistant", "reasoning_content": "hm", "tool_calls": [call("a", "x"), call("b", "y")]},
            {"role": "tool", "tool_call_id": "a", "content": "fn"},
            {"role": "tool", "tool_call_id": "b", "content": "fn"},
            {"role": "user", "content": "go on"},
        ])
    );
    assert_eq!(
        sent["tools"],
        json!([{"type": "function", "function": {"name": "read", "description": "Reads a file.", "parameters": schema()}}])
    );
    assert_eq!(sent.get("tool_choice"), None, "Kimi cannot be made to call");
    // The thought of another vendor's model is not to be had, and a call without any is refused.
    let foreign = asked("kimi-k3.1-pro", ToolChoice::Auto, exchange(VendorKind::Glm, &answer));
    assert_eq!(written(VendorKind::Kimi, &foreign)["messages"][1]["reasoning_content"], " ");
    let named = ToolChoice::Named("read".to_owned());
    let named = asked("deepseek-v4-pro", named, vec![Message::user("look")]);
    assert_eq!(
        written(VendorKind::DeepSeek, &named)["tool_choice"],
        json!({"type": "function", "function": {"name": "read"}})
    );
    let whole = json!({"choices": [{"message": {"content": "", "tool_calls": [{"id": "a", "function": {"name": "read", "arguments": {"path": "x"}}}]},
        "finish_reason": "stop"}]});
    let answer = read(VendorKind::Glm, decoder, &whole.to_string());
    assert_eq!(called(&answer), [("a", "read", "{\"path\":\"x\"}")], "GLM's reference shows an object");
    assert_eq!(answer.finish, Some(exai_core::chat::Finish::ToolCalls));
    let cut = events(&[delta(
        json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "read", "arguments": "{\"pa"}}]}),
    )]);
    assert_eq!(read(VendorKind::Kimi, decoder, &cut).error, Some(exai_core::Kind::Protocol), "half a call");
}

#[test]
fn responses_brings_the_reasoning_items_back() {
    let decoder = |origin: Origin| responses::Decoder::new(Arc::new(origin), "asked".to_owned());
    let thought = json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "xyz"});
    let body = events(&[
        json!({"type": "response.output_item.done", "item": thought}),
        json!({"type": "response.output_item.added", "item": {"type": "function_call", "call_id": "a", "name": "read", "arguments": ""}}),
        json!({"type": "response.function_call_arguments.delta", "delta": "{\"path\""}),
        json!({"type": "response.output_item.done", "item": {"type": "function_call", "call_id": "a", "name": "read", "arguments": "{\"path\":\"x\"}"}}),
        json!({"type": "response.completed", "response": {"status": "completed"}}),
    ]);
    let answer = read(VendorKind::OpenAi, decoder, &body);
    assert_eq!(called(&answer), [("a", "read", "{\"path\":\"x\"}")]);
    assert_eq!(answer.finish, Some(exai_core::chat::Finish::ToolCalls));
    let request = asked("gpt-6.1-sol", ToolChoice::Required, exchange(VendorKind::OpenAi, &answer));
    let sent = written(VendorKind::OpenAi, &request);
    assert_eq!(
        sent["input"],
        json!([
            {"role": "user", "content": [{"type": "input_text", "text": "look"}]},
            thought,
            {"type": "function_call", "call_id": "a", "name": "read", "arguments": "{\"path\":\"x\"}"},
            {"type": "function_call_output", "call_id": "a", "output": "fn"},
            {"role": "user", "content": [{"type": "input_text", "text": "go on"}]},
        ])
    );
    assert_eq!(
        sent["tools"],
        json!([{"type": "function", "name": "read", "description": "Reads a file.", "parameters": schema(), "strict": false}])
    );
    assert_eq!(
        (&sent["tool_choice"], &sent["include"]),
        (&json!("required"), &json!(["reasoning.encrypted_content"]))
    );
}

#[test]
fn messages_brings_the_signed_thoughts_back() {
    let decoder = |origin: Origin| messages::Decoder::new(Arc::new(origin), "asked".to_owned());
    let body = events(&[
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "sig"}}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "a", "name": "read", "input": {}}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{\"path\""}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": ":\"x\"}"}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}}),
        json!({"type": "message_stop"}),
    ]);
    let answer = read(VendorKind::Anthropic, decoder, &body);
    assert_eq!(called(&answer), [("a", "read", "{\"path\":\"x\"}")]);
    let request = asked("claude-haiku-5-5", ToolChoice::Required, exchange(VendorKind::Anthropic, &answer));
    let sent = written(VendorKind::Anthropic, &request);
    assert_eq!(
        sent["messages"],
        json!([
            {"role": "user", "content": [{"type": "text", "text": "look"}]},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "sig"},
                {"type": "tool_use", "id": "a", "name": "read", "input": {"path": "x"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "fn"}, {"type": "text", "text": "go on"}]},
        ])
    );
    assert_eq!(
        (&sent["tools"], &sent["tool_choice"]),
        (
            &json!([{"name": "read", "description": "Reads a file.", "input_schema": schema()}]),
            &json!({"type": "any"})
        )
    );
}

#[test]
fn generate_content_brings_the_signatures_back() {
    let decoder = |origin: Origin| generate_content::Decoder::new(Arc::new(origin), "asked".to_owned());
    let part = json!({"functionCall": {"name": "read", "args": {"path": "x"}}, "thoughtSignature": "sig"});
    let body = events(&[json!({"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]})]);
    let answer = read(VendorKind::Gemini, decoder, &body);
    assert_eq!(called(&answer), [("call_0", "read", "{\"path\":\"x\"}")]);
    assert_eq!(answer.finish, Some(exai_core::chat::Finish::ToolCalls));
    let named = ToolChoice::Named("read".to_owned());
    let request = asked("gemini-4-argon", named, exchange(VendorKind::Gemini, &answer));
    let sent = written(VendorKind::Gemini, &request);
    assert_eq!(
        sent["contents"],
        json!([
            {"role": "user", "parts": [{"text": "look"}]},
            {"role": "model", "parts": [part]},
            {"role": "user", "parts": [{"functionResponse": {"name": "read", "response": {"result": "fn"}}}, {"text": "go on"}]},
        ])
    );
    assert_eq!(
        sent["tools"],
        json!([{"functionDeclarations": [{"name": "read", "description": "Reads a file.", "parametersJsonSchema": schema()}]}])
    );
    assert_eq!(
        sent["toolConfig"],
        json!({"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["read"]}})
    );
}

#[test]
fn older_and_free_calls_are_calls() {
    let decoder = |origin: Origin| chat_completions::Decoder::new(Arc::new(origin), "asked".to_owned());
    let delta = |delta: Value| json!({"choices": [{"delta": delta}]});
    let said = delta(json!({"content": "I will look."}));
    let end = |word: &str| json!({"choices": [{"delta": {}, "finish_reason": word}]});
    let legacy = [
        delta(json!({"function_call": {"name": "read", "arguments": ""}})),
        delta(json!({"function_call": {"arguments": "{\"path\""}})),
        delta(json!({"function_call": {"arguments": ":\"x\"}"}})),
    ];
    let [first, second, third] = legacy;
    let custom = json!({"index": 0, "id": "a", "type": "custom", "custom": {"name": "read", "input": "x"}});
    for (body, expected) in [
        (
            events(&[said.clone(), first, second, third, end("function_call")]),
            ("call_0", "read", "{\"path\":\"x\"}"),
        ),
        (events(&[said, delta(json!({"tool_calls": [custom]})), end("stop")]), ("a", "read", "x")),
        (
            json!({"choices": [{"message": {"content": "I will look.", "function_call": {"name": "read", "arguments": "{}"}},
                "finish_reason": "stop"}]})
            .to_string(),
            ("call_0", "read", "{}"),
        ),
    ] {
        let answer = read(VendorKind::Custom, decoder, &body);
        assert_eq!(called(&answer), [expected], "{body}");
        assert_eq!(answer.finish, Some(exai_core::chat::Finish::ToolCalls), "{body}");
    }
    let none =
        json!({"choices": [{"message": {"content": "hi", "function_call": null}, "finish_reason": "stop"}]});
    assert!(read(VendorKind::Custom, decoder, &none.to_string()).calls.is_empty());
}
