//! What goes out besides the body.

use exai_core::chat::Message;
use exai_mock_vendor::Vendor;
use exai_providers::{EndpointSettings, HttpSettings, VendorKind, build};

use super::{ask, call, crypto, custom, fold, request};

#[tokio::test]
async fn calls_carry_key_name_and_request_id() {
    let vendor = Vendor::start().await;
    ask(&custom(&vendor), "m").await;
    let sent = vendor.requests().pop().unwrap();
    assert_eq!(sent.header("authorization"), Some(format!("Bearer {}", super::KEY).as_str()));
    assert_eq!(sent.header("x-request-id"), Some("req-7"));
    assert_eq!(sent.header("content-type"), Some("application/json"));
    assert!(sent.header("user-agent").unwrap().starts_with("exai-mcp/"));
    assert!(sent.header("accept-encoding").unwrap().contains("gzip"));
}

#[tokio::test]
async fn without_a_key_no_authorization_is_sent() {
    crypto();
    let vendor = Vendor::start().await;
    let settings = EndpointSettings {
        base_url: Some(vendor.url()),
        key: Some(" ".to_owned().into()),
        ..EndpointSettings::new("home".into(), VendorKind::Custom)
    };
    let provider = build(vec![settings], HttpSettings::default()).unwrap().pop().unwrap();
    assert!(ask(&provider, "m").await.error.is_none());
    assert_eq!(vendor.requests().pop().unwrap().header("authorization"), None);
}

#[tokio::test]
async fn a_large_prompt_arrives_whole() {
    let vendor = Vendor::start().await;
    let text = "line of \"code\" with ünïcode\n".repeat(80_000);
    let mut asked = request("m");
    asked.messages = vec![Message::user(text.as_str())];
    let answer = fold(custom(&vendor).chat(&asked, &call()).await).await;
    assert!(answer.error.is_none(), "{:?}", answer.error);
    assert_eq!(vendor.requests().pop().unwrap().json["messages"][1]["content"], text);
}
