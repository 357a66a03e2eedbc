//! The list of models that an endpoint serves.

use std::time::Duration;

use exai_core::{Kind, ModelId};
use exai_mock_vendor::{Answer, Vendor};
use exai_providers::{HttpSettings, VendorKind};
use serde_json::json;

use super::{call, call_within, custom, provider_with, soon};

#[tokio::test]
async fn the_endpoints_own_list_is_read() {
    let vendor = Vendor::start().await;
    vendor.models(&["a", "b"]);
    let models = custom(&vendor).live_models(&call()).await.unwrap();
    assert_eq!(models, [ModelId::from("a"), ModelId::from("b")]);
    let sent = vendor.requests().pop().unwrap();
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("GET", "/v1/models"));
    assert!(sent.header("authorization").is_some());
}

#[tokio::test]
async fn a_mark_before_the_list_is_skipped() {
    let vendor = Vendor::start().await;
    vendor.models_answer(Answer::whole(200, "application/json", "\u{feff}{\"data\":[{\"id\":\"a\"}]}"));
    assert_eq!(custom(&vendor).live_models(&call()).await.unwrap(), [ModelId::from("a")]);
}

#[tokio::test]
async fn only_passing_failures_are_retried() {
    let vendor = Vendor::start().await;
    let pause = Duration::from_millis(1);
    let eager = HttpSettings { list_retry_pause: (pause, pause), ..HttpSettings::default() };
    let provider = provider_with(VendorKind::Custom, &vendor.url(), eager);
    for (answer, kind, requests) in [
        (Answer::server_error(), Kind::Unavailable, 3),
        (Answer::proxy_page(), Kind::Unavailable, 3),
        (Answer::invalid_key(), Kind::Auth, 1),
        (Answer::quota_exhausted(), Kind::Quota, 1),
        (Answer::rate_limited("1"), Kind::RateLimited, 1),
        (Answer::whole(200, "text/html", "<html>"), Kind::Protocol, 1),
        (Answer::json(200, &json!({"object": "list"})), Kind::Protocol, 1),
        (Answer::json(200, &json!({"error": {"code": "invalid_api_key"}})), Kind::Auth, 1),
    ] {
        vendor.reset();
        vendor.models_answer(answer.clone());
        let error = provider.live_models(&call()).await.unwrap_err();
        assert_eq!((error.kind, vendor.requests().len()), (kind, requests), "{answer:?}: {error}");
    }
}

#[tokio::test]
async fn missing_lists_end_with_the_call() {
    let vendor = Vendor::start().await;
    vendor.models_answer(Answer::never());
    let provider = custom(&vendor);
    let error = soon(provider.live_models(&call_within(Duration::from_millis(50)))).await.unwrap_err();
    assert_eq!(error.kind, Kind::Timeout);
    let cancelled = call();
    cancelled.cancel.cancel();
    assert_eq!(soon(provider.live_models(&cancelled)).await.unwrap_err().kind, Kind::Cancelled);
    drop(vendor);
    assert_eq!(provider.live_models(&call()).await.unwrap_err().kind, Kind::Unreachable);
}
