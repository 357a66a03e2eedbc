//! Each format over a real socket: where it is sent, with which key, and what comes back.

use exai_core::{Kind, chat::Request};
use exai_mock_vendor::Answer;
use serde_json::{Value, json};

use super::*;

struct Format {
    vendor: VendorKind,
    model: &'static str,
    /// Behind the vendor's origin.
    base: &'static str,
    path: &'static str,
    key_header: (&'static str, &'static str),
    events: Vec<(&'static str, Value)>,
}

fn formats() -> Vec<Format> {
    vec![
        Format {
            vendor: VendorKind::OpenAi,
            model: "gpt-5.5-pro",
            base: "",
            path: "/v1/responses",
            key_header: ("authorization", "Bearer the-secret-of-this-test"),
            events: vec![
                (
                    "response.created",
                    json!({"type": "response.created", "response": {"model": "gpt-5.5-pro-1", "status": "in_progress"}}),
                ),
                ("response.output_text.delta", json!({"type": "response.output_text.delta", "delta": "yes"})),
                (
                    "response.completed",
                    json!({"type": "response.completed", "response": {"status": "completed",
                    "usage": {"input_tokens": 4, "output_tokens": 2}}}),
                ),
            ],
        },
        Format {
            vendor: VendorKind::Anthropic,
            model: "claude-opus-5-5",
            base: "/v1",
            path: "/v1/messages",
            key_header: ("x-api-key", "the-secret-of-this-test"),
            events: vec![
                (
                    "message_start",
                    json!({"type": "message_start", "message": {"model": "claude-opus-5-5", "usage": {"input_tokens": 4}}}),
                ),
                (
                    "content_block_delta",
                    json!({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "yes"}}),
                ),
                (
                    "message_delta",
                    json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}),
                ),
                ("message_stop", json!({"type": "message_stop"})),
            ],
        },
        Format {
            vendor: VendorKind::Gemini,
            model: "gemini-4-argon",
            base: "",
            path: "/v1beta/models/gemini-4-argon:streamGenerateContent?alt=sse",
            key_header: ("x-goog-api-key", "the-secret-of-this-test"),
            events: vec![(
                "",
                json!({"candidates": [{"content": {"parts": [{"text": "yes"}]}, "finishReason": "STOP"}],
                "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 2}, "modelVersion": "gemini-4-argon"}),
            )],
        },
        Format {
            vendor: VendorKind::Azure,
            model: "my-deployment",
            base: "",
            path: "/openai/v1/chat/completions",
            key_header: ("api-key", "the-secret-of-this-test"),
            events: vec![(
                "",
                json!({"model": "gpt", "choices": [{"delta": {"content": "yes"}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 4, "completion_tokens": 2}}),
            )],
        },
    ]
}

fn stream(events: &[(&str, Value)]) -> Answer {
    let event = |(name, data): &(&str, Value)| match *name {
        "" => format!("data: {data}\n\n"),
        name => format!("event: {name}\ndata: {data}\n\n"),
    };
    Answer::raw_stream(events.iter().map(event).collect::<Vec<_>>())
}

#[tokio::test]
async fn every_format_suits_its_vendor() {
    for format in formats() {
        let vendor = Vendor::start().await;
        vendor.then(stream(&format.events));
        let base = format!("{}{}", vendor.origin(), format.base);
        let provider = super::provider_with(format.vendor, &base, HttpSettings::default());
        let answer = ask(&provider, format.model).await;
        assert_eq!(
            (answer.text.as_str(), answer.finish),
            ("yes", Some(Finish::Stop)),
            "{}: {:?}",
            format.model,
            answer.error
        );
        let usage = answer.usage.unwrap();
        assert_eq!((usage.input_tokens, usage.output_tokens), (4, 2), "{}", format.model);
        let sent = &vendor.calls()[0];
        assert_eq!(sent.path, format.path);
        let (name, value) = format.key_header;
        assert_eq!(
            sent.headers.get(name).map(|value| value.to_str().unwrap()),
            Some(value),
            "{}",
            format.model
        );
        assert!(sent.body.windows(5).any(|part| part == b"hello"), "{}", format.model);
        if name != "authorization" {
            assert!(sent.headers.get("authorization").is_none(), "one key, in one place");
        }
    }
}

#[tokio::test]
async fn a_refusal_is_judged_in_every_format() {
    for format in formats() {
        for (status, body, kind) in [
            (401, json!({"error": {"message": "no such key"}}), Kind::Auth),
            (429, json!({"error": {"message": "slow down"}}), Kind::RateLimited),
            (500, json!({"error": {"message": "oops"}}), Kind::Unavailable),
        ] {
            let vendor = Vendor::start().await;
            vendor.then(Answer::json(status, &body));
            let base = format!("{}{}", vendor.origin(), format.base);
            let provider = super::provider_with(format.vendor, &base, HttpSettings::default());
            assert_eq!(
                ask(&provider, format.model).await.error.unwrap().kind,
                kind,
                "{} {status}",
                format.model
            );
        }
    }
}

#[tokio::test]
async fn openai_searches_where_it_can() {
    let vendor = Vendor::start().await;
    let found = json!({"type": "response.completed", "response": {"status": "completed"}});
    vendor
        .then(stream(&[("", json!({"type": "response.output_text.delta", "delta": "found"})), ("", found)]));
    let openai = provider(VendorKind::OpenAi, &vendor);
    let model = openai.models().iter().find(|model| openai.searches_web(model)).unwrap().clone();
    let searching = Request { web_search: true, ..request(model.id.as_str()) };
    let answer = fold(openai.chat(&searching, &call()).await).await;
    assert_eq!(answer.text, "found", "{:?}", answer.error);
    let sent = &vendor.calls()[0];
    assert_eq!(
        (sent.path.as_str(), &sent.json["tools"]),
        ("/v1/responses", &json!([{"type": "web_search"}]))
    );
}
