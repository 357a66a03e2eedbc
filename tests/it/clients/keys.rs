//! `exai-mcp doctor --keys`: each key is tried, and none is shown.

use super::doctor;
use crate::support::Setup;

const RIGHT: &str = "sk-canary-right-1234567890";
const WRONG: &str = "sk-canary-wrong-1234567890";

/// The levels and words of the keys' section, one line each.
async fn told(setup: &Setup) -> (i32, Vec<String>) {
    let (code, found) = doctor(setup, &["--keys"]).await;
    assert!(!found.to_string().contains("canary"), "no key is shown: {found:#}");
    let findings = found[1]["findings"].as_array().unwrap();
    let line = |row: &serde_json::Value| {
        format!("{} {}", row["level"].as_str().unwrap(), row["what"].as_str().unwrap())
    };
    (code, findings.iter().map(line).collect())
}

/// A key is accepted, refused, or cannot be tested; each of several is tried by itself.
#[tokio::test]
async fn each_key_is_tried() {
    let setup = Setup::without_provider().await;
    let url = setup.vendor.url();
    setup.vendor.models_need_key(RIGHT);
    let setup = setup
        .with("OPENAI_API_KEY", RIGHT)
        .with("OPENAI_BASE_URL", &url)
        .with("GLM_API_KEY", &format!("{WRONG}, {RIGHT}"))
        .with("GLM_BASE_URL", &url)
        .with("KIMI_API_KEY", RIGHT)
        .with("KIMI_BASE_URL", "http://127.0.0.1:9/v1")
        .with("CUSTOM_API_KEY", RIGHT)
        .with("CUSTOM_API_URL", &url);
    let (code, lines) = told(&setup).await;
    assert_eq!(code, 1, "{lines:#?}");
    for (line, begins) in lines.iter().zip([
        "ok openai: ok, the key from environment OPENAI_API_KEY is accepted (1 model listed)",
        "error glm: refused, key 1 of 2 from environment GLM_API_KEY is not accepted",
        "ok glm: ok, key 2 of 2 from environment GLM_API_KEY is accepted",
        "error kimi: unreachable, the key from environment KIMI_API_KEY is not tested",
        "ok custom: ok, the key from environment CUSTOM_API_KEY is accepted",
    ]) {
        assert!(line.starts_with(begins), "{lines:#?}");
    }
    assert_eq!(lines.len(), 5, "{lines:#?}");
    assert_eq!(setup.vendor.stats().calls, 0, "no model is asked");
}

/// A list that anybody may read tests no key, and an endpoint without a key is only reached.
#[tokio::test]
async fn an_open_list_tests_no_key() {
    let setup = Setup::new().await;
    let (code, lines) = told(&setup).await;
    assert_eq!((code, lines.len()), (0, 1));
    assert!(lines[0].starts_with("ok custom: ok, it lists 1 model and no key is sent"), "{lines:#?}");
    let (code, lines) = told(&setup.with("CUSTOM_API_KEY", WRONG)).await;
    assert_eq!(code, 0);
    assert!(lines[0].starts_with("warning custom: ok, ") && lines[0].contains("is not tested"), "{lines:#?}");
    let (_, lines) = told(&Setup::without_provider().await).await;
    assert!(lines[0].contains("no provider is configured"), "{lines:#?}");
    let (code, lines) = told(&Setup::without_provider().await.with("OLLAMA_HOST", "10.1.2.3")).await;
    assert_eq!(code, 1);
    assert!(lines[0].contains("EXAI_ALLOW_HTTP"), "{lines:#?}");
}
