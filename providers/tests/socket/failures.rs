//! Failures as vendors document them, and requests that are not worth making.

use std::time::Duration;

use exai_core::{Clock as _, Kind, chat::Finish, model::ModelOrigin, provider::Provider};
use exai_mock_vendor::{Answer, Untrusted, Vendor};
use exai_providers::{BuildError, EndpointSettings, HttpSettings, VendorKind, build};
use serde_json::json;

use super::{KEY, ask, call, crypto, custom, provider, request};

#[tokio::test]
async fn each_failure_is_asked_once() {
    use VendorKind::{Glm, MiniMax, OpenAi};
    let vendor = Vendor::start().await;
    let overloaded = json!({"type": "overloaded_error", "message": "m"});
    for (kind, model, answer, expected, wait) in [
        (OpenAi, "gpt-4o", Answer::invalid_key(), Kind::Auth, None),
        (OpenAi, "gpt-4o", Answer::rate_limited("2"), Kind::RateLimited, Some(2)),
        (OpenAi, "gpt-4o", Answer::quota_exhausted(), Kind::Quota, None),
        (OpenAi, "gpt-4o", Answer::context_too_long(), Kind::ContextTooLong, None),
        (OpenAi, "gpt-4o", Answer::model_not_found("gpt-4o"), Kind::ModelNotFound, None),
        (OpenAi, "gpt-4o", Answer::server_error(), Kind::Unavailable, None),
        (OpenAi, "gpt-4o", Answer::overloaded(), Kind::Unavailable, None),
        (OpenAi, "gpt-4o", Answer::proxy_page(), Kind::Unavailable, None),
        (OpenAi, "gpt-4o", Answer::hang_up(), Kind::Unavailable, None),
        (OpenAi, "gpt-4o", Answer::whole(200, "text/html", "<html>"), Kind::Protocol, None),
        (OpenAi, "gpt-4o", Answer::whole(200, "text/plain", ""), Kind::Protocol, None),
        (OpenAi, "gpt-4o", Answer::json(307, &json!({})), Kind::UpstreamRejected, None),
        (OpenAi, "gpt-4o", Answer::text("").error_in_stream(overloaded), Kind::Unavailable, None),
        (Glm, "glm-5.3", Answer::glm_error(429, "1113", "m"), Kind::Quota, None),
        (
            Glm,
            "glm-5.3",
            Answer::glm_error(429, "1302", "m").header("retry-after-ms", "3000"),
            Kind::RateLimited,
            Some(3),
        ),
        (MiniMax, "MiniMax-M3", Answer::minimax_error(1008, "m"), Kind::Quota, None),
        (MiniMax, "MiniMax-M3", Answer::minimax_error(2049, "m"), Kind::Auth, None),
    ] {
        vendor.reset();
        let provider = provider(kind, &vendor);
        vendor.then(answer.clone());
        // Before the first delta a failure is the call's own.
        let error = provider.chat(&request(model), &call()).await.err().unwrap();
        assert_eq!(
            (error.kind, error.retry_after),
            (expected, wait.map(Duration::from_secs)),
            "{answer:?}: {error}"
        );
        assert_eq!(vendor.calls().len(), 1, "{answer:?}");
        assert!(error.message.len() <= 500 && !error.message.contains(KEY), "{error}");
    }
}

/// A vendor that asks to wait until a time of day, and does not say what time it has.
#[tokio::test]
async fn a_date_without_a_clock_is_understood() {
    let vendor = Vendor::start().await;
    let until = exai_core::SystemClock.now().plus_millis(3_600_000);
    let date = chrono::DateTime::from_timestamp_millis(until.0).unwrap().to_rfc2822();
    vendor.then(Answer::rate_limited(&date).header("date", ""));
    let error = ask(&custom(&vendor), "m").await.error.unwrap();
    let wait = error.retry_after.unwrap().as_secs();
    assert!((3_580..=3_600).contains(&wait), "{wait}");
}

#[tokio::test]
async fn broken_connections_keep_what_had_arrived() {
    let vendor = Vendor::start().await;
    let provider = custom(&vendor);
    vendor.then(Answer::pieces(["one ", "two ", "three"]).cut_after_pieces(2));
    let answer = ask(&provider, "m").await;
    assert_eq!((answer.text.as_str(), answer.finish), ("one two ", Some(Finish::cut())));

    vendor.then(Answer::text("x").cut_after_pieces(0));
    assert_eq!(ask(&provider, "m").await.error.unwrap().kind, Kind::Protocol);

    let error = json!({"type": "server_error", "message": "m"});
    vendor.then(Answer::pieces(["one ", "two "]).error_in_stream(error));
    let answer = ask(&provider, "m").await;
    assert_eq!((answer.text.as_str(), answer.error.unwrap().kind), ("one two ", Kind::Unavailable));
}

#[tokio::test]
async fn missing_connections_have_their_sentences() {
    crypto();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}/v1", gone.local_addr().unwrap());
    drop(gone);
    let untrusted = Untrusted::start().await.unwrap();
    let issuer = Untrusted::start_as_issuer().await.unwrap();
    let vendor = Vendor::start().await;
    vendor.then(Answer::proxy_wants_password());
    let insecure = || HttpSettings { allow_insecure: true, system_proxy: false, ..HttpSettings::default() };
    for (address, words) in [
        (closed.as_str(), "nothing listens at 127.0.0.1:"),
        ("http://no-such-host.invalid/v1", "the name no-such-host.invalid is not known"),
        (&vendor.url().replace("http:", "https:"), "does not speak TLS"),
        (untrusted.url(), "does not trust who issued the TLS certificate of 127.0.0.1"),
        (issuer.url(), "is that of an issuer (CA:TRUE)"),
        (&vendor.url(), "the proxy between here and the vendor wants a user"),
    ] {
        let provider = super::provider_with(VendorKind::Custom, address, insecure());
        let error = ask(&provider, "m").await.error.unwrap();
        assert_eq!(error.kind, Kind::Unreachable, "{address}: {error}");
        assert!(error.message.contains(words), "{address}: {error}: {:?}", error.source);
    }
}

#[tokio::test]
async fn hopeless_requests_are_not_made() {
    let vendor = Vendor::start().await;
    let openai = provider(VendorKind::OpenAi, &vendor);
    // Its own list says what it has.
    openai.live_models(&call()).await.unwrap();
    let error = ask(&openai, "gpt-99").await.error.unwrap();
    assert_eq!(error.kind, Kind::ModelNotFound);
    assert!(error.message.contains("`gpt-99` is not known here"), "{error}");
    assert_eq!(vendor.stats().calls, 0);

    // The vendor's own address without a key: told without a connection.
    let settings = EndpointSettings {
        key_origin: "OPENAI_API_KEY".to_owned(),
        ..EndpointSettings::new("openai".into(), VendorKind::OpenAi)
    };
    let provider = build(vec![settings], HttpSettings::default()).unwrap().pop().unwrap();
    assert!(provider.is_vendor_endpoint());
    let error = ask(&provider, "gpt-6-luna").await.error.unwrap();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (Kind::Auth, "no key is configured; set OPENAI_API_KEY")
    );
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let home = || EndpointSettings::new("home".into(), VendorKind::Custom);
    let refused = |settings: Vec<EndpointSettings>| build(settings, HttpSettings::default()).err().unwrap();
    let missing = refused(vec![home()]);
    assert!(matches!(missing, BuildError::BaseUrl { .. }) && missing.kind() == Kind::InvalidInput);
    let at = |url: &str| EndpointSettings { base_url: Some(url.to_owned()), ..home() };
    assert_eq!(
        refused(vec![at("http://localhost:1"), at("http://localhost:2")]),
        BuildError::DuplicateId { id: "home".into() }
    );
    let broken = EndpointSettings { key: Some("a\nb".to_owned().into()), ..at("http://localhost:1") };
    let error = refused(vec![broken]);
    assert!(matches!(error, BuildError::Key { .. }) && !error.to_string().contains("a\nb"));
    assert!(refused(vec![at("http://example.com")]).to_string().contains("is not encrypted"));
}

#[test]
fn unknown_models_pass_until_lists_are_read() {
    let named = |name: &str, kind| EndpointSettings {
        base_url: Some("http://localhost:1".to_owned()),
        ..EndpointSettings::new(name.into(), kind)
    };
    let both =
        build(vec![named("a", VendorKind::Custom), named("b", VendorKind::Glm)], HttpSettings::default());
    let [custom, glm]: [std::sync::Arc<dyn Provider>; 2] = both.unwrap().try_into().ok().unwrap();
    assert_eq!((custom.id().as_str(), custom.accepts_unknown_models()), ("a", true));
    assert_eq!((glm.id().as_str(), glm.accepts_unknown_models()), ("b", false));
    let origin = |provider: &dyn Provider| provider.model("x").map(|model| model.origin);
    assert_eq!(origin(&*custom), Some(ModelOrigin::PassedThrough));
    assert_eq!((origin(&*glm), glm.list_age()), (Some(ModelOrigin::PassedThrough), None));
    assert!(custom.models().is_empty() && glm.models().len() > 20);
    assert_eq!(glm.model("GLM-5.3").unwrap().qualified(), "b/glm-5.3");
}
