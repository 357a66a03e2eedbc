//! Errors about fields, in the words of many servers.

use serde_json::{Value, json};

use super::*;

fn body() -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": "temperature is not supported"}], "stream": true,
        "stream_options": {"include_usage": true}, "temperature": 0.5, "max_tokens": 9, "reasoning_effort": "low",
        "thinking": {"type": "enabled"}, "response_format": {"type": "json_object"}, "prompt_cache_key": "k"})
}

fn refused(param: Option<&str>, text: &str) -> Option<Omissions> {
    let rejected = Rejected { param: param.map(str::to_owned), text: text.to_owned(), is_sure: true };
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
        (None, "max_tokens is too large for this model"),
        (Some("max_tokens"), "must be less than the window"),
        (None, "messages.1: expected `thinking`, found `text`; it must be first when `thinking` is enabled"),
        (None, "the streamlined tier is unknown"),
        (Some("top_p"), "unsupported"),
        (None, "The request is invalid"),
        (None, ""),
    ] {
        assert_eq!(refused(param, text), None, "{param:?} {text}");
    }
}

/// The field is the one that is refused, whatever else the text lists.
#[test]
fn lists_of_allowed_fields_hide_nothing() {
    let field = |name: &'static str| only(Omission::Field(name));
    let list = "`messages`, `model`, `max_tokens`, `stream`, `temperature`";
    for (text, expected) in [
        (format!("unknown field `stream_options`, expected one of {list} at line 1"), field("stream_options")),
        (format!("unknown field `temperature`, expected one of {list}"), field("temperature")),
        (format!("unknown field `reasoning_effort`, expected one of {list}"), field("reasoning_effort")),
        (format!("unknown field `max_tokens`, expected one of {list}"), only(Omission::RenamedCap)),
        (format!("unknown field `guess`, expected one of {list}"), None),
        (
            "Bad Request: JSON parse error: Unrecognized field \"stream_options\" (class x.Y), not marked as ignorable \
             (3 known properties: \"max_tokens\", \"temperature\", \"stream\"])"
                .to_owned(),
            field("stream_options"),
        ),
        (
            format!("{} Unsupported parameter: temperature", "The request was checked by many rules. ".repeat(40)),
            field("temperature"),
        ),
        ("max_tokens and stream are fine, but prompt_cache_key is not a supported parameter".to_owned(), field("prompt_cache_key")),
    ] {
        assert_eq!(refused(None, &text), expected, "{text}");
    }
}

#[test]
fn a_system_prompt_is_refused_anyhow() {
    for (param, text) in [
        (
            Some("messages[0].role"),
            "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        ),
        (None, "Only user and assistant roles are supported!"),
        (None, "Conversation roles must alternate user/assistant/user/assistant/..."),
        (Some("messages[0].role"), "Invalid value: 'system'. Supported values are: 'user' and 'assistant'."),
        (Some("role"), "Input should be 'user' or 'assistant'"),
        (None, "messages.0.role: Input should be 'user' or 'assistant'"),
        (None, "Unexpected role \"system\". Allowed roles are user and assistant"),
        (None, "This model doesn't support the system field"),
        (None, "system: Extra inputs are not permitted"),
        (None, "Invalid JSON payload received. Unknown name \"systemInstruction\": Cannot find field."),
        (None, "Jinja Exception: System role not supported"),
        (None, "Developer messages are not supported: role 'developer'"),
    ] {
        assert_eq!(refused(param, text), only(Omission::System), "{param:?} {text}");
    }
}

#[test]
fn refusals_have_many_words() {
    let field = |name: &'static str| only(Omission::Field(name));
    for (name, texts) in [
        (
            "stream",
            &[
                "stream must be false",
                "Only stream=false is supported",
                "This model cannot be streamed",
                "streaming disabled for this key",
                "the backend has no streaming capabilities",
                "stream: Input should be False",
                "Your organization must be verified to stream this model.",
            ][..],
        ),
        (
            "temperature",
            &[
                "temperature is not recognized",
                "parameter temperature disallowed",
                "temperature is forbidden here",
                "illegal parameter temperature",
                "The field temperature does not exist",
                "temperature not accepted",
                "This model does not accept temperature",
                "temperature is not defined in the schema",
                "temperature is not a supported parameter",
                "temperature cannot be set for this model",
                "temperature is fixed at 1",
                "temperature 0.5 is out of range",
                "temperature is incompatible with this model",
                "temperature and top_p are mutually exclusive",
                "不支持的参数temperature",
                "__init__() got an unexpected keyword argument 'temperature'",
            ],
        ),
        (
            "response_format",
            &[
                "Structured outputs are not supported",
                "Guided decoding is not supported",
                "m does not support JSON output",
                "grammar is not supported",
                "Failed to parse grammar",
                "json_validate_failed: Failed to generate JSON. Adjust your prompt.",
                "json mode cannot be combined with tool/function calling",
            ],
        ),
        (
            "reasoning_effort",
            &[
                "Argument not supported on this model: reasoningEffort",
                "think value \"high\" is not supported for this model",
                "invalid reasoning value: 'high'",
                "m is a non-reasoning model",
                "litellm.UnsupportedParamsError: m does not support parameters: ['reasoning_effort']",
            ],
        ),
    ] {
        for text in texts {
            assert_eq!(refused(None, text), field(name), "{text}");
        }
    }
    assert_eq!(refused(Some("stream"), "stream must be false"), field("stream"));
    assert_eq!(
        refused(Some("prompt_cache_key"), "must NOT have additional properties"),
        field("prompt_cache_key")
    );
}

/// With a status that puts the blame on the server, words that may be about anything do not count.
#[test]
fn a_failing_server_must_be_clear() {
    let says = |text: &str| {
        let rejected = Rejected { param: None, text: text.to_owned(), is_sure: false };
        Omissions::default().with(&rejected, body().to_string().as_bytes(), true)
    };
    assert_eq!(
        says("got an unexpected keyword argument 'stream_options'"),
        only(Omission::Field("stream_options"))
    );
    assert_eq!(says("System role not supported"), only(Omission::System));
    for text in [
        "the stream broke: invalid state, only one worker",
        "invalid temperature reading of the disk",
        "unknown error while the stream was read",
        "the store does not exist any more; streaming is disabled for now",
        &format!("unknown failure {} temperature", "x ".repeat(60)),
    ] {
        assert_eq!(says(text), None, "{text}");
    }
}

#[test]
fn gemini_refuses_by_its_own_names() {
    let sent = json!({"contents": [], "generationConfig": {"responseMimeType": "application/json",
        "thinkingConfig": {"thinkingBudget": 5}}});
    for (text, name) in [
        ("thinking is not supported by this model", "thinkingConfig"),
        ("The thinking budget 5 is invalid. Choose a value between 512 and 24576.", "thinkingConfig"),
        ("Function calling with a response mime type: 'application/json' is unsupported", "responseMimeType"),
    ] {
        let rejected = Rejected { param: None, text: text.to_owned(), is_sure: true };
        let omissions = Omissions::default().with(&rejected, sent.to_string().as_bytes(), false);
        assert_eq!(omissions, only(Omission::Field(name)), "{text}");
    }
}

#[test]
fn marks_of_a_cache_are_left_out() {
    let mark = json!({"type": "ephemeral"});
    let sent = json!({"model": "m", "max_tokens": 9, "system": [{"type": "text", "text": "\"cache_control\": x", "cache_control": mark}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": mark},
            {"type": "tool_use", "input": {"cache_control": 1}}]}]});
    for (param, text) in [
        (None, "system.0.cache_control: Extra inputs are not permitted"),
        (Some("cache_control"), "Extra inputs are not permitted"),
    ] {
        let rejected = Rejected { param: param.map(str::to_owned), text: text.to_owned(), is_sure: true };
        let omissions = Omissions::default().with(&rejected, sent.to_string().as_bytes(), true).unwrap();
        let read: Value = serde_json::from_slice(&omissions.applied(sent.to_string().into_bytes())).unwrap();
        let left = json!({"model": "m", "max_tokens": 9, "system": [{"type": "text", "text": "\"cache_control\": x"}],
            "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"},
                {"type": "tool_use", "input": {"cache_control": 1}}]}]});
        assert_eq!(read, left, "{text}");
    }
}

#[test]
fn a_cap_is_lowered_where_told() {
    let sent = json!({"max_tokens": 128_000, "thinking": {"type": "enabled", "budget_tokens": 48_000}});
    for (param, text, most) in [
        (
            None,
            "max_tokens: 128000 > 8192, which is the maximum allowed number of output tokens for claude-3-5-haiku-20241022",
            Some(8192),
        ),
        (Some("max_tokens"), "must be less than 4097", Some(4096)),
        (None, "max_tokens must be less than or equal to 4096", Some(4096)),
        (None, "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", Some(8192)),
        (
            None,
            "max_tokens is too large: 128000. This model supports at most 16,384 completion tokens",
            Some(16_384),
        ),
        (None, "max_tokens exceeds what model-32000 allows", None),
        (None, "input length and `max_tokens` exceed the context limit: 100000 + 128000 > 200000", None),
        (None, "`max_tokens` must be greater than `thinking.budget_tokens`", None),
    ] {
        let rejected = Rejected { param: param.map(str::to_owned), text: text.to_owned(), is_sure: true };
        let omissions = Omissions::default().with(&rejected, sent.to_string().as_bytes(), false);
        assert_eq!(omissions, most.and_then(|most| only(Omission::CapAt(most))), "{text}");
    }
    let lowered = only(Omission::CapAt(8192)).unwrap().applied(sent.to_string().into_bytes());
    let read: Value = serde_json::from_slice(&lowered).unwrap();
    assert_eq!(read, json!({"max_tokens": 8192, "thinking": {"type": "enabled", "budget_tokens": 4096}}));
    let small = only(Omission::CapAt(1_500)).unwrap().applied(sent.to_string().into_bytes());
    assert_eq!(serde_json::from_slice::<Value>(&small).unwrap(), json!({"max_tokens": 1_500}));
    let kept = only(Omission::CapAt(200_000)).unwrap().applied(sent.to_string().into_bytes());
    assert_eq!(serde_json::from_slice::<Value>(&kept).unwrap(), sent);
}

#[test]
fn the_cap_is_renamed_first() {
    let rejected =
        |name: &str| Rejected { param: None, text: format!("unknown field `{name}`"), is_sure: true };
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
    let rejected = Rejected { param: None, text, is_sure: true };
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
