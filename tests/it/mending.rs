//! What is set up wrongly: the first call says what and how to mend it, and `status` with a probe says the same.

use exai_mock_vendor::{Answer, Vendor};
use serde_json::{Value, json};

use crate::{routing::two, support::Setup};

async fn openai(url: &str) -> Setup {
    let setup =
        Setup::without_provider().await.with("OPENAI_API_KEY", "sk-wrong").with("OPENAI_BASE_URL", url);
    setup.with("EXAI_RETRIES", "0")
}

/// What the first call says, and what the probe says.
async fn told(setup: &Setup) -> (Value, Value) {
    let program = setup.start().await;
    let failure = program.call("chat", json!({"prompt": "hi"})).await.failure();
    program.stop().await;
    let program = setup.start().await;
    let status = program.call("status", json!({"probe": true})).await.ok();
    program.stop().await;
    (failure, status["probes"][0].clone())
}

/// Each failure says what is wrong and how to repair it.
#[tokio::test]
async fn each_failure_names_its_remedy() {
    let vendor = Vendor::start().await;
    let gone = "The model `gpt-6-luna` has been deprecated";
    let cases = [
        (vendor.url(), Answer::invalid_key(), "auth", "OPENAI_API_KEY"),
        (
            format!("{}/v2/wrong", vendor.origin()),
            Answer::whole(404, "text/plain", "404 page not found"),
            "upstream_rejected",
            "check the base URL",
        ),
        (
            vendor.url(),
            Answer::json(404, &json!({"error": {"code": "model_not_found", "message": gone}})),
            "model_not_found",
            gone,
        ),
        (
            vendor.url(),
            Answer::whole(200, "text/html", "<html>Sign in to the guest network</html>"),
            "protocol",
            "any proxy",
        ),
    ];
    for (url, answer, code, words) in cases {
        vendor.reset();
        vendor.default_answer(answer);
        let (failure, probe) = told(&openai(&url).await).await;
        assert_eq!(failure["code"], code, "{url}: {failure}");
        assert!(failure["message"].as_str().unwrap().contains(words), "{url}: {failure}");
        assert_eq!((&probe["answered"], &probe["code"]), (&json!(false), &json!(code)), "{url}: {probe}");
        assert!(probe["message"].as_str().unwrap().contains(words), "{url}: {probe}");
    }
}

/// An address without its version or with two is corrected.
#[tokio::test]
async fn an_odd_address_is_corrected() {
    let vendor = Vendor::start().await;
    for url in
        [vendor.origin(), format!("{}/", vendor.origin()), vendor.url(), format!("{}/v1", vendor.url())]
    {
        let setup = openai(&url).await;
        let program = setup.start().await;
        program.call("chat", json!({"prompt": url})).await.ok();
        program.stop().await;
    }
    assert!(vendor.calls().iter().all(|call| call.path == "/v1/chat/completions"), "{:?}", vendor.calls());
}

/// Each vendor is asked a tiny question on demand only.
#[tokio::test]
async fn probes_happen_on_demand_only() {
    let two = two().await;
    two.kimi.default_answer(Answer::invalid_key());
    let setup = two.setup.with("EXAI_TOOL_PROFILE", "full");
    let program = setup.start().await;
    program.call("status", json!({})).await.ok();
    assert_eq!(two.glm.stats().calls + two.kimi.stats().calls, 0);
    let status = program.call("status", json!({"probe": true})).await.ok();
    let paid = program.call("usage", json!({"group_by": "tool"})).await.ok();
    assert!(paid.to_string().contains("\"status\""), "a probe is paid for, so it is recorded: {paid}");
    let runs = program.call("activity", json!({"tool": "status"})).await.ok();
    let threads: Vec<_> =
        runs["calls"].as_array().unwrap().iter().map(|run| &run["continuation_id"]).collect();
    assert_eq!(threads, [&json!(null), &json!(null)], "a probe belongs to no conversation: {runs}");
    let probes = status["probes"].as_array().unwrap();
    assert_eq!((&probes[0]["model"], &probes[0]["answered"]), (&json!("glm/glm-5.3-flash"), &json!(true)));
    assert_eq!((&probes[1]["code"], &status["left_alone"][0]["provider"]), (&json!("auth"), &json!("kimi")));
    assert_eq!((two.glm.stats().calls, two.kimi.stats().calls), (1, 1));
    program.stop().await;
    let (code, told, _) = setup.run(&["status", "--probe"]).await;
    assert!(code == 0 && told.contains("probe     glm/glm-5.3-flash: answered in"), "{told}");
}
