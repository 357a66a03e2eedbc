//! Every vendor's failures, as tables.

use exai_core::secret::SecretString;
use serde_json::json;

use super::*;
use crate::vendor::VendorKind;

fn origin(vendor: VendorKind) -> Origin {
    Origin {
        provider: vendor.name().into(),
        vendor: vendor.facts(),
        key: Some(SecretString::from("s3cr3t-value")),
        key_origin: "THE_KEY".to_owned(),
        secrets: crate::secrets::Secrets::of(["s3cr3t-value"]),
    }
}

fn judge(vendor: VendorKind, status: u16, headers: &[(&str, &str)], body: &str) -> ProviderError {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.parse::<reqwest::header::HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
    classify(&origin(vendor), &Failure::reply(status, &headers, body.as_bytes(), Some("the-model")))
}

fn check(vendor: VendorKind, rows: &[(u16, serde_json::Value, Kind)]) {
    for (status, body, kind) in rows {
        let error = judge(vendor, *status, &[], &body.to_string());
        assert_eq!(error.kind, *kind, "{} {status} {body}", vendor.name());
        assert_eq!(error.status, Some(*status));
    }
}

fn coded(kind: &str, code: &str) -> serde_json::Value {
    json!({"error": {"message": "m", "type": kind, "param": null, "code": code}})
}

fn typed(kind: &str, message: &str) -> serde_json::Value {
    json!({"error": {"message": message, "type": kind}})
}

#[test]
fn openai() {
    let invalid = "invalid_request_error";
    check(
        VendorKind::OpenAi,
        &[
            (400, coded(invalid, "context_length_exceeded"), Kind::ContextTooLong),
            (400, coded(invalid, "content_policy_violation"), Kind::ContentFiltered),
            (400, coded(invalid, "invalid_prompt"), Kind::ContentFiltered),
            (400, coded(invalid, "unsupported_value"), Kind::UpstreamRejected),
            (400, coded(invalid, "decimal_above_max_value"), Kind::UpstreamRejected),
            (400, typed(invalid, "string_above_max_length: context length 5"), Kind::UpstreamRejected),
            (401, coded(invalid, "invalid_api_key"), Kind::Auth),
            (403, typed("", "Country, region, or territory not supported"), Kind::Auth),
            (404, coded(invalid, "model_not_found"), Kind::ModelNotFound),
            (404, typed(invalid, "Invalid URL (POST /v2/chat)"), Kind::UpstreamRejected),
            (429, coded("requests", "rate_limit_exceeded"), Kind::RateLimited),
            (429, coded("tokens", "rate_limit_exceeded"), Kind::RateLimited),
            (429, coded("rate_limit_error", "slow_down"), Kind::RateLimited),
            (429, coded("insufficient_quota", "credit_balance_exhausted"), Kind::Quota),
            (429, coded("insufficient_quota", "project_spend_limit_exceeded"), Kind::Quota),
            (429, coded("insufficient_quota", "organization_usage_limit_exceeded"), Kind::Quota),
            (429, coded("insufficient_quota", "insufficient_quota"), Kind::Quota),
            (429, json!({"error": {"type": "insufficient_quota", "code": null}}), Kind::Quota),
            (429, json!({}), Kind::RateLimited),
            (500, coded("server_error", "server_error"), Kind::Unavailable),
            (503, coded("service_unavailable_error", "server_is_overloaded"), Kind::Unavailable),
        ],
    );
}

#[test]
fn glm() {
    let glm = |code: &str| json!({"error": {"code": code, "message": "m"}});
    let mut rows = vec![(400, json!({"error": {"code": 1261, "message": "m"}}), Kind::ContextTooLong)];
    for (codes, status, kind) in [
        (&[1000, 1001, 1002, 1003, 1004, 1005, 1110, 1111, 1112, 1121, 1220][..], 401, Kind::Auth),
        (&[1113, 1304, 1308, 1309, 1310, 1311, 1313, 1314, 1321], 429, Kind::Quota),
        (&[1120, 1200, 1230, 1234], 500, Kind::Unavailable),
        (&[1210, 1213, 1214, 1215, 1231, 1400, 1499], 400, Kind::UpstreamRejected),
        (&[1211, 1212, 1221, 1222], 400, Kind::ModelNotFound),
        (&[1261], 400, Kind::ContextTooLong),
        (&[1300, 1301], 400, Kind::ContentFiltered),
        (&[1302, 1303, 1305, 1312], 429, Kind::RateLimited),
    ] {
        rows.extend(codes.iter().map(|code| (status, glm(&code.to_string()), kind)));
    }
    rows.push((434, json!({}), Kind::Auth));
    rows.push((435, json!({}), Kind::UpstreamRejected));
    rows.push((503, json!({}), Kind::Unavailable));
    check(VendorKind::Glm, &rows);
}

#[test]
fn kimi() {
    let invalid = "invalid_request_error";
    check(
        VendorKind::Kimi,
        &[
            (400, typed("content_filter", "The request was considered high risk"), Kind::ContentFiltered),
            (400, typed(invalid, "Input token length too long"), Kind::ContextTooLong),
            (
                400,
                typed(invalid, "Your request exceeded model token limit : 262144 (requested: 300000)"),
                Kind::ContextTooLong,
            ),
            (
                400,
                typed(invalid, "invalid temperature: only 1 is allowed for this model"),
                Kind::UpstreamRejected,
            ),
            (401, typed("invalid_authentication_error", "Invalid Authentication"), Kind::Auth),
            (401, typed("incorrect_api_key_error", "Incorrect API key provided"), Kind::Auth),
            (402, typed("", "membership could not be verified"), Kind::Quota),
            (403, typed("permission_denied_error", "Permission denied"), Kind::Auth),
            (403, typed("", "Your account has insufficient balance"), Kind::Quota),
            (
                404,
                typed("resource_not_found_error", "Not found the model kimi-x or Permission denied"),
                Kind::ModelNotFound,
            ),
            (429, typed("engine_overloaded_error", "The engine is currently overloaded"), Kind::Unavailable),
            (429, typed("rate_limit_reached_error", "try again after 2 seconds"), Kind::RateLimited),
            (429, typed("exceeded_current_quota_error", "suspended, please check your plan"), Kind::Quota),
            (500, typed("server_error", "m"), Kind::Unavailable),
            (500, typed("unexpected_output", "m"), Kind::Unavailable),
        ],
    );
    let body = typed("rate_limit_reached_error", "max RPM: 3, please try again after 2 seconds").to_string();
    let error = judge(VendorKind::Kimi, 429, &[], &body);
    assert_eq!(error.retry_after, Some(std::time::Duration::from_secs(2)));
}

#[test]
fn minimax() {
    for (codes, kind) in [
        (&[1000, 1001, 1013, 1024, 1033][..], Kind::Unavailable),
        (&[1002, 1039, 1041, 2045], Kind::RateLimited),
        (&[1004, 2049], Kind::Auth),
        (&[1008, 2056], Kind::Quota),
        (&[1026, 1027], Kind::ContentFiltered),
        (&[1042, 2013], Kind::UpstreamRejected),
    ] {
        for code in codes {
            let answer = json!({"choices": null, "base_resp": {"status_code": code, "status_msg": "m"}});
            let body = hidden_error(None, &answer).unwrap();
            let error = classify(&origin(VendorKind::MiniMax), &Failure::inside(body, None));
            assert_eq!((error.kind, error.status), (kind, None), "{code}");
        }
    }
    let too_long = json!({"base_resp": {"status_code": 2013, "status_msg": "context window exceeds limit"}});
    let error = classify(
        &origin(VendorKind::MiniMax),
        &Failure::inside(hidden_error(None, &too_long).unwrap(), None),
    );
    assert_eq!(error.kind, Kind::ContextTooLong);
    for fine in [json!({"status_code": 0, "status_msg": ""}), json!(null), json!({})] {
        assert_eq!(hidden_error(None, &json!({"base_resp": fine, "error": ""})), None);
    }
}

#[test]
fn servers_at_home_and_gateways() {
    check(
        VendorKind::Custom,
        &[
            (
                400,
                json!({"error": {"type": "exceed_context_size_error", "message": "m"}}),
                Kind::ContextTooLong,
            ),
            (
                400,
                json!({"object": "error", "message": "maximum context length is 5", "code": 400}),
                Kind::ContextTooLong,
            ),
            (400, json!({"error": "json_object is not supported"}), Kind::UpstreamRejected),
            (422, json!({"detail": [{"loc": ["body"], "msg": "field required"}]}), Kind::UpstreamRejected),
            (402, json!({"error": {"code": 402, "message": "m"}}), Kind::Quota),
            (
                402,
                json!({"error": {"code": 402, "message": "m",
                    "metadata": {"limit_source": "openrouter_in_flight_budget"}}}),
                Kind::RateLimited,
            ),
            (400, json!([{"error": {"code": 400, "message": "API key not valid."}}]), Kind::Auth),
            (
                400,
                json!({"error": {"code": "content_filter",
                    "innererror": {"code": "ResponsibleAIPolicyViolation"}}}),
                Kind::ContentFiltered,
            ),
            (400, json!({"code": "Arrearage", "message": "m"}), Kind::Quota),
            (413, json!({}), Kind::ContextTooLong),
            (529, json!({}), Kind::Unavailable),
            (408, json!({}), Kind::Unavailable),
            (307, json!({}), Kind::UpstreamRejected),
        ],
    );
}

#[test]
fn a_page_of_a_proxy_is_named() {
    let error = judge(VendorKind::Custom, 502, &[], "<html><body>Bad gateway s3cr3t</body></html>");
    assert_eq!(error.kind, Kind::Unavailable);
    assert!(error.message.contains("web page") && !error.message.contains("html"), "{}", error.message);
}

#[test]
fn the_vendors_own_word_on_retrying_counts() {
    let kind = |status, word| judge(VendorKind::OpenAi, status, &[("x-should-retry", word)], "{}").kind;
    assert_eq!(kind(500, "false"), Kind::UpstreamRejected);
    assert_eq!(kind(400, "true"), Kind::Unavailable);
    assert_eq!(kind(401, "true"), Kind::Auth);
    assert_eq!(kind(429, "false"), Kind::RateLimited);
}

#[test]
fn messages_say_what_to_do_without_keys() {
    let body =
        r#"{"error":{"message":"Incorrect API key provided: s3cr3t-value.","code":"invalid_api_key"}}"#;
    let error = judge(VendorKind::OpenAi, 401, &[], body);
    assert!(
        error.message.starts_with("the key in THE_KEY was refused (HTTP 401); check it"),
        "{}",
        error.message
    );
    assert!(!error.message.contains("s3cr3t"), "{}", error.message);

    let long = json!({"error": {"message": "x ".repeat(5000), "code": "unsupported_value", "param": "n"}});
    let error = judge(VendorKind::OpenAi, 400, &[], &long.to_string());
    assert!(error.message.chars().count() <= 500 && error.message.contains("`n`"), "{}", error.message);

    let error = judge(VendorKind::OpenAi, 429, &[("retry-after", "3")], "{}");
    assert!(error.message.contains("wait 3.0 s"), "{}", error.message);
    let gone = r#"{"error":{"code":"model_not_found"}}"#;
    assert!(judge(VendorKind::OpenAi, 404, &[], gone).message.contains("`the-model`"));
}
