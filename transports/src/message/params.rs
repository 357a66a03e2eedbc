//! The parameters of requests. The SDK takes a request whose parameters it cannot read for one of an extension, and answers that there is
//! no such method; a page it cannot read it takes for the first one. Here such a request is refused by the field that is wrong, or
//! corrected where its meaning is clear.
#![expect(deprecated, reason = "clients of the earlier revisions still set the level of logging")]

use rmcp::model::{
    CallToolRequestMethod, CallToolRequestParams, CancelTaskMethod, CancelTaskParams, ClientRequest,
    CompleteRequestMethod, CompleteRequestParams, ConstString as _, CustomRequest, DiscoverRequestMethod,
    GetMeta as _, GetPromptRequestMethod, GetPromptRequestParams, GetSkillRequestMethod,
    GetSkillRequestParams, GetTaskMethod, GetTaskParams, InitializeRequestParams, InitializeResultMethod,
    JsonObject, ListPromptsRequestMethod, ListResourceTemplatesRequestMethod, ListResourcesRequestMethod,
    ListSkillsRequestMethod, ListToolsRequestMethod, PaginatedRequestParams, ProtocolVersion,
    ReadResourceDirectoryRequestMethod, ReadResourceDirectoryRequestParams, ReadResourceRequestMethod,
    ReadResourceRequestParams, RequestMetaObject, SetLevelRequestMethod, SetLevelRequestParams,
    SubscribeRequestMethod, SubscribeRequestParams, SubscriptionsListenRequestMethod,
    SubscriptionsListenRequestParams, UnsubscribeRequestMethod, UnsubscribeRequestParams, UpdateTaskMethod,
    UpdateTaskParams,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json, value::RawValue};

use super::{surrogates, values};

/// Says what is wrong with parameters.
type Reader = fn(&str) -> Result<(), String>;

/// Every method whose parameters the SDK reads.
const READERS: [(&str, Reader); 20] = [
    (InitializeResultMethod::VALUE, of::<InitializeRequestParams>),
    (DiscoverRequestMethod::VALUE, of::<Discovery>),
    (CompleteRequestMethod::VALUE, of::<CompleteRequestParams>),
    (SetLevelRequestMethod::VALUE, of::<SetLevelRequestParams>),
    (GetPromptRequestMethod::VALUE, of::<GetPromptRequestParams>),
    (ListPromptsRequestMethod::VALUE, of::<PaginatedRequestParams>),
    (ListResourcesRequestMethod::VALUE, of::<PaginatedRequestParams>),
    (ListResourceTemplatesRequestMethod::VALUE, of::<PaginatedRequestParams>),
    (ReadResourceRequestMethod::VALUE, of::<ReadResourceRequestParams>),
    (SubscriptionsListenRequestMethod::VALUE, of::<SubscriptionsListenRequestParams>),
    (SubscribeRequestMethod::VALUE, of::<SubscribeRequestParams>),
    (UnsubscribeRequestMethod::VALUE, of::<UnsubscribeRequestParams>),
    (CallToolRequestMethod::VALUE, of::<CallToolRequestParams>),
    (ListToolsRequestMethod::VALUE, of::<PaginatedRequestParams>),
    (GetTaskMethod::VALUE, of::<GetTaskParams>),
    (UpdateTaskMethod::VALUE, of::<UpdateTaskParams>),
    (CancelTaskMethod::VALUE, of::<CancelTaskParams>),
    (ListSkillsRequestMethod::VALUE, of::<PaginatedRequestParams>),
    (GetSkillRequestMethod::VALUE, of::<GetSkillRequestParams>),
    (ReadResourceDirectoryRequestMethod::VALUE, of::<ReadResourceDirectoryRequestParams>),
];

/// Methods whose `arguments` models write, and some clients pass on as the text that the model wrote.
const WITH_ARGUMENTS: [&str; 2] = [CallToolRequestMethod::VALUE, GetPromptRequestMethod::VALUE];
const ARGUMENTS: &str = "arguments";

/// Methods that revision 2026-07-28 knows no more, so that their parameters do not matter there.
const REMOVED: [&str; 4] = [
    InitializeResultMethod::VALUE,
    SetLevelRequestMethod::VALUE,
    SubscribeRequestMethod::VALUE,
    UnsubscribeRequestMethod::VALUE,
];

/// Whether the request was corrected, or what is wrong with its parameters, by the name of the field.
pub(super) fn correct(request: &mut ClientRequest, message: &[u8]) -> Result<bool, String> {
    let method = request.method();
    let Some((method, reader)) = READERS.iter().find(|(known, _)| *known == method) else {
        return Ok(false);
    };
    let is_late = || request.get_meta().protocol_version() >= Some(ProtocolVersion::V_2026_07_28);
    if REMOVED.contains(method) && is_late() {
        return Ok(false);
    }
    let ClientRequest::CustomRequest(custom) = request else {
        if is_without_page(request) {
            reader(params_of(message))?;
        }
        return Ok(false);
    };
    let Some(params) = with_arguments(custom)? else {
        return Err(refusal(method, reader(params_of(message))));
    };
    let refused = refusal(method, reader(&params.to_string()));
    match serde_json::from_value(json!({ "method": method, "params": params })) {
        Ok(ClientRequest::CustomRequest(_)) | Err(_) => Err(refused),
        Ok(corrected) => {
            *request = corrected;
            Ok(true)
        }
    }
}

fn refusal(method: &str, read: Result<(), String>) -> String {
    read.err().unwrap_or_else(|| format!("the parameters of `{method}` are not valid"))
}

/// Whether the request is for a list, and for no page of it that the SDK could read.
fn is_without_page(request: &ClientRequest) -> bool {
    match request {
        ClientRequest::ListPromptsRequest(request) => request.params.is_none(),
        ClientRequest::ListResourcesRequest(request) => request.params.is_none(),
        ClientRequest::ListResourceTemplatesRequest(request) => request.params.is_none(),
        ClientRequest::ListToolsRequest(request) => request.params.is_none(),
        ClientRequest::ListSkillsRequest(request) => request.params.is_none(),
        _ => false,
    }
}

/// The parameters as they were sent. None are as good as no members.
fn params_of(message: &[u8]) -> &str {
    #[derive(Deserialize)]
    struct Sent<'a> {
        #[serde(borrow, default)]
        params: Option<&'a RawValue>,
    }
    let sent = serde_json::from_slice::<Sent<'_>>(message).ok();
    sent.and_then(|sent| sent.params).map_or("{}", RawValue::get)
}

/// The parameters with the object that their `arguments` hold as a text; none when they hold no text.
fn with_arguments(custom: &mut CustomRequest) -> Result<Option<Value>, String> {
    if !WITH_ARGUMENTS.contains(&custom.method.as_str()) {
        return Ok(None);
    }
    let Some(Value::Object(params)) = &mut custom.params else { return Ok(None) };
    let Some(Value::String(text)) = params.get(ARGUMENTS) else { return Ok(None) };
    match object_in(text)? {
        Some(object) => drop(params.insert(ARGUMENTS.to_owned(), Value::Object(object))),
        None => drop(params.shift_remove(ARGUMENTS)),
    }
    if let Some(meta) = custom.extensions.get::<RequestMetaObject>() {
        params.insert("_meta".to_owned(), json!(meta));
    }
    Ok(custom.params.take())
}

/// The object in a text; none when the text says that there is nothing.
fn object_in(text: &str) -> Result<Option<Map<String, Value>>, String> {
    let text = text.trim();
    if matches!(text, "" | "null") {
        return Ok(None);
    }
    if values::are_too_many(text.as_bytes()) {
        return Err(format!("{ARGUMENTS}: {}", values::refusal()));
    }
    let kind = match serde_json::from_slice(&surrogates::replaced(text.as_bytes())) {
        Ok(Value::Object(object)) => return Ok(Some(object)),
        Ok(Value::Array(_)) => "a list".to_owned(),
        Ok(Value::String(_)) => "a string".to_owned(),
        Ok(Value::Number(_)) => "a number".to_owned(),
        Ok(Value::Bool(_) | Value::Null) => "a word".to_owned(),
        Err(error) => format!("a string that is not JSON ({error})"),
    };
    Err(format!("{ARGUMENTS}: expected an object, got {kind}"))
}

fn of<T: DeserializeOwned>(params: &str) -> Result<(), String> {
    let mut parser = serde_json::Deserializer::from_str(params);
    serde_path_to_error::deserialize::<_, T>(&mut parser).map(drop).map_err(|error| {
        let said = error.inner().to_string();
        // The place is that within the parameters, and no client counts from there.
        let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
        match error.path().to_string().as_str() {
            "." => said.to_owned(),
            path => format!("{path}: {said}"),
        }
    })
}

/// Of these the SDK wants the context of the request and nothing else.
#[derive(Deserialize)]
struct Discovery {
    #[expect(dead_code, reason = "only its presence counts")]
    #[serde(rename = "_meta")]
    meta: JsonObject,
}

#[cfg(test)]
mod tests {
    use rmcp::model::JsonRpcMessage;

    use super::*;
    use crate::message::{self, Understood};

    fn request(method: &str, params: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{params}}}"#)
    }

    fn refusal_of(method: &str, params: &str) -> Value {
        let refused = message::read(request(method, params).as_bytes()).expect_err(params);
        assert!(refused.is_answered, "{params}");
        let rejection = serde_json::to_value(refused.rejection).unwrap();
        assert_eq!(
            (&rejection["id"], &rejection["error"]["code"]),
            (&json!(7), &json!(-32_602)),
            "{rejection}"
        );
        rejection["error"]["message"].clone()
    }

    #[test]
    fn wrong_parameters_are_refused_by_field() {
        let client = r#""clientInfo":{"name":"c","version":"1"}"#;
        for (method, params, told) in [
            ("initialize", "{}", "missing field `protocolVersion`"),
            (
                "initialize",
                &format!(r#"{{"protocolVersion":"2025-11-25",{client}}}"#),
                "missing field `capabilities`",
            ),
            (
                "initialize",
                r#"{"protocolVersion":"2025-11-25","capabilities":{}}"#,
                "missing field `clientInfo`",
            ),
            (
                "initialize",
                r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c"}}"#,
                "clientInfo: missing field `version`",
            ),
            (
                "initialize",
                &format!(r#"{{"protocolVersion":7,"capabilities":{{}},{client}}}"#),
                "protocolVersion: ",
            ),
            (
                "initialize",
                &format!(r#"{{"protocolVersion":"1","capabilities":{{"roots":5}},{client}}}"#),
                "capabilities.roots: ",
            ),
            ("tools/call", "{}", "missing field `name`"),
            ("tools/call", "null", "missing field `name`"),
            ("tools/call", r#"{"name":["chat"]}"#, "name: "),
            ("tools/call", r#"{"name":"a","name":"b"}"#, "duplicate field `name`"),
            ("tools/call", r#"{"name":"a","arguments":[1]}"#, "arguments: "),
            ("tools/call", r#"{"name":"a","arguments":7}"#, "arguments: "),
            ("tools/list", r#"{"cursor":5}"#, "cursor: "),
            ("prompts/list", r#"{"cursor":{}}"#, "cursor: "),
            ("prompts/get", r#"{"name":1}"#, "name: "),
            ("resources/list", r#"{"cursor":false}"#, "cursor: "),
            ("resources/templates/list", r#"{"cursor":[]}"#, "cursor: "),
            ("resources/read", r#"{"url":"x"}"#, "missing field `uri`"),
            (
                "completion/complete",
                r#"{"ref":{"type":"ref/prompt","name":"x"}}"#,
                "missing field `argument`",
            ),
            ("tasks/get", "{}", "missing field `taskId`"),
            ("tasks/cancel", r#"{"taskId":3}"#, "taskId: "),
            ("logging/setLevel", r#"{"level":"loud"}"#, "level: unknown variant `loud`"),
            ("server/discover", "null", "missing field `_meta`"),
            ("ping", r#"{"_meta":7}"#, "_meta: expected an object"),
            ("tools/list", r#"{"_meta":[]}"#, "_meta: expected an object"),
            ("no/such", r#"{"_meta":"x"}"#, "_meta: expected an object"),
            ("ping", r#"{"_meta":{"progressToken":1.5}}"#, "_meta.progressToken: expected"),
            ("ping", r#"{"_meta":{"progressToken":{}}}"#, "_meta.progressToken: expected"),
            (
                "tools/list",
                r#"{"_meta":{"io.modelcontextprotocol/clientInfo":{"name":"x"}}}"#,
                "_meta.io.modelcontextprotocol/clientInfo: expected",
            ),
        ] {
            let message = refusal_of(method, params);
            assert!(message.as_str().unwrap().contains(told), "{method} {params}: {message}");
        }
    }

    #[test]
    fn a_refusal_stays_short() {
        let long = "x".repeat(100_000);
        for params in [format!(r#"{{"name":["{long}"]}}"#), format!(r#"{{"name":"a","arguments":"{long}"}}"#)]
        {
            assert!(refusal_of("tools/call", &params).as_str().unwrap().len() < 400);
        }
        let token = format!(r#"{{"_meta":{{"progressToken":"{}"}}}}"#, "t".repeat(1025));
        let message = refusal_of("ping", &token);
        assert_eq!(message, "_meta.progressToken: has 1025 bytes, at most 1024 are accepted");
        let token = token.replacen('t', "", 1).replacen("ttttt", "tttt", 1);
        assert!(message::read(request("ping", &token).as_bytes()).is_ok());
    }

    #[test]
    fn good_requests_are_left_alone() {
        for (method, params) in [
            ("ping", "{}"),
            ("ping", "null"),
            ("tools/list", "null"),
            ("tools/list", r#"{"cursor":null}"#),
            ("tools/list", r#"{"cursor":"next","more":[1]}"#),
            ("tools/call", r#"{"name":"a"}"#),
            ("tools/call", r#"{"name":"a","arguments":null,"_meta":{"progressToken":null}}"#),
            ("tools/call", r#"{"name":"a","arguments":{"b":"{}"},"_meta":{"progressToken":7}}"#),
            ("no/such", r#"{"arguments":"{}"}"#),
            ("initialize", r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#),
            ("resources/subscribe", r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#),
        ] {
            let line = request(method, params);
            let Ok(Understood { is_corrected, .. }) = message::read(line.as_bytes()) else {
                panic!("{line}")
            };
            assert!(!is_corrected, "{line}");
        }
    }

    /// The arguments that reach the SDK, and the progress token.
    fn arguments(text: &str) -> (Option<Value>, Option<i64>) {
        let params = json!({"name": "chat", "arguments": text, "_meta": {"progressToken": 5}}).to_string();
        let line = request("tools/call", &params);
        let Understood { message, is_corrected, .. } = message::read(line.as_bytes()).expect(text);
        assert!(is_corrected);
        // As the body of HTTP carries it on.
        let again = serde_json::to_vec(&message).unwrap();
        let JsonRpcMessage::Request(request) = message::read(&again).unwrap().message else {
            panic!("{text}")
        };
        let ClientRequest::CallToolRequest(call) = request.request else { panic!("{text}") };
        let token = call.extensions.get::<RequestMetaObject>().unwrap().get_progress_token().unwrap();
        (call.params.arguments.map(Value::Object), token.0.into_json_value().as_i64())
    }

    #[test]
    fn arguments_may_be_text() {
        for (text, object) in [
            (r#"{"prompt":"hi","n":[1,{"a":null}]}"#, Some(json!({"prompt": "hi", "n": [1, {"a": null}]}))),
            (" \n{} ", Some(json!({}))),
            (r#"{"prompt":"\ud83d!"}"#, Some(json!({"prompt": "\u{fffd}!"}))),
            ("", None),
            (" null\n", None),
        ] {
            assert_eq!(arguments(text), (object, Some(5)), "{text}");
        }
    }

    #[test]
    fn only_an_object_is_arguments() {
        let many = format!("[{}0]", "0,".repeat(values::MOST));
        for (text, told) in [
            ("[1]", "expected an object, got a list"),
            ("7", "expected an object, got a number"),
            ("true", "expected an object, got a word"),
            (r#""{}""#, "expected an object, got a string"),
            ("{\"a\":", "expected an object, got a string that is not JSON"),
            ("please", "expected an object, got a string that is not JSON"),
            (many.as_str(), "has more than 20000 JSON values"),
        ] {
            for method in WITH_ARGUMENTS {
                let params = json!({"name": "x", "arguments": text}).to_string();
                let message = refusal_of(method, &params);
                assert!(message.as_str().unwrap().starts_with("arguments: "), "{message}");
                assert!(message.as_str().unwrap().contains(told), "{message}");
            }
        }
    }
}
