//! Tools of 2026-07-28 that need answers of the client: the call ends with questions, and comes again with the answers
//! (<https://modelcontextprotocol.io/seps/2322-MRTR>).

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ClientCapabilities, ErrorData, InputRequiredResult,
    InputResponses,
};
use serde_json::{Value, json};

use crate::content::{form_of_text, from_json, text};

/// Signs what the client carries for us. A server with more than one process would share it.
const KEY: [u8; 32] = *b"the fixtures' key, known to all.";

/// One question to be answered in a form of one field.
pub(crate) fn form(key: &str, message: &str, field: &str, kind: &str) -> Value {
    let schema = json!({"type": "object", "properties": {field: {"type": kind}}, "required": [field]});
    json!({key: {"method": "elicitation/create", "params": {"mode": "form", "message": message, "requestedSchema": schema}}})
}

/// One question for the client's model.
fn sampling(key: &str, question: &str, most: u32) -> Value {
    json!({key: {"method": "sampling/createMessage", "params": {"maxTokens": most,
        "messages": [{"role": "user", "content": {"type": "text", "text": question}}]}}})
}

fn roots() -> Value {
    json!({"client_roots": {"method": "roots/list", "params": {}}})
}

/// Ends the call with questions.
pub(crate) fn ask(questions: Value, state: Option<&str>) -> Result<InputRequiredResult, ErrorData> {
    Ok(InputRequiredResult::new(Some(from_json(questions)?), state.map(sealed)))
}

/// What was put into a field of an accepted form.
pub(crate) fn field(answers: Option<&InputResponses>, key: &str, field: &str) -> Option<String> {
    let answer = answers?.get(key)?;
    let value = (answer["action"] == "accept").then(|| &answer["content"][field])?;
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn sealed(state: &str) -> String {
    format!("{state}.{}", blake3::keyed_hash(&KEY, state.as_bytes()).to_hex())
}

/// The state of the call, if it is ours.
fn opened(state: Option<&String>) -> Result<Option<String>, ErrorData> {
    let Some(state) = state else { return Ok(None) };
    let ours = state.rsplit_once('.').filter(|(body, _)| sealed(body) == *state);
    match ours {
        Some((body, _)) => Ok(Some(body.to_owned())),
        None => Err(ErrorData::invalid_params("requestState was changed", None)),
    }
}

/// Calls one of these tools; `None` when it is none of them.
pub(crate) fn call(
    request: &CallToolRequestParams,
    client: Option<&ClientCapabilities>,
) -> Result<Option<CallToolResponse>, ErrorData> {
    let Some(name) = request.name.strip_prefix("test_input_required_result_") else { return Ok(None) };
    let answers = request.input_responses.as_ref();
    let state = opened(request.request_state.as_ref())?;
    let answer = |key: &str| answers.and_then(|answers| answers.get(key)).cloned();
    let name_form = || form("user_name", "What is your name?", "name", "string");
    let confirm_form = || form("confirm", "Please confirm", "ok", "boolean");
    let (questions, kept) = match name {
        "elicitation" => match field(answers, "user_name", "name") {
            Some(who) => return done(format!("Hello, {who}!")),
            None => (name_form(), None),
        },
        "sampling" => match answer("capital_question") {
            Some(said) => return done(said["content"]["text"].as_str().unwrap_or_default().to_owned()),
            None => (sampling("capital_question", "What is the capital of France?", 100), None),
        },
        "list_roots" => match answer("client_roots") {
            Some(said) => return done(format!("Your roots: {}", said["roots"])),
            None => (roots(), None),
        },
        "request_state" | "tampered_state" => match (field(answers, "confirm", "ok"), state.as_deref()) {
            (Some(ok), Some("asked")) => return done(format!("state-ok, confirmed: {ok}")),
            _ => (confirm_form(), Some("asked")),
        },
        "multiple_inputs" => {
            let all = (field(answers, "user_name", "name"), answer("greeting"), answer("client_roots"));
            match (all, state.as_deref()) {
                ((Some(who), Some(_), Some(_)), Some("asked")) => {
                    return done(format!("All is answered, {who}."));
                }
                _ => {
                    let greeting = sampling("greeting", "Generate a greeting", 50);
                    (merged([name_form(), greeting, roots()]), Some("asked"))
                }
            }
        }
        "multi_round" => {
            let (first, second) = (field(answers, "step1", "name"), field(answers, "step2", "color"));
            match (state.as_deref(), first, second) {
                (Some("second"), _, Some(color)) => return done(format!("You like {color}.")),
                (Some("first"), Some(_), _) => {
                    (form("step2", "Step 2: What is your favorite color?", "color", "string"), Some("second"))
                }
                _ => (form("step1", "Step 1: What is your name?", "name", "string"), Some("first")),
            }
        }
        "capabilities" => (what_the_client_can(client), None),
        other => return Err(ErrorData::invalid_params(format!("there is no tool {other}"), None)),
    };
    Ok(Some(CallToolResponse::InputRequired(ask(questions, kept)?)))
}

fn done(said: String) -> Result<Option<CallToolResponse>, ErrorData> {
    Ok(Some(text(said).into()))
}

/// Questions of the kinds only that the client has said it can answer.
fn what_the_client_can(client: Option<&ClientCapabilities>) -> Value {
    let can = |has: fn(&ClientCapabilities) -> bool| client.is_some_and(has);
    let mut questions = Vec::new();
    if can(|client| client.elicitation.is_some()) {
        let schema = form_of_text("name");
        questions.push(json!({"user_name": {"method": "elicitation/create",
            "params": {"mode": "form", "message": "What is your name?", "requestedSchema": schema}}}));
    }
    if can(|client| serde_json::to_value(client).is_ok_and(|client| client.get("sampling").is_some())) {
        questions.push(sampling("capital_question", "What is the capital of France?", 100));
    }
    if can(|client| serde_json::to_value(client).is_ok_and(|client| client.get("roots").is_some())) {
        questions.push(roots());
    }
    merged(questions)
}

fn merged(questions: impl IntoIterator<Item = Value>) -> Value {
    questions
        .into_iter()
        .filter_map(|one| one.as_object().cloned())
        .flatten()
        .collect::<serde_json::Map<_, _>>()
        .into()
}
