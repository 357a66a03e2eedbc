//! Vendors that refuse optional fields: what is left out, once, and remembered.

use exai_core::{Kind, chat::Request, provider::Provider};
use exai_mock_vendor::{Answer, Recorded, Vendor};
use exai_providers::VendorKind;
use serde_json::{Value, json};

use super::{call, custom, fold, request};

/// Refuses requests that have one of these fields, the first one first.
fn refusing(vendor: &Vendor, fields: &'static [&'static str]) {
    vendor.answer_with(move |asked: &Recorded| {
        fields.iter().find(|field| asked.json.get(**field).is_some()).map(|field| Answer::unsupported(field))
    });
}

fn full() -> Request {
    Request { temperature: Some(0.5), max_output_tokens: Some(77), ..request("m") }
}

async fn text(provider: &dyn Provider, request: &Request) -> String {
    let folded = fold(provider.chat(request, &call()).await).await;
    assert!(folded.error.is_none(), "{:?}", folded.error);
    folded.text
}

#[tokio::test]
async fn refused_fields_are_left_out_once() {
    let vendor = Vendor::start().await;
    let provider = custom(&vendor);
    refusing(&vendor, &["stream_options", "temperature", "stream"]);
    assert_eq!(text(&*provider, &full()).await, "ok: hello");
    assert_eq!(vendor.calls().len(), 4, "each was refused once");
    assert_eq!(text(&*provider, &full()).await, "ok: hello");
    let calls = vendor.calls();
    assert_eq!(calls.len(), 5, "and that is remembered");
    let sent = &calls[4].json;
    assert_eq!((&sent["max_tokens"], sent["messages"].as_array().unwrap().len()), (&json!(77), 2));
    for field in ["stream", "stream_options", "temperature"] {
        assert_eq!(sent.get(field), None, "{field}");
    }
    // Another model is another matter, and so is what people are shown of a request.
    let other = Request { model: "n".into(), ..full() };
    assert_eq!(provider.preview(&other).unwrap().unwrap().body["temperature"], 0.5);
    assert_eq!(provider.preview(&full()).unwrap().unwrap().body.get("temperature"), None);
}

/// One answer that was no JSON says nothing about the next.
#[tokio::test]
async fn a_bad_answer_forbids_no_json_mode() {
    let vendor = Vendor::start().await;
    let provider = super::provider(VendorKind::Glm, &vendor);
    vendor.then(Answer::error(
        400,
        "invalid_request_error",
        "json_validate_failed",
        "Failed to generate JSON.",
    ));
    let asked = Request { json: true, ..request("glm-5.3") };
    for calls in [2, 3] {
        assert_eq!(text(&*provider, &asked).await, "ok: hello");
        assert_eq!(vendor.calls().len(), calls);
    }
    let has_mode: Vec<bool> =
        vendor.calls().iter().map(|call| call.json.get("response_format").is_some()).collect();
    assert_eq!(has_mode, [true, false, true]);
}

#[tokio::test]
async fn a_cap_is_renamed_then_left_out() {
    let vendor = Vendor::start().await;
    let provider = custom(&vendor);
    refusing(&vendor, &["max_tokens"]);
    assert_eq!(text(&*provider, &full()).await, "ok: hello");
    let calls = vendor.calls();
    assert_eq!((calls.len(), &calls[1].json["max_completion_tokens"]), (2, &json!(77)));
    let model = provider.model("m").unwrap();
    assert!(provider.takes_output_cap(&model));
    refusing(&vendor, &["max_tokens", "max_completion_tokens"]);
    assert_eq!(text(&*provider, &full()).await, "ok: hello");
    assert_eq!(vendor.calls().last().unwrap().json.get("max_completion_tokens"), None);
    assert!(!provider.takes_output_cap(&model), "the budget is to know");
}

#[tokio::test]
async fn a_system_prompt_moves_into_the_question() {
    let vendor = Vendor::start().await;
    let provider = custom(&vendor);
    vendor.answer_with(|asked: &Recorded| {
        let has_system = asked.json["messages"][0]["role"] == "system";
        has_system.then(|| Answer::json(422, &json!({"detail": "System role not supported"})))
    });
    text(&*provider, &request("m")).await;
    let sent = &vendor.calls()[1].json["messages"];
    assert_eq!(*sent, json!([{"role": "user", "content": "Be brief.\n\nhello"}]));
}

/// A field that is refused is left out whatever the status, and wherever the refusal stands.
#[tokio::test]
async fn refusals_come_with_any_status() {
    for (status, body) in [
        (500, json!({"error": {"message": "create() got an unexpected keyword argument 'stream_options'"}})),
        (
            500,
            json!({"error": {"message": "litellm.UnsupportedParamsError: m does not support parameters: ['stream_options']"}}),
        ),
        (501, json!({"error": "stream_options is not implemented"})),
        (405, json!({"detail": "stream_options is not supported"})),
        (403, json!({"error": {"message": "You may not do this", "param": "stream_options"}})),
        (400, json!({"error": {"type": "api_error", "message": "Unsupported parameter: stream_options"}})),
        (200, json!({"error": "Unsupported parameter: stream_options"})),
        (
            422,
            json!({"errors": [{"message": "must NOT have additional properties", "params": {"additionalProperty": "stream_options"}}]}),
        ),
        (
            400,
            json!({"error": "Bad Request", "message": "Unrecognized field \"stream_options\" (2 known properties: \"max_tokens\", \"stream\")"}),
        ),
    ] {
        let vendor = Vendor::start().await;
        let provider = custom(&vendor);
        let answer = body.clone();
        vendor.answer_with(move |asked: &Recorded| {
            asked.json.get("stream_options").is_some().then(|| Answer::json(status, &answer))
        });
        assert_eq!(text(&*provider, &full()).await, "ok: hello", "{status} {body}");
        let calls = vendor.calls();
        let sent = &calls[1].json;
        assert_eq!(
            (calls.len(), sent.get("stream_options"), &sent["temperature"]),
            (2, None, &json!(0.5)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn other_refusals_are_not_repeated() {
    let vendor = Vendor::start().await;
    let provider = custom(&vendor);
    for answer in [
        Answer::unsupported("messages"),
        Answer::error(400, "invalid_request_error", "bad", "The request is not supported."),
        Answer::error(403, "x", "x", "temperature is not supported"),
    ] {
        vendor.reset();
        vendor.default_answer(answer);
        let error = fold(provider.chat(&full(), &call()).await).await.error.unwrap();
        assert!(matches!(error.kind, Kind::UpstreamRejected | Kind::Auth), "{error}");
        assert_eq!(vendor.calls().len(), 1, "{error}");
    }
    // A field that stays refused without being sent ends it.
    vendor.reset();
    vendor.default_answer(Answer::unsupported("temperature"));
    let error = fold(provider.chat(&full(), &call()).await).await.error.unwrap();
    assert_eq!((error.kind, vendor.calls().len()), (Kind::UpstreamRejected, 2), "{error}");
    let body: Value = vendor.calls()[1].json.clone();
    assert_eq!(body.get("temperature"), None);
    // Nothing is remembered of what did not help.
    vendor.default_answer(Answer::text("fine"));
    text(&*provider, &full()).await;
    assert_eq!(vendor.calls().last().unwrap().json["temperature"], 0.5);
}
