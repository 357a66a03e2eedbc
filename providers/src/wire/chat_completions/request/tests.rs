//! Whole requests as vendors see them.

use exai_core::{
    chat::Thinking,
    model::{Capability, ModelSpec},
};

use super::*;
use crate::{
    roster::Roster,
    settings::ModelOverride,
    vendor::{Sampling, VendorKind},
};

fn ask() -> Request {
    Request {
        model: "set below".into(),
        system: "Be brief. Answer in JSON.".into(),
        messages: vec![Message::user("Hi")],
        temperature: Some(0.0),
        thinking: Some(Thinking::Minimal),
        max_output_tokens: Some(500),
        json: true,
        web_search: false,
        tools: exai_core::function_calling::Tooling::default(),
    }
}

fn dialect(vendor: VendorKind, model: &str, overrides: Vec<ModelOverride>) -> Dialect {
    let roster = Roster::new(vendor.name().into(), vendor, overrides);
    let model: ModelSpec = roster.model(model).unwrap();
    Dialect { sampling: roster.sampling(&model), model }
}

fn sent_as(vendor: VendorKind, dialect: &Dialect, request: &Request) -> Value {
    let origin = Origin {
        provider: vendor.name().into(),
        vendor: vendor.facts(),
        key: None,
        key_origin: String::new(),
        secrets: crate::secrets::Secrets::default(),
    };
    serde_json::from_slice(&body(&origin, dialect, request).unwrap()).unwrap()
}

fn sent(vendor: VendorKind, model: &str, request: &Request) -> Value {
    sent_as(vendor, &dialect(vendor, model, Vec::new()), request)
}

/// The request without what is the same everywhere, which is checked on the way.
fn params(vendor: VendorKind, model: &str, request: &Request) -> Value {
    without_frame(vendor, sent(vendor, model, request), model)
}

fn without_frame(vendor: VendorKind, mut value: Value, model: &str) -> Value {
    let fields = value.as_object_mut().unwrap();
    assert_eq!(fields.remove("model"), Some(json!(model)));
    assert_eq!(
        fields.remove("messages"),
        Some(
            json!([{"role": "system", "content": "Be brief. Answer in JSON."}, {"role": "user", "content": "Hi"}])
        )
    );
    assert_eq!(fields.remove("stream"), Some(json!(true)));
    let asks = (vendor != VendorKind::Mistral).then(|| json!({"include_usage": true}));
    assert_eq!(fields.remove("stream_options"), asks);
    let names_cache = matches!(vendor, VendorKind::OpenAi | VendorKind::Kimi);
    assert_eq!(fields.remove("prompt_cache_key").is_some(), names_cache);
    value
}

#[test]
fn openai() {
    let json_object = json!({"type": "json_object"});
    assert_eq!(
        params(VendorKind::OpenAi, "gpt-6.1-sol", &ask()),
        json!({"max_completion_tokens": 500, "reasoning_effort": "low", "response_format": json_object})
    );
    let max = Request { thinking: Some(Thinking::Max), json: false, ..ask() };
    assert_eq!(
        params(VendorKind::OpenAi, "gpt-6.1-sol", &max),
        json!({"max_completion_tokens": 500, "reasoning_effort": "xhigh"})
    );
    assert_eq!(
        params(VendorKind::OpenAi, "gpt-6-luna", &max),
        json!({"max_completion_tokens": 500, "reasoning_effort": "high"})
    );
    // A model that does not think takes a temperature and no effort.
    assert_eq!(
        params(VendorKind::OpenAi, "gpt-4.1", &Request { temperature: Some(0.7), ..max }),
        json!({"temperature": 0.7, "max_completion_tokens": 500})
    );
}

#[test]
fn glm() {
    let json_object = json!({"type": "json_object"});
    assert_eq!(
        params(VendorKind::Glm, "glm-5.3", &Request { temperature: Some(1.7), ..ask() }),
        json!({"temperature": 1.0, "max_tokens": 500, "reasoning_effort": "low", "response_format": json_object})
    );
    assert_eq!(
        params(VendorKind::Glm, "glm-4.6", &ask()),
        json!({"temperature": 0.0, "max_tokens": 500, "thinking": {"type": "disabled"},
            "response_format": json_object})
    );
    let high = Request { thinking: Some(Thinking::High), ..ask() };
    assert_eq!(params(VendorKind::Glm, "glm-4.6", &high)["thinking"], json!({"type": "enabled"}));
    // Always thinks and takes no effort; does not think at all.
    for model in ["glm-5.3-flashx", "glm-4-32b-0414-128k"] {
        let fields = params(VendorKind::Glm, model, &high);
        assert!(fields.get("thinking").is_none() && fields.get("reasoning_effort").is_none(), "{model}");
    }
}

#[test]
fn qwen_deepseek_and_mistral() {
    let json_object = json!({"type": "json_object"});
    let high = Request { thinking: Some(Thinking::High), temperature: None, ..ask() };
    assert_eq!(
        params(VendorKind::Qwen, "qwen3.8-max", &high),
        json!({"max_tokens": 500, "reasoning_effort": "xhigh", "response_format": json_object})
    );
    assert_eq!(params(VendorKind::Qwen, "qwen3.7-max", &high)["enable_thinking"], json!(true));
    assert_eq!(params(VendorKind::Qwen, "qwen3.7-max", &ask())["enable_thinking"], json!(false));
    assert_eq!(params(VendorKind::DeepSeek, "deepseek-v4-pro", &high)["reasoning_effort"], json!("high"));
    assert_eq!(params(VendorKind::Mistral, "mistral-large-4", &high)["reasoning_effort"], json!("high"));
}

#[test]
fn kimi() {
    let json_object = json!({"type": "json_object"});
    assert_eq!(
        params(VendorKind::Kimi, "kimi-k3.1-pro", &Request { thinking: Some(Thinking::Medium), ..ask() }),
        json!({"max_completion_tokens": 500, "reasoning_effort": "high", "response_format": json_object})
    );
    assert_eq!(
        params(VendorKind::Kimi, "kimi-k2.6", &ask()),
        json!({"max_completion_tokens": 500, "thinking": {"type": "disabled"}, "response_format": json_object})
    );
    // Cannot be told not to think, so nothing is said.
    assert_eq!(
        params(VendorKind::Kimi, "kimi-k2.7-code", &ask()),
        json!({"max_completion_tokens": 500, "response_format": json_object})
    );
    assert_eq!(params(VendorKind::Kimi, "moonshot-v1-8k", &ask())["temperature"], json!(0.0));
}

#[test]
fn minimax() {
    assert_eq!(
        params(VendorKind::MiniMax, "MiniMax-M3", &ask()),
        json!({"temperature": 0.01, "max_completion_tokens": 500, "thinking": {"type": "disabled"},
            "reasoning_split": true})
    );
    let low = Request { thinking: Some(Thinking::Low), temperature: None, ..ask() };
    assert_eq!(
        params(VendorKind::MiniMax, "MiniMax-M3", &low),
        json!({"max_completion_tokens": 500, "thinking": {"type": "adaptive"}, "reasoning_split": true})
    );
    assert_eq!(
        params(VendorKind::MiniMax, "MiniMax-M2.7", &low),
        json!({"max_completion_tokens": 500, "reasoning_split": true})
    );
}

#[test]
fn custom() {
    assert_eq!(
        params(VendorKind::Custom, "my-model", &ask()),
        json!({"temperature": 0.0, "max_tokens": 500})
    );
    // What is known of the model counts at a gateway too.
    assert_eq!(
        params(VendorKind::Custom, "openai/gpt-6-luna", &ask()),
        json!({"max_tokens": 500, "reasoning_effort": "low"})
    );
    let capabilities = [Capability::JsonObject, Capability::Effort, Capability::Thinking].into();
    let told = ModelOverride { capabilities: Some(capabilities), ..ModelOverride::named("mine") };
    let dialect = dialect(VendorKind::Custom, "mine", vec![told]);
    assert_eq!(
        without_frame(VendorKind::Custom, sent_as(VendorKind::Custom, &dialect, &ask()), "mine"),
        json!({"temperature": 0.0, "max_tokens": 500, "reasoning_effort": "low",
            "response_format": {"type": "json_object"}})
    );
}

#[test]
fn only_what_was_set_is_sent() {
    let bare = Request { temperature: None, thinking: None, max_output_tokens: None, json: false, ..ask() };
    for (vendor, model) in [
        (VendorKind::OpenAi, "gpt-4o"),
        (VendorKind::OpenAi, "gpt-6-luna"),
        (VendorKind::Glm, "glm-5.3"),
        (VendorKind::Glm, "glm-4.5"),
        (VendorKind::Kimi, "kimi-k3"),
        (VendorKind::Custom, "x"),
    ] {
        assert_eq!(params(vendor, model, &bare), json!({}), "{model}");
    }
    assert_eq!(params(VendorKind::MiniMax, "MiniMax-M3", &bare), json!({"reasoning_split": true}));
}

#[test]
fn own_fields_return_to_their_vendor_only() {
    let opaque = |provider: &str, json: Value| Part::Opaque { provider: provider.into(), json };
    let answer = Message {
        role: Role::Assistant,
        parts: vec![
            opaque("kimi", json!({"reasoning_content": "hm", "content": "no", "role": "no"})),
            Part::text("one"),
            opaque("glm", json!({"secret": 1})),
            Part::text("two \"quoted\"\n"),
        ],
    };
    let image = Message {
        role: Role::User,
        parts: vec![Part::text("look"), Part::Image { data_url: "data:image/png;base64,AA".into() }],
    };
    let empty =
        Message { role: Role::Assistant, parts: vec![opaque("kimi", json!({"x": 1})), Part::text("")] };
    let request =
        Request { system: "".into(), messages: vec![Message::user("a"), answer, empty, image], ..ask() };
    assert_eq!(
        sent(VendorKind::Kimi, "kimi-k3", &request)["messages"],
        json!([
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "one\n\ntwo \"quoted\"\n", "reasoning_content": "hm"},
            {"role": "user", "content": [{"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]},
        ])
    );
    assert_eq!(
        sent(VendorKind::OpenAi, "gpt-4o", &request)["messages"][1],
        json!({"role": "assistant", "content": "one\n\ntwo \"quoted\"\n"})
    );
}

#[test]
fn an_alias_becomes_the_models_name() {
    let request = Request { model: "m2".into(), ..ask() };
    assert_eq!(sent(VendorKind::MiniMax, "m2", &request)["model"], "MiniMax-M2");
}

#[test]
fn two_megabytes_are_written_without_growth() {
    let text = "fn main() { println!(\"hello\"); }\n".repeat(64 * 1024);
    assert!(text.len() > 2_000_000);
    let request = Request { messages: vec![Message::user(text)], ..ask() };
    let dialect = dialect(VendorKind::OpenAi, "gpt-6-luna", Vec::new());
    let origin = Origin {
        provider: "openai".into(),
        vendor: VendorKind::OpenAi.facts(),
        key: None,
        key_origin: String::new(),
        secrets: crate::secrets::Secrets::default(),
    };
    assert_eq!(dialect.sampling, Sampling::NotWhenThinking);
    let bytes = body(&origin, &dialect, &request).unwrap();
    assert_eq!(bytes.capacity(), expected_bytes(&request), "the buffer grew");
}
