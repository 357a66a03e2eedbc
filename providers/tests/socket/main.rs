//! The providers against a vendor on a real socket.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a step that fails is a test that fails")]

mod answers;
mod bounds;
mod failures;
mod formats;
mod headers;
mod model_list;
mod optional;

use std::{
    sync::{Arc, Once},
    time::Duration,
};

use exai_core::{
    chat::{Delta, Finish, Message, Request, Usage},
    provider::{CallCtx, Provider, ProviderError, ReplyStream},
    secret::SecretString,
};
use exai_mock_vendor::Vendor;
use exai_providers::{EndpointSettings, HttpSettings, VendorKind, build};
use futures::StreamExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Longest time that a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(20);

const KEY: &str = "the-secret-of-this-test";

fn crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap();
    });
}

fn provider_with(kind: VendorKind, base_url: &str, http: HttpSettings) -> Arc<dyn Provider> {
    crypto();
    let settings = EndpointSettings {
        base_url: Some(base_url.to_owned()),
        key: Some(SecretString::from(KEY)),
        key_origin: "TEST_KEY".to_owned(),
        ..EndpointSettings::new(kind.name().into(), kind)
    };
    build(vec![settings], http).unwrap().pop().unwrap()
}

fn provider(kind: VendorKind, vendor: &Vendor) -> Arc<dyn Provider> {
    provider_with(kind, &vendor.url(), HttpSettings::default())
}

fn custom(vendor: &Vendor) -> Arc<dyn Provider> {
    provider(VendorKind::Custom, vendor)
}

fn request(model: &str) -> Request {
    Request {
        model: model.into(),
        system: "Be brief.".into(),
        messages: vec![Message::user("hello")],
        temperature: None,
        thinking: None,
        max_output_tokens: None,
        json: false,
        web_search: false,
        tools: exai_core::function_calling::Tooling::default(),
    }
}

fn call_within(time: Duration) -> CallCtx {
    CallCtx { request_id: "req-7".into(), deadline: Instant::now() + time, cancel: CancellationToken::new() }
}

fn call() -> CallCtx {
    call_within(PATIENCE)
}

/// An answer folded together.
#[derive(Debug, Default)]
struct Folded {
    text: String,
    thought: String,
    opaque: Vec<serde_json::Value>,
    calls: Vec<exai_core::function_calling::ToolCall>,
    model: String,
    usage: Option<Usage>,
    finish: Option<Finish>,
    error: Option<ProviderError>,
}

async fn fold(reply: Result<ReplyStream, ProviderError>) -> Folded {
    let mut folded = Folded::default();
    let mut stream = match reply {
        Ok(stream) => stream,
        Err(error) => return Folded { error: Some(error), ..folded },
    };
    while let Some(item) = stream.next().await {
        match item {
            Ok(Delta::Text(text)) => folded.text.push_str(&text),
            Ok(Delta::Reasoning(thought)) => folded.thought.push_str(&thought),
            Ok(Delta::WasReasoning(bytes)) => {
                let text = folded.text.split_off(folded.text.len() - bytes);
                folded.thought.push_str(&text);
            }
            Ok(Delta::Opaque(json)) => folded.opaque.push(json),
            Ok(Delta::ToolCall(call)) => folded.calls.push(call),
            Ok(Delta::Model(model)) => folded.model = model,
            Ok(Delta::Usage(usage)) => folded.usage = Some(usage),
            Ok(Delta::Finished(reason)) => folded.finish = Some(reason),
            Err(error) => folded.error = Some(error),
        }
    }
    folded
}

async fn ask(provider: &Arc<dyn Provider>, model: &str) -> Folded {
    fold(provider.chat(&request(model), &call()).await).await
}

async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("this should have happened by now")
}
