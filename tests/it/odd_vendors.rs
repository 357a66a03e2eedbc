//! Vendors that answer otherwise than they document: what is still an answer, what is not, and what is said of it.

use exai_mock_vendor::{Answer, Usage};
use serde_json::{Value, json};

use crate::support::Setup;

/// A program whose only vendor speaks Anthropic's format.
async fn claude() -> Setup {
    let setup = Setup::without_provider().await;
    let url = setup.vendor.origin();
    setup.with("ANTHROPIC_API_KEY", "key-of-a-test-of-claude").with("ANTHROPIC_BASE_URL", &url)
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn chat(prompt: &str) -> Value {
    json!({"prompt": prompt})
}

/// A stream that says half of its answer, then this, and then that it is done.
fn half(then: &str) -> Answer {
    let said = json!({"choices": [{"delta": {"content": "Half"}}]});
    Answer::raw_stream([format!("data: {said}\n\n{then}\n\ndata: [DONE]\n\n")])
}

/// What a paused model said is its turn of the next request, and the caller sees one answer.
#[tokio::test]
async fn a_paused_answer_is_continued() {
    let setup = claude().await;
    let program = setup.start().await;
    let search =
        json!({"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "larch"}});
    let first = [text("Larches "), search];
    setup.vendor.script(vec![
        Answer::message(&first, "pause_turn", Usage::new(100, 10)),
        Answer::message(&[text("lose their "), text("needles.")], "end_turn", Usage::new(130, 20)),
    ]);
    let answer = program.call("chat", chat("Larches?")).await.ok();
    assert_eq!(answer["content"], "Larches lose their needles.", "{answer:#}");
    let metadata = &answer["metadata"];
    assert_eq!((&metadata["attempts"], &metadata["truncated"]), (&json!(2), &Value::Null), "{metadata:#}");
    assert_eq!(
        (&metadata["tokens"]["input"], &metadata["tokens"]["output"]),
        (&json!(230), &json!(30)),
        "{metadata:#}"
    );
    let sent = &setup.vendor.calls()[1].json["messages"];
    let turns = sent.as_array().unwrap();
    assert_eq!(turns.last().unwrap(), &json!({"role": "assistant", "content": first}), "{sent:#}");
    // The thread goes on with the text.
    setup.vendor.then(Answer::message(&[text("Yes.")], "end_turn", Usage::new(1, 1)));
    let next = json!({"prompt": "All?", "continuation_id": answer["continuation_id"]});
    program.call("chat", next).await.ok();
    let sent = &setup.vendor.calls()[2].json["messages"];
    assert_eq!(
        sent[1],
        json!({"role": "assistant", "content": [text("Larches lose their needles.")]}),
        "{sent:#}"
    );
    program.stop().await;
}

/// A model that is paused for ever gets five turns more, and its answer is marked.
#[tokio::test]
async fn endless_pauses_leave_a_part() {
    let setup = claude().await;
    let program = setup.start().await;
    setup.vendor.default_answer(Answer::message(&[text("on ")], "pause_turn", Usage::new(10, 2)));
    let answer = program.call("chat", chat("Go on.")).await.ok();
    assert_eq!(answer["content"].as_str().map(str::trim), Some("on on on on on on"), "{answer:#}");
    assert_eq!(answer["metadata"]["truncated"], true, "{answer:#}");
    assert_eq!(answer["metadata"]["tokens"]["input"], 60, "{answer:#}");
    assert_eq!(setup.vendor.calls().len(), 6);
    program.stop().await;
}

/// The budget of a call ends its continuation, not its answer.
#[tokio::test]
async fn the_budget_ends_a_continuation() {
    let setup = claude().await.with("EXAI_BUDGET_CALL_USD", "0.14");
    let program = setup.start().await;
    // What was used so far leaves room for no further request.
    let dear = Usage::new(900_000, 120_000);
    setup.vendor.default_answer(Answer::message(&[text("A dear part.")], "pause_turn", dear));
    let answer = program.call("chat", chat("Go on.")).await.ok();
    assert_eq!(answer["content"].as_str().map(str::trim), Some("A dear part."), "{answer:#}");
    assert_eq!(
        (&answer["metadata"]["truncated"], setup.vendor.calls().len()),
        (&json!(true), 1),
        "{answer:#}"
    );
    program.stop().await;
}

/// A refusal keeps its words, is not asked again and is not given again.
#[tokio::test]
async fn a_refusal_keeps_its_words() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    let refusal = || Answer::text("").refusal("I will not say how yews are brewed.");
    for (answer, words) in [
        (refusal(), "I will not say how yews are brewed."),
        (refusal().finish_reason("content_filter"), "I will not say how yews are brewed."),
        (Answer::text("No, sorry.").finish_reason("refusal"), "No, sorry."),
        (Answer::text("").finish_reason("refusal"), "The model refused without a reason."),
    ] {
        let before = setup.vendor.calls().len();
        for _ in 0..2 {
            setup.vendor.then(answer.clone());
            let reply = program.call("chat", chat("Brew yew.")).await;
            assert!(
                reply.json["content"].as_str().is_some_and(|text| text.contains(words)),
                "{:#}",
                reply.json
            );
        }
        assert_eq!(
            setup.vendor.calls().len() - before,
            2,
            "each is asked once, and none comes from the cache"
        );
    }
    program.stop().await;
}

/// What is no answer is asked for again.
#[tokio::test]
async fn what_is_no_answer_is_repeated() {
    let setup = Setup::new().await.with("EXAI_BREAKER_FAILURES", "100");
    let program = setup.start().await;
    for (name, bad) in [
        ("a call", Answer::text("").call("read_file", &json!({"path": "a"})).finish_reason("tool_calls")),
        ("words and a call", Answer::text("I look.").call("grep", &json!({})).finish_reason("stop")),
        ("thoughts alone", Answer::text("").reasoning("Hm, hm.")),
        ("thoughts in tags", Answer::text("").think("Hm, hm.")),
        ("null", Answer::json(200, &json!({"choices": null}))),
        ("another shape", Answer::json(200, &json!({"result": "fine"}))),
        ("time", Answer::text("Half").finish_reason("timeout")),
        ("no room", Answer::text("").finish_reason("insufficient_system_resource")),
        ("a failure without its usual field", half("data: {\"detail\":\"the worker has died\"}")),
        ("a failure in words", half("data: Internal Server Error")),
        ("a failure in a line of its own", half("{\"error\":{\"message\":\"oops\"}}")),
        (
            "a call of the older kind",
            half(
                "data: {\"choices\":[{\"delta\":{\"function_call\":{\"name\":\"grep\",\"arguments\":\"{}\"}}}]}",
            ),
        ),
    ] {
        setup.vendor.script(vec![bad, Answer::text("whole")]);
        let answer = program.call("chat", chat(name)).await.ok();
        assert_eq!(
            (&answer["content"], &answer["metadata"]["attempts"]),
            (&json!("whole"), &json!(2)),
            "{name}"
        );
    }
    program.stop().await;
}

/// The vendor's own words are in the failure.
#[tokio::test]
async fn failures_quote_the_vendor() {
    let setup = Setup::new().await.with("EXAI_RETRIES", "0").with("EXAI_BREAKER_FAILURES", "100");
    let program = setup.start().await;
    for (name, answer, words) in [
        ("a word", Answer::text("Half").finish_reason("abort"), "abort"),
        (
            "a word alone",
            Answer::text("").finish_reason("insufficient_system_resource"),
            "insufficient_system_resource",
        ),
        (
            "null",
            Answer::json(200, &json!({"choices": null, "note": "yew"})),
            r#"{"choices":null,"note":"yew"}"#,
        ),
        (
            "a shape",
            Answer::json(200, &json!({"code": 401, "msg": "no larch", "success": false})),
            "no larch",
        ),
        (
            "a text",
            Answer::whole(200, "text/plain", "upstream connect\u{7} error: birch"),
            "upstream connect error: birch",
        ),
        ("a page", Answer::whole(200, "text/html", "<html><title>Log in, elm</title>"), "Log in, elm"),
        (
            "a list",
            Answer::json(422, &json!({"detail": [{"loc": ["body", "x"], "msg": "extra hazel"}]})),
            "x: extra hazel",
        ),
        ("a call", Answer::text("").call("yew_tool", &json!({})).finish_reason("tool_calls"), "`yew_tool`"),
    ] {
        setup.vendor.then(answer);
        let failure = program.call("chat", chat(name)).await.failure();
        let message = failure["message"].as_str().unwrap();
        assert!(message.contains(words), "{name}: {message}");
    }
    program.stop().await;
}

/// However a model marks its thoughts, they are in neither the answer, the thread nor the next request.
#[tokio::test]
async fn marked_thoughts_are_gone() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    for whole in [
        "YEW first</think>\n\nThe answer.",
        "<think>YEW<think>YEW</think>YEW</think>The answer.",
        "<thinking>YEW</thinking>\nThe <thought>YEW</thought>answer.",
        "[THINK]YEW[/THINK]The answer.",
        "◁think▷YEW◁/think▷The answer.",
        "<|channel|>analysis<|message|>YEW<|end|><|start|>assistant<|channel|>final<|message|>The answer.<|return|>",
    ] {
        for chars in [1, 5, 1_000] {
            setup.vendor.then(Answer::text(whole).piece_chars(chars));
            let question = json!({"prompt": "Well?", "fresh": true});
            let answer = program.call("chat", question).await.ok();
            assert!(
                answer["content"].as_str().is_some_and(|text| text.starts_with("The answer.")),
                "{whole}: {answer:#}"
            );
            let thread = answer["continuation_id"].as_str().unwrap();
            let stored = setup.stored_thread(thread).await.to_string();
            assert!(stored.contains("The answer.") && !stored.contains("YEW"), "{whole}: {stored}");
            let next = json!({"prompt": "And?", "continuation_id": thread, "fresh": true});
            program.call("chat", next).await.ok();
            let sent = setup.vendor.calls().pop().unwrap().json["messages"].to_string();
            assert!(sent.contains("The answer.") && !sent.contains("YEW"), "{whole}: {sent}");
        }
    }
    program.stop().await;
}

/// Who writes about the marks of thoughts, in code or in JSON, keeps them.
#[tokio::test]
async fn quoted_marks_are_kept() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    for whole in ["Close it with `</think>`, always.", "```\n<think>a</think>\n```\nThat is all of it."] {
        setup.vendor.then(Answer::text(whole).piece_chars(3));
        let answer = program.call("chat", json!({"prompt": whole})).await.ok();
        assert!(answer["content"].as_str().is_some_and(|text| text.starts_with(whole)), "{answer:#}");
    }
    program.stop().await;
}

/// A refused field costs no attempt, no failure of the breaker, and one request.
#[tokio::test]
async fn refused_fields_cost_no_attempt() {
    let setup = Setup::new().await.with("EXAI_BREAKER_FAILURES", "1").with("EXAI_RETRIES", "0");
    let program = setup.start().await;
    setup.vendor.answer_with(|asked| {
        let fields = ["stream_options", "temperature"];
        fields.iter().find(|field| asked.json.get(**field).is_some()).map(|field| Answer::unsupported(field))
    });
    for (prompt, calls) in [("one", 3), ("two", 4)] {
        let answer = program.call("chat", json!({"prompt": prompt, "temperature": 0.3})).await.ok();
        assert_eq!(answer["metadata"]["attempts"], 1, "{answer:#}");
        assert_eq!(setup.vendor.calls().len(), calls, "{prompt}");
    }
    program.stop().await;
}

/// Damage in the stream's JSON or bytes does not cost the answer, whatever its pieces are.
#[tokio::test]
async fn damaged_streams_are_answers() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    let base = || Answer::pieces(["Crabs (~1", "~2) and ", "trees."]);
    for (name, answer, crab) in [
        ("halves", base().replaced("~1", r"\ud83e").replaced("~2", r"\udd80"), "🦀"),
        ("a lone half", base().replaced("~1", r"\ud83e").replaced("~2", ""), "\u{fffd}"),
        ("a tab", base().replaced("~1", "\t").replaced("~2", ""), "\t"),
        ("no text", base().replaced("~1", vec![0xff]).replaced("~2", ""), "\u{fffd}"),
        ("no number", base().replaced("\"created\":", "\"x\":NaN,\"created\":"), "~1~2"),
        ("one line end", base().single_line_ends(), "~1~2"),
        ("one CR LF", base().single_line_ends().crlf(), "~1~2"),
    ] {
        for size in [1, 7, 10_000] {
            setup.vendor.then(answer.clone().split_every(size));
            let answer = program.call("chat", json!({"prompt": name, "fresh": true})).await.ok();
            assert_eq!(answer["content"], format!("Crabs ({crab}) and trees."), "{name}");
            assert_eq!(answer["metadata"]["attempts"], 1, "{name}");
        }
    }
    program.stop().await;
}

/// A proxy that wants a password is named, and what to do about it.
#[tokio::test]
async fn a_closed_proxy_is_named() {
    let setup = Setup::without_provider().await;
    let proxy = setup.vendor.origin();
    let setup = setup.with("OPENAI_API_KEY", "key-of-a-test-behind-a-proxy").with("HTTPS_PROXY", &proxy);
    let setup = setup.with("EXAI_RETRIES", "0");
    let program = setup.start().await;
    let failure = program.call("chat", chat("Hello?")).await.failure();
    let message = failure["message"].as_str().unwrap();
    assert!(message.contains("HTTP 407") && message.contains("HTTPS_PROXY"), "{message}");
    program.stop().await;
}

/// What is wrong on the way to a vendor is not put on the vendor, nor on this program.
#[tokio::test]
async fn failures_before_the_vendor_are_named() {
    for (name, value, words) in [
        ("HTTPS_PROXY", "http://127.0.0.1:9", "nothing listens at the proxy's address"),
        ("HTTPS_PROXY", "http://no-such-proxy.invalid:3128", "the name of the proxy is not known"),
        ("SSL_CERT_FILE", "/nowhere/issuers.pem", "correct SSL_CERT_FILE"),
    ] {
        let setup = Setup::without_provider().await.with("OPENAI_API_KEY", "key-of-a-test-of-the-way");
        let setup = setup.with(name, value).with("EXAI_RETRIES", "0");
        let program = setup.start().await;
        let failure = program.call("chat", chat("Hello?")).await.failure();
        assert!(failure["message"].as_str().unwrap().contains(words), "{failure:#}");
        assert_ne!(failure["code"], "internal", "{failure:#}");
        program.stop().await;
    }
}

/// A word in the place of a key is no secret, and stays in what the vendor says.
#[tokio::test]
async fn placeholder_keys_stay_readable() {
    let setup = Setup::new().await.with("CUSTOM_API_KEY", "ollama").with("EXAI_RETRIES", "0");
    let program = setup.start().await;
    let said = "model not found, try `ollama pull larch` first";
    setup.vendor.then(Answer::error(400, "invalid", "invalid", said));
    let failure = program.call("chat", chat("Hello?")).await.failure();
    assert!(failure["message"].as_str().unwrap().contains(said), "{failure:#}");
    program.stop().await;
}

/// Counts that cannot be true are estimated, and cost what the estimate costs.
#[tokio::test]
async fn absurd_counts_are_not_billed() {
    let setup = claude().await;
    let program = setup.start().await;
    for counts in [Usage::new(10_u64.pow(18), 5), Usage::new(10, u64::MAX / 2)] {
        setup.vendor.then(Answer::message(&[text("A larch is a tree.")], "end_turn", counts));
        let answer = program.call("chat", json!({"prompt": "Larches?", "fresh": true})).await.ok();
        let metadata = &answer["metadata"];
        assert_eq!(metadata["tokens"]["estimated"], true, "{metadata:#}");
        assert!(metadata["tokens"]["input"].as_u64().unwrap() < 100_000, "{metadata:#}");
        assert!(metadata["cost_usd"].as_f64().unwrap() < 0.5, "{metadata:#}");
    }
    program.stop().await;
    let setup = Setup::new().await;
    let program = setup.start().await;
    for usage in [
        json!({"prompt_tokens": -7, "completion_tokens": 5}),
        json!({"prompt_tokens": 7, "completion_tokens": "many"}),
        json!({"prompt_tokens": 0, "completion_tokens": 1}),
        json!({"prompt_tokens": 700, "completion_tokens": 70_000_000}),
        json!({"prompt_tokens": 700, "completion_tokens": 0}),
    ] {
        let message = json!({"role": "assistant", "content": "yes"});
        let reply = json!({"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage});
        setup.vendor.then(Answer::json(200, &reply));
        let answer = program.call("chat", json!({"prompt": "Larches?", "fresh": true})).await.ok();
        assert_eq!(answer["metadata"]["tokens"]["estimated"], true, "{answer:#}");
    }
    program.stop().await;
}

/// Where no key was sent there is none to check.
#[tokio::test]
async fn a_missing_key_is_not_called_wrong() {
    let setup = Setup::new().await.with("EXAI_RETRIES", "0");
    for (status, code, words) in [
        (401, 3, "no key was sent, and one is wanted (HTTP 401): set CUSTOM_API_KEY: "),
        (402, 3, "a balance or plan limit is used up (HTTP 402); "),
    ] {
        setup.vendor.then(Answer::error(status, "refused", "refused", "not without money or a key"));
        let (exit, told, complaint) = setup.run(&["run", "chat", "-p", words]).await;
        assert!(exit == code && complaint.contains(words), "{exit} {told} {complaint}");
        assert!(!complaint.contains("(not set)"), "{complaint}");
    }
}
