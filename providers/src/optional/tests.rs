//! Errors about fields, in the words of many servers.

use serde_json::{Value, json};

use super::*;

fn body() -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": "temperature is not supported"}], "stream": true,
        "stream_options": {"include_usage": true}, "temperature": 0.5, "max_tokens": 9, "reasoning_effort": "low",
        "thinking": {"type": "enabled"}, "response_format": {"type": "json_object"}, "prompt_cache_key": "k"})
}

fn refused(param: Option<&str>, text: &str) -> Option<Omissions> {
    let rejected = Rejected { param: param.map(str::to_owned), text: text.to_owned() };
    Omissions::default().with(&rejected, body().to_string().as_bytes(), true)
}

fn only(omission: Omission) -> Option<Omissions> {
    let mut omissions = Omissions::default();
    omissions.add(omission);
    Some(omissions)
}

#[test]
fn refused_fields_are_recognised() {
    let field = |name: &'static str| only(Omission::Field(name));
    for (param, text, expected) in [
        (Some("temperature"), "Unsupported value: 'temperature' does not support 0.5", field("temperature")),
        (None, "invalid temperature: only 1 is allowed for this model", field("temperature")),
        (None, "`temperature` is deprecated for this model.", field("temperature")),
        (Some("body.stream_options"), "Extra inputs are not permitted", field("stream_options")),
        (None, "Unrecognized request argument supplied: stream_options", field("stream_options")),
        (None, "Streaming is not supported for this model", field("stream")),
        (None, "json_object is not supported", field("response_format")),
        (None, "'response_format.type' must be 'json_schema' or 'text'", field("response_format")),
        (None, "This model does not support reasoning_effort.", field("reasoning_effort")),
        (None, "\"m\" does not support thinking", field("thinking")),
        (Some("prompt_cache_key"), "", field("prompt_cache_key")),
        (None, "System role not supported", only(Omission::System)),
        (None, "Developer instruction is not enabled for models/m", only(Omission::System)),
        (
            Some("max_tokens"),
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            only(Omission::RenamedCap),
        ),
    ] {
        assert_eq!(refused(param, text), expected, "{param:?} {text}");
    }
}

/// What is wrong elsewhere is not mended by leaving a field out.
#[test]
fn other_complaints_leave_fields_alone() {
    for (param, text) in [
        (Some("messages"), "messages[0].content is not supported"),
        (None, "max_tokens is too large: 9. This model supports at most 4 completion tokens"),
        (Some("max_tokens"), "must be less than 4"),
        (None, "messages.1: expected `thinking`, found `text`; it must be first when `thinking` is enabled"),
        (None, "the streamlined tier is unknown"),
        (Some("top_p"), "unsupported"),
        (None, "The request is invalid"),
        (None, ""),
    ] {
        assert_eq!(refused(param, text), None, "{param:?} {text}");
    }
}

#[test]
fn the_cap_is_renamed_first() {
    let rejected = |name: &str| Rejected { param: None, text: format!("unknown field `{name}`") };
    let sent = body().to_string().into_bytes();
    let renamed = Omissions::default().with(&rejected("max_tokens"), &sent, false).unwrap();
    let second = renamed.applied(sent.clone());
    let read: Value = serde_json::from_slice(&second).unwrap();
    assert_eq!((&read["max_completion_tokens"], read.get("max_tokens")), (&json!(9), None));
    let uncapped = renamed.with(&rejected("max_completion_tokens"), &second, false).unwrap();
    let third: Value = serde_json::from_slice(&uncapped.applied(sent)).unwrap();
    assert!(
        uncapped.has(Omission::Cap)
            && third.get("max_tokens").or(third.get("max_completion_tokens")).is_none()
    );
    assert_eq!(third["messages"], body()["messages"], "nothing else is touched");
}

#[test]
fn fields_within_an_object_are_left_out() {
    let sent = json!({"contents": [], "generationConfig": {"temperature": 1, "thinkingConfig": {"thinkingLevel": "low"}}});
    let text = "Thinking level is not supported for this model.".to_owned();
    let rejected = Rejected { param: None, text };
    let omissions = Omissions::default().with(&rejected, sent.to_string().as_bytes(), false).unwrap();
    let read: Value = serde_json::from_slice(&omissions.applied(sent.to_string().into_bytes())).unwrap();
    assert_eq!(read, json!({"contents": [], "generationConfig": {"temperature": 1}}));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_remembered_for_a_day() {
    let memory = Memory::default();
    let omissions = only(Omission::Field("stream")).unwrap();
    memory.learn(&"m".into(), omissions.clone());
    assert_eq!(
        (memory.of(&"m".into()), memory.of(&"other".into())),
        (omissions.clone(), Omissions::default())
    );
    tokio::time::advance(MEMORY - Duration::from_secs(1)).await;
    for number in 0..2 * MOST_MODELS {
        memory.learn(&ModelId::new(format!("model-{number}")), omissions.clone());
    }
    assert_eq!(memory.0.lock().len(), MOST_MODELS);
    tokio::time::advance(MEMORY).await;
    assert_eq!(memory.of(&"model-700".into()), Omissions::default());
}
