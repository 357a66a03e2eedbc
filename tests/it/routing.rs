//! Who answers when nobody is named, and what happens when that one cannot be had.

use exai_mock_vendor::{Answer, Recorded, Vendor};
use serde_json::{Value, json};

use crate::support::{Program, Setup, expert_answer};

/// GLM and Kimi, each a vendor of its own.
pub(crate) struct Two {
    pub(crate) setup: Setup,
    pub(crate) glm: Vendor,
    pub(crate) kimi: Vendor,
}

pub(crate) async fn two() -> Two {
    let (glm, kimi) = (Vendor::start().await, Vendor::start().await);
    let setup = Setup::without_provider().await.with("EXAI_CACHE_SECONDS", "0");
    let setup = setup
        .with("GLM_API_KEY", "key-of-glm")
        .with("GLM_BASE_URL", &format!("{}/api/paas/v4", glm.origin()))
        .with("KIMI_API_KEY", "key-of-kimi")
        .with("KIMI_BASE_URL", &kimi.url());
    Two { setup, glm, kimi }
}

pub(crate) async fn ask(program: &Program, more: &Value) -> Value {
    let mut call = json!({"prompt": "What is a permit?"});
    call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    program.call("chat", call).await.ok()
}

pub(crate) fn answered_by(answer: &Value) -> &str {
    answer["metadata"]["answered_by"].as_str().expect("a model")
}

/// The next vendor answers at once and the answer says why.
#[tokio::test]
async fn the_next_vendor_answers_at_once() {
    for (failure, code) in [
        (Answer::server_error(), "unavailable"),
        (Answer::json(429, &json!({"error": {"message": "slow down"}})), "rate_limited"),
        (Answer::json(401, &json!({"error": {"message": "no such key"}})), "auth"),
        (Answer::json(402, &json!({"error": {"message": "pay first"}})), "quota"),
        (Answer::hang_up(), "unavailable"),
        (Answer::never(), "timeout"),
    ] {
        let two = two().await;
        let setup = two.setup.with("EXAI_FIRST_BYTE_SECONDS", "2").with("EXAI_CONNECT_SECONDS", "1");
        let program = setup.start().await;
        two.glm.default_answer(failure);
        let answer = ask(&program, &json!({})).await;
        assert_eq!(answered_by(&answer), "kimi/kimi-k3.1-pro", "{code}");
        let metadata = &answer["metadata"];
        assert_eq!((&metadata["requested"], &metadata["fallback_reason"]), (&json!("auto"), &json!(code)));
        assert_eq!(metadata["passed_over"][0]["model"], "glm/glm-5.3-flash");
        assert_eq!(metadata["passed_over"][0]["code"], code);
        assert_eq!((two.glm.stats().calls, two.kimi.stats().calls), (1, 1), "{code}: nobody is asked twice");
        program.stop().await;
    }
}

/// An expert falls back like a conversation and is sent the same.
#[tokio::test]
async fn an_expert_falls_back_too() {
    let two = two().await;
    two.setup.file("a.py", "print(1)\n");
    let program = two.setup.start().await;
    two.glm.then(Answer::server_error());
    let finding = json!([{"severity": "low", "path": "a.py", "line": 1, "quote": "print(1)", "title": "t", "detail": "d", "fix": "f"}]);
    two.kimi.then(Answer::text(expert_answer("code_review_complete", "Fine.", finding)));
    let review = json!({"step": "look", "relevant_files": ["a.py"], "next_step_required": false});
    let answer = program.call("codereview", review).await.ok();
    assert_eq!(
        (answered_by(&answer), &answer["findings"][0]["citation"]),
        ("kimi/kimi-k3.1-pro", &json!("exact"))
    );
    let texts = |calls: Vec<Recorded>| calls[0].json["messages"].to_string();
    assert_eq!(texts(two.glm.calls()), texts(two.kimi.calls()));
    program.stop().await;
}

#[tokio::test]
async fn a_named_model_is_never_replaced() {
    for named in [json!({"model": "glm-5.3"}), json!({})] {
        let two = two().await;
        // Named by the caller, and named by the user.
        let setup = two.setup.with("EXAI_DEFAULT_MODEL", "glm/glm-5.3").with("EXAI_RETRIES", "1");
        two.glm.default_answer(Answer::server_error());
        let program = setup.start().await;
        let mut call = json!({"prompt": "hi"});
        call.as_object_mut().unwrap().extend(named.as_object().unwrap().clone());
        let failure = program.call("chat", call).await.failure();
        assert_eq!(failure["code"], "unavailable");
        assert_eq!((two.glm.stats().calls, two.kimi.stats().calls), (2, 0), "it is tried again");
        program.stop().await;
    }
}

/// A model that fails is left alone and looked at again.
#[tokio::test]
async fn a_failing_model_is_left_alone() {
    let two = two().await;
    let setup = two.setup.with("EXAI_BREAKER_FAILURES", "2").with("EXAI_BREAKER_SECONDS", "1");
    two.glm.default_answer(Answer::server_error());
    let program = setup.start().await;
    for _ in 0..2 {
        ask(&program, &json!({})).await;
    }
    assert_eq!(two.glm.stats().calls, 2);
    let answer = ask(&program, &json!({})).await;
    assert_eq!((answered_by(&answer), two.glm.stats().calls), ("kimi/kimi-k3.1-pro", 2), "not asked at all");
    assert_eq!(answer["metadata"]["fallback_reason"], "unavailable");
    let named = program.call("chat", json!({"prompt": "hi", "model": "glm-5.3-flash"})).await.failure();
    assert!(
        named["message"].as_str().unwrap().contains("failed several times in a row and is left alone"),
        "{named}"
    );
    assert!(named["retry_after_ms"].as_u64().is_some_and(|wait| wait <= 1_000), "{named}");
    let status = program.call("status", json!({})).await.ok();
    let glm = &status["models"].as_array().unwrap()[0];
    assert_eq!(
        (&glm["model"], &glm["breaker"], &glm["failures_in_a_row"]),
        (&json!("glm/glm-5.3-flash"), &json!("open"), &json!(2))
    );

    two.glm.default_answer(Answer::text("back again"));
    let back = async {
        loop {
            if answered_by(&ask(&program, &json!({})).await) == "glm/glm-5.3-flash" {
                break;
            }
        }
    };
    crate::support::within("the end of the pause", back).await;
    let status = program.call("status", json!({})).await.ok();
    assert_eq!(status["models"][0]["breaker"], "closed");
    program.stop().await;
}

/// A vendor without money is left alone with all its models.
#[tokio::test]
async fn a_vendor_without_money_is_left_alone() {
    let two = two().await;
    two.glm.default_answer(Answer::json(429, &json!({"error": {"code": "1113", "message": "in arrears"}})));
    let program = two.setup.start().await;
    ask(&program, &json!({})).await;
    let deep = program
        .call("thinkdeep", json!({"step": "look", "findings": "f", "next_step_required": false}))
        .await
        .ok();
    assert_eq!((answered_by(&deep), two.glm.stats().calls), ("kimi/kimi-k3.1-pro", 1));
    let status = program.call("status", json!({})).await.ok();
    assert_eq!(status["left_alone"][0]["code"], "quota");
    assert!(status["next_steps"].to_string().contains("top it up"), "{status:#}");
    program.stop().await;
}

/// When no model answers, the last failure names the others.
#[tokio::test]
async fn the_last_failure_names_the_others() {
    let two = two().await;
    let setup = two.setup.with("EXAI_RETRIES", "1");
    for vendor in [&two.glm, &two.kimi] {
        vendor.default_answer(Answer::server_error());
    }
    let program = setup.start().await;
    let failure = program.call("chat", json!({"prompt": "hi"})).await.failure();
    let message = failure["message"].as_str().unwrap();
    assert!(
        message.contains("before it: glm/glm-5.3-flash (unavailable)") && message.contains("2 attempts"),
        "{message}"
    );
    assert_eq!((two.glm.stats().calls, two.kimi.stats().calls), (1, 2), "only the last one is tried again");
    program.stop().await;

    let setup = setup.with("EXAI_ROUTING_FALLBACK", "false");
    let program = setup.start().await;
    program.call("chat", json!({"prompt": "hi"})).await.failure();
    assert_eq!((two.glm.stats().calls, two.kimi.stats().calls), (3, 2), "no other one is asked");
    program.stop().await;
}

#[tokio::test]
async fn a_conversation_stays_with_its_model() {
    let two = two().await;
    let program = two.setup.start().await;
    two.glm.then(Answer::server_error());
    let first = ask(&program, &json!({})).await;
    let thread = first["continuation_id"].clone();
    let second = ask(&program, &json!({"continuation_id": thread})).await;
    assert_eq!(answered_by(&second), "kimi/kimi-k3.1-pro");
    assert_eq!(second["metadata"].get("fallback_reason"), None);
    let other = ask(&program, &json!({})).await;
    assert_eq!(answered_by(&other), "glm/glm-5.3-flash", "a new one begins with the first");
    program.stop().await;
}

#[tokio::test]
async fn the_users_strategy_decides_who_is_first() {
    for (strategy, expected) in [
        ("listed", ["glm/glm-5.3-flash"; 3]),
        ("quality", ["kimi/kimi-k3.1-pro"; 3]),
        ("cost", ["glm/glm-5.3-flash"; 3]),
        ("round_robin", ["glm/glm-5.3-flash", "kimi/kimi-k3.1-pro", "glm/glm-5.3-flash"]),
    ] {
        let two = two().await;
        let setup = two.setup.with("EXAI_ROUTING_STRATEGY", strategy);
        let program = setup.start().await;
        for expected in expected {
            assert_eq!(answered_by(&ask(&program, &json!({})).await), expected, "{strategy}");
        }
        program.stop().await;
    }
}

#[tokio::test]
async fn the_fastest_is_found_by_trying() {
    let two = two().await;
    let setup = two.setup.with("EXAI_ROUTING_STRATEGY", "performance");
    two.glm.default_answer(Answer::text("slow").latency(std::time::Duration::from_millis(200)));
    let program = setup.start().await;
    let mut last = String::new();
    for _ in 0..4 {
        last = answered_by(&ask(&program, &json!({})).await).to_owned();
    }
    assert_eq!((last.as_str(), two.glm.stats().calls), ("kimi/kimi-k3.1-pro", 1));
    program.stop().await;
}

/// A question that is too long goes to a larger window only.
#[tokio::test]
async fn a_long_question_needs_a_large_window() {
    let setup = Setup::without_provider().await;
    let config = format!(
        "[[endpoints]]\nname = \"small\"\nbase_url = \"{url}\"\nmodels = [{{ id = \"one\", window = 8000 }}]\n\
         [[endpoints]]\nname = \"tiny\"\nbase_url = \"{url}\"\nmodels = [{{ id = \"two\", window = 4000 }}]\n\
         [[endpoints]]\nname = \"large\"\nbase_url = \"{url}\"\nmodels = [{{ id = \"three\", window = 90000 }}]\n",
        url = setup.vendor.url()
    );
    let path = setup.home.path().join("config/config.toml");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, config).unwrap();
    setup.vendor.answer_with(|request| {
        let too_long = json!({"error": {"code": "context_length_exceeded", "message": "too long"}});
        (request.json["model"] == "one").then(|| Answer::json(400, &too_long))
    });
    let program = setup.start().await;
    let answer = ask(&program, &json!({})).await;
    assert_eq!(
        (answered_by(&answer), &answer["metadata"]["fallback_reason"]),
        ("large/three", &json!("context_too_long"))
    );
    assert_eq!(setup.vendor.stats().calls, 2);
    program.stop().await;
}

/// Several keys are used in turns and a refused one rests.
#[tokio::test]
async fn several_keys_take_turns() {
    let two = two().await;
    let setup = two.setup.with("GLM_API_KEY", "good-1, bad-2");
    two.glm.answer_with(|request| {
        let refused = request.header("authorization") == Some("Bearer bad-2");
        refused.then(|| Answer::json(401, &json!({"error": {"message": "no such key"}})))
    });
    let program = setup.start().await;
    for _ in 0..4 {
        assert_eq!(answered_by(&ask(&program, &json!({"model": "glm-5.3"})).await), "glm/glm-5.3");
    }
    let keys: Vec<String> = two
        .glm
        .calls()
        .iter()
        .map(|call| call.header("authorization").unwrap_or_default().to_owned())
        .collect();
    assert_eq!(keys.iter().filter(|key| *key == "Bearer bad-2").count(), 1, "{keys:?}");
    let status = program.call("status", json!({})).await.ok();
    let glm =
        status["providers_configured"].as_array().unwrap().iter().find(|one| one["id"] == "glm").unwrap();
    assert_eq!(glm["keys"], json!({"all": 2, "resting": 1}));
    assert!(!status.to_string().contains("good-1"));
    program.stop().await;
}

/// A late request gets a second one where the user wants that.
#[tokio::test]
async fn a_late_request_gets_a_second() {
    let setup = Setup::new().await.with("EXAI_CACHE_SECONDS", "0").with("EXAI_ROUTING_HEDGE", "true");
    let program = setup.start().await;
    for number in 0..50 {
        program.call("chat", json!({"prompt": format!("usual {number}")})).await.ok();
    }
    let gate = exai_mock_vendor::Gate::new();
    setup.vendor.script(vec![Answer::text("late").gated(&gate), Answer::text("early")]);
    let answer = program.call("chat", json!({"prompt": "unusual"})).await.ok();
    assert_eq!((&answer["content"], &answer["metadata"]["attempts"]), (&json!("early"), &json!(2)));
    assert_eq!(setup.vendor.stats().calls, 52);
    crate::support::within("the end of the late one", setup.vendor.wait_for_disconnects(1)).await;
    gate.open();
    program.stop().await;
}

#[tokio::test]
async fn who_would_answer_is_explained_without_asking() {
    let two = two().await;
    let setup = two.setup.with("EXAI_TOOL_PROFILE", "full").with("EXAI_BREAKER_FAILURES", "1");
    let program = setup.start().await;
    let names = |answer: &Value| -> Vec<String> {
        let rows = answer["candidates"].as_array().unwrap();
        rows.iter().map(|row| row["model"].as_str().unwrap().to_owned()).collect()
    };
    let route = program.call("route", json!({"prompt": "hi"})).await.ok();
    assert_eq!(names(&route), ["glm/glm-5.3-flash", "kimi/kimi-k3.1-pro"]);
    assert!(route["candidates"][0]["estimate_usd"].as_f64().is_some_and(|usd| usd > 0.0));
    let named = program.call("route", json!({"model": "kimi-k3"})).await.ok();
    assert_eq!(names(&named), ["kimi/kimi-k3"]);
    assert!(
        named["summary"].as_str().unwrap().contains("the call names `kimi-k3`; nobody else is asked"),
        "{named}"
    );
    let seeing = program.call("route", json!({"tool": "codereview", "images": ["a.png"]})).await.ok();
    assert_eq!(names(&seeing), ["kimi/kimi-k3.1-pro"], "glm-5.3 does not see");
    assert!(seeing["candidates"][0]["reasons"].to_string().contains("in the place of another: images"));
    assert_eq!(two.glm.stats().calls + two.kimi.stats().calls, 0);
    two.glm.then(Answer::server_error());
    ask(&program, &json!({})).await;
    let after = program.call("kimi_intent_analysis", json!({"prompt": "hi"})).await.ok();
    assert_eq!(names(&after), ["kimi/kimi-k3.1-pro", "glm/glm-5.3-flash"]);
    assert_eq!(after["candidates"][1]["reasons"][0], "unavailable now: unavailable");
    let wrong = program.call("route", json!({"tool": "codereveiw"})).await.failure();
    assert_eq!(wrong["message"], "tool: there is no tool `codereveiw`; did you mean codereview?");
    program.stop().await;
}

/// A request is shown as it is sent with its key masked.
#[tokio::test]
async fn a_preview_masks_the_key() {
    let two = two().await;
    let setup = two.setup.with("EXAI_TOOL_PROFILE", "full").with("GLM_API_KEY", "canary-of-this-test-1234");
    setup.file("a.py", "print(1)\n");
    let program = setup.start().await;
    let call =
        json!({"prompt": "What is it?", "absolute_file_paths": ["a.py"], "model": "glm-5.3", "whole": true});
    let shown = program.call("payload_preview", call.clone()).await.ok();
    assert!(!shown.to_string().contains("canary"), "{shown:#}");
    assert_eq!(two.glm.stats().calls, 0);
    let mut call = call;
    call.as_object_mut().unwrap().remove("whole");
    program.call("chat", call).await.ok();
    let sent = &two.glm.calls()[0];
    assert_eq!(shown["body"], sent.json, "what was shown is what is sent");
    assert_eq!(shown["body_bytes"], sent.body.len());
    assert!(shown["url"].as_str().unwrap().ends_with(&sent.path));
    program.stop().await;
}

#[tokio::test]
async fn forbidden_models_are_never_asked() {
    let two = two().await;
    let setup = two.setup.with("EXAI_MODELS_DENY", "glm/*, kimi-k3").with("EXAI_TOOL_PROFILE", "full");
    let program = setup.start().await;
    assert_eq!(answered_by(&ask(&program, &json!({})).await), "kimi/kimi-k3.1-pro");
    for model in ["glm-5.3", "kimi/kimi-k3"] {
        let refused = program.call("chat", json!({"prompt": "hi", "model": model})).await.failure();
        assert_eq!(refused["code"], "forbidden", "{model}");
        assert!(refused["message"].as_str().unwrap().contains("of models.deny"), "{refused}");
    }
    let panel = program.call("consensus", json!({"step": "Which?"})).await.ok();
    assert!(!panel["votes"].to_string().contains("glm/"), "{panel:#}");
    let list = program.call("listmodels", json!({})).await.ok();
    let text = list["content"].as_str().unwrap();
    assert!(
        !text.contains("`glm-5.3`") && text.contains("kept out by models.allow or models.deny"),
        "{text}"
    );
    assert_eq!(two.glm.stats().calls, 0);
    program.stop().await;
}

/// An error of an endpoint says what is wrong and how to repair it.
#[tokio::test]
async fn a_wrong_endpoint_names_its_remedy() {
    let not_found = Answer::whole(404, "text/plain", "404 page not found");
    let cases: [(&str, Answer, &str, &str); 4] = [
        ("a wrong key", Answer::invalid_key(), "auth", "GLM_API_KEY"),
        ("a wrong address", not_found, "upstream_rejected", "base URL"),
        ("a proxy", Answer::proxy_page(), "unavailable", ""),
        (
            "a web page",
            Answer::whole(200, "text/html", "<html>hello</html>"),
            "protocol",
            "check the base URL and any proxy",
        ),
    ];
    for (what, answer, code, words) in cases {
        let two = two().await;
        let setup = two.setup.with("EXAI_RETRIES", "0");
        two.glm.default_answer(answer);
        let program = setup.start().await;
        let failure = program.call("chat", json!({"prompt": "hi", "model": "glm-5.3"})).await.failure();
        let told = format!("{} {}", failure["message"], failure["hint"]);
        assert_eq!(failure["code"], code, "{what}: {failure:#}");
        assert!(told.contains(words), "{what}: {told}");
        let status = program.call("status", json!({})).await.ok();
        assert!(status["last_errors"][0]["error"].as_str().unwrap().starts_with(code), "{what}: {status:#}");
        assert!(
            status["next_steps"][0].as_str().is_some_and(|step| step.contains("glm")),
            "{what}: {status:#}"
        );
        program.stop().await;
    }
    // The version is put where it is missing, and not put twice.
    for path in ["", "/v1", "/v1/", "/v1/chat/completions"] {
        let setup = Setup::new().await;
        let url = format!("{}{path}", setup.vendor.origin());
        let setup = setup.with("CUSTOM_API_URL", &url);
        let program = setup.start().await;
        ask(&program, &json!({})).await;
        assert_eq!(setup.vendor.calls()[0].path, "/v1/chat/completions", "{path}");
        program.stop().await;
    }
}

/// What a call needs decides between those who may answer.
#[tokio::test]
async fn needs_decide_who_is_asked() {
    let setup = Setup::without_provider().await.with("EXAI_CACHE_SECONDS", "0");
    let config = format!(
        "[[endpoints]]\nname = \"small\"\nbase_url = \"{url}\"\nmodels = [{{ id = \"one\", window = 20000 }}]\n\
         [[endpoints]]\nname = \"large\"\nbase_url = \"{url}\"\nmodels = [{{ id = \"two\", window = 900000 }}]\n",
        url = setup.vendor.url()
    );
    let path = setup.home.path().join("config/config.toml");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, config).unwrap();
    setup.file("big.txt", "a line of ordinary length, more or less\n".repeat(5_000));
    let program = setup.start().await;
    assert_eq!(answered_by(&ask(&program, &json!({})).await), "small/one");
    let big = ask(&program, &json!({"absolute_file_paths": ["big.txt"]})).await;
    assert_eq!((answered_by(&big), &big["metadata"]["fallback_reason"]), ("large/two", &json!("window")));
    assert_eq!(big["metadata"]["files"][0]["status"], "included", "whole, because it fits there");
    program.stop().await;

    let two = two().await;
    let program = two.setup.start().await;
    assert_eq!(answered_by(&ask(&program, &json!({})).await), "glm/glm-5.3-flash");
    assert_eq!(answered_by(&ask(&program, &json!({"thinking_mode": "max"})).await), "glm/glm-5.3", "depth");
    program.stop().await;
}
