//! Every workflow tool through the same doors: a pause, the end with an expert, the tool's own skip, a failing expert, and a thread
//! that another tool goes on with. What differs between the tools is in the table.

mod ends;
mod own_work;
mod questions;

use exai_mock_vendor::Answer;
use serde_json::{Map, Value, json};

use crate::support::{Setup, Upstream, expert_answer};

/// A tool that ends with an expert, in the words that clients match on.
struct Tool {
    name: &'static str,
    pause: &'static str,
    status_key: &'static str,
    required_key: &'static str,
    complete_keys: &'static [&'static str],
    complete_object: &'static str,
    /// Fields that make the tool do without an expert, with the answer's status and the expert's.
    skip: Option<(&'static str, &'static str, &'static str, &'static str)>,
    /// The status of the expert's answer.
    answered: &'static str,
    /// A status with which the expert asks for something else.
    asks: &'static str,
    /// The tool's own fields.
    own: &'static [(&'static str, &'static str)],
}

const TOOLS: [Tool; 7] = [
    Tool {
        name: "analyze",
        pause: "pause_for_analysis",
        status_key: "analysis_status",
        required_key: "analyze_required",
        complete_keys: &["analysis_complete"],
        complete_object: "complete_analysis",
        skip: None,
        answered: "analysis_complete",
        asks: "full_codereview_required",
        own: &[("analysis_type", "architecture"), ("output_format", "actionable")],
    },
    Tool {
        name: "codereview",
        pause: "pause_for_code_review",
        status_key: "code_review_status",
        required_key: "codereview_required",
        complete_keys: &["code_review_complete"],
        complete_object: "complete_code_review",
        skip: Some((
            "review_validation_type",
            "internal",
            "code_review_complete_ready_for_implementation",
            "skipped_due_to_internal_analysis_type",
        )),
        answered: "code_review_complete",
        asks: "focused_review_required",
        own: &[("review_type", "security"), ("focus_on", "input"), ("standards", "none")],
    },
    Tool {
        name: "debug",
        pause: "pause_for_investigation",
        status_key: "investigation_status",
        required_key: "investigation_required",
        complete_keys: &["investigation_complete"],
        complete_object: "complete_investigation",
        skip: Some((
            "confidence",
            "certain",
            "certain_confidence_proceed_with_fix",
            "skipped_due_to_certain_confidence",
        )),
        answered: "analysis_complete",
        asks: "investigation_paused",
        own: &[("hypothesis", "the counter is off")],
    },
    Tool {
        name: "refactor",
        pause: "pause_for_refactoring_analysis",
        status_key: "refactoring_status",
        required_key: "refactor_required",
        complete_keys: &["refactoring_complete"],
        complete_object: "complete_refactoring",
        skip: Some((
            "confidence",
            "complete",
            "refactoring_analysis_complete_ready_for_implementation",
            "skipped_due_to_complete_refactoring_confidence",
        )),
        answered: "refactor_analysis_complete",
        asks: "focused_review_required",
        own: &[("refactor_type", "decompose"), ("confidence", "partial")],
    },
    Tool {
        name: "secaudit",
        pause: "pause_for_security_audit",
        status_key: "security_audit_status",
        required_key: "secaudit_required",
        complete_keys: &["security_audit_complete"],
        complete_object: "complete_security_audit",
        skip: Some((
            "confidence",
            "certain",
            "security_analysis_complete",
            "skipped_due_to_certain_audit_confidence",
        )),
        answered: "security_analysis_complete",
        asks: "files_required_to_continue",
        own: &[("security_scope", "the shop"), ("threat_level", "high"), ("audit_focus", "owasp")],
    },
    Tool {
        name: "testgen",
        pause: "pause_for_test_analysis",
        status_key: "test_generation_status",
        required_key: "testgen_required",
        complete_keys: &["test_generation_complete"],
        complete_object: "complete_test_generation",
        skip: Some((
            "confidence",
            "certain",
            "test_generation_complete_ready_for_implementation",
            "skipped_due_to_certain_test_confidence",
        )),
        answered: "test_generation_complete",
        asks: "test_sample_needed",
        own: &[("confidence", "high")],
    },
    Tool {
        name: "thinkdeep",
        pause: "pause_for_thinkdeep",
        status_key: "thinkdeep_status",
        required_key: "thinkdeep_required",
        complete_keys: &["thinkdeep_complete", "thinking_complete"],
        complete_object: "complete_thinkdeep",
        skip: Some((
            "confidence",
            "certain",
            "deep_thinking_complete_ready_for_implementation",
            "skipped_due_to_certain_thinking_confidence",
        )),
        answered: "",
        asks: "files_required_to_continue",
        own: &[("problem_context", "a small team"), ("hypothesis", "it scales")],
    },
];

impl Tool {
    fn step(&self, number: u32, total: u32, more: &Value) -> Value {
        let mut step = Map::new();
        step.insert("step".to_owned(), json!(format!("look at part {number}")));
        step.insert("step_number".to_owned(), json!(number));
        step.insert("total_steps".to_owned(), json!(total));
        step.insert("next_step_required".to_owned(), json!(number < total));
        step.insert("findings".to_owned(), json!(format!("finding {number} of {}", self.name)));
        step.insert("relevant_files".to_owned(), json!(["shop.py"]));
        step.extend(more.as_object().expect("an object").clone());
        Value::Object(step)
    }

    fn own_fields(&self) -> Value {
        Value::Object(self.own.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect())
    }

    fn answer(&self) -> String {
        if self.answered.is_empty() {
            return "It holds; confidence: high.\n\n**What holds**: `shop.py:2` (`return price * count`)."
                .to_owned();
        }
        let finding = json!([{"severity": "high", "path": "shop.py", "line": 2, "quote": "return price * count",
            "title": "No tax", "detail": "The tax is missing.", "fix": "Add it."}]);
        expert_answer(self.answered, "One thing is wrong.", finding)
    }
}

async fn shop() -> Setup {
    let setup = Setup::new().await.with("EXAI_RETRIES", "0").with("EXAI_TOOL_PROFILE", "full");
    setup.file("shop.py", "def total(price, count):\n    return price * count\n");
    setup
}

/// A step pauses and the last one asks the expert once.
#[tokio::test]
async fn the_last_step_asks_the_expert() {
    let setup = shop().await;
    let program = setup.start().await;
    for tool in &TOOLS {
        let calls = setup.vendor.stats().calls;
        let reply = program.call(tool.name, tool.step(1, 2, &tool.own_fields())).await;
        let thread = reply.thread();
        let paused = reply.ok();
        let name = tool.name;
        assert_eq!(paused["status"], tool.pause, "{name}");
        assert_eq!(paused[tool.required_key], true, "{name}");
        assert!(
            paused["required_actions"].as_array().is_some_and(|actions| actions.len() >= 2),
            "{name}: {paused:#}"
        );
        assert!(paused[tool.status_key].is_object(), "{name}: {paused:#}");
        assert_eq!((&paused["step_number"], &paused["total_steps"]), (&json!(1), &json!(2)), "{name}");
        assert_eq!(setup.vendor.stats().calls, calls, "{name}: a pause asks nobody");

        setup.vendor.then(Answer::text(tool.answer()));
        let last = program.call(name, tool.step(2, 2, &json!({"continuation_id": thread}))).await.ok();
        assert_eq!(setup.vendor.stats().calls, calls + 1, "{name}");
        assert_eq!(last["status"], "calling_expert_analysis", "{name}: {last:#}");
        assert_eq!(last["expert_called"], true, "{name}");
        for key in tool.complete_keys {
            assert_eq!(last[*key], true, "{name} {key}");
        }
        assert_eq!(last[tool.complete_object]["steps_taken"], 2, "{name}");
        assert_eq!(last[tool.complete_object]["initial_request"], "look at part 1", "{name}");
        if tool.answered.is_empty() {
            assert_eq!(last["citations"][0]["citation"], "exact", "{name}: {last:#}");
            assert!(last["expert_analysis"]["raw_analysis"].is_string(), "{name}");
        } else {
            assert_eq!(last["summary"], "One thing is wrong.", "{name}");
            assert_eq!(last["findings"][0]["citation"], "exact", "{name}");
        }
        let metadata = &last["metadata"];
        for key in ["answered_by", "requested", "tokens", "latency_ms", "files", "consultations", "run_id"] {
            assert!(!metadata[key].is_null(), "{name} says nothing of {key}: {metadata:#}");
        }
        let keys: Vec<&String> = last.as_object().unwrap().keys().take(3).collect();
        assert_eq!(keys[..2], ["status", "summary"], "{name}");
    }
    program.stop().await;
}

/// The expert is sent the role, the evidence and every step once.
#[tokio::test]
async fn the_expert_sees_every_step_once() {
    let setup = shop().await;
    let program = setup.start().await;
    for tool in &TOOLS {
        let name = tool.name;
        let reply = program.call(name, tool.step(1, 2, &tool.own_fields())).await;
        let thread = reply.thread();
        setup.vendor.then(Answer::text(tool.answer()));
        program.call(name, tool.step(2, 2, &json!({"continuation_id": thread}))).await.ok();
        let sent = Upstream::last(&setup.vendor);
        for text in
            ["look at part 1", "look at part 2", &format!("finding 1 of {name}"), "return price * count"]
        {
            assert_eq!(sent.count(text), 1, "{name}: {text}");
        }
        for (field, value) in tool.own {
            assert!(sent.question().contains(value), "{name} does not send {field}");
        }
        insta::assert_snapshot!(format!("request_{name}"), sent.rendered());
    }
    program.stop().await;
}

/// A tool skips the expert by its own rule and when the call says so.
#[tokio::test]
async fn each_tool_skips_the_expert_itself() {
    let setup = shop().await;
    let program = setup.start().await;
    for tool in &TOOLS {
        let name = tool.name;
        if let Some((field, value, status, expert)) = tool.skip {
            let skipped = program.call(name, tool.step(1, 1, &json!({field: value}))).await.ok();
            assert_eq!(skipped["status"], status, "{name}");
            assert_eq!(skipped["expert_analysis"]["status"], expert, "{name}");
            assert_eq!(skipped["skip_expert_analysis"], true, "{name}");
            assert_eq!(skipped[tool.complete_keys[0]], true, "{name}");
        }
        let local = program.call(name, tool.step(1, 1, &json!({"use_assistant_model": false}))).await.ok();
        assert_eq!(local["status"], "local_work_complete", "{name}");
    }
    assert_eq!(setup.vendor.stats().calls, 0);
    program.stop().await;
}

/// A failing expert is an error and the steps are kept for the same call again.
#[tokio::test]
async fn a_failed_expert_keeps_the_steps() {
    let setup = shop().await;
    let program = setup.start().await;
    for tool in &TOOLS {
        let name = tool.name;
        let thread = program.call(name, tool.step(1, 2, &json!({}))).await.thread();
        setup.vendor.then(Answer::server_error());
        let last = tool.step(2, 2, &json!({"continuation_id": thread}));
        let failure = program.call(name, last.clone()).await.failure();
        assert_eq!(
            (&failure["status"], &failure["code"]),
            (&json!("error"), &json!("unavailable")),
            "{name}"
        );
        assert_eq!(
            (&failure["retryable"], &failure["continuation_id"]),
            (&json!(true), &json!(thread)),
            "{name}"
        );
        setup.vendor.then(Answer::text(tool.answer()));
        let again = program.call(name, last).await.ok();
        assert_eq!(again[tool.complete_object]["steps_taken"], 2, "{name}");
    }
    program.stop().await;
}

/// An expert that asks for something gives its status and ends nothing.
#[tokio::test]
async fn an_experts_request_ends_nothing() {
    let setup = shop().await;
    let program = setup.start().await;
    for tool in &TOOLS {
        let name = tool.name;
        let asks = json!({"status": tool.asks, "reason": "too much", "files_needed": ["other.py"], "mandatory_instructions": "send it"});
        setup.vendor.then(Answer::text(asks.to_string()));
        let reply = program.call(name, tool.step(1, 1, &json!({}))).await;
        let thread = reply.thread();
        let wanting = reply.ok();
        assert_eq!(wanting["status"], tool.asks, "{name}: {wanting:#}");
        assert!(wanting["content"].as_str().is_some_and(|content| content.contains("too much")), "{name}");
        assert!(wanting.get(tool.complete_keys[0]).is_none(), "{name} is not complete");
        setup.vendor.then(Answer::text(tool.answer()));
        let answered = program.call(name, tool.step(2, 2, &json!({"continuation_id": thread}))).await.ok();
        assert_eq!(answered[tool.complete_object]["steps_taken"], 2, "{name}: the first step still counts");
    }
    program.stop().await;
}

#[tokio::test]
async fn chat_continues_what_a_tool_found() {
    let setup = shop().await;
    let program = setup.start().await;
    for tool in &TOOLS {
        let name = tool.name;
        setup.vendor.then(Answer::text(tool.answer()));
        let thread = program.call(name, tool.step(1, 1, &json!({}))).await.thread();
        let ask = json!({"prompt": format!("what about {name}?"), "continuation_id": thread});
        program.call("chat", ask).await.ok();
        let sent = Upstream::last(&setup.vendor);
        assert_eq!(sent.count(&format!("finding 1 of {name}")), 1, "{name}");
        assert!(
            sent.rendered().contains(if tool.answered.is_empty() {
                "It holds"
            } else {
                "One thing is wrong."
            }),
            "{name}"
        );
    }
    program.stop().await;
}

#[tokio::test]
async fn going_back_drops_later_steps() {
    let setup = shop().await;
    let program = setup.start().await;
    for tool in &TOOLS {
        let name = tool.name;
        let thread = program.call(name, tool.step(1, 4, &json!({}))).await.thread();
        let go_on = json!({"continuation_id": thread});
        program.call(name, tool.step(2, 4, &go_on)).await.ok();
        program.call(name, tool.step(3, 4, &go_on)).await.ok();
        let back = json!({"continuation_id": thread, "backtrack_from_step": 2, "findings": "another way",
            "next_step_required": false});
        setup.vendor.then(Answer::text(tool.answer()));
        let answered = program.call(name, tool.step(4, 4, &back)).await.ok();
        assert_eq!(answered[tool.complete_object]["steps_taken"], 2, "{name}: {answered:#}");
        let sent = Upstream::last(&setup.vendor);
        assert_eq!(
            (sent.count("look at part 1"), sent.count("look at part 2"), sent.count("look at part 3")),
            (1, 0, 0),
            "{name}"
        );
        let refused = program.call(name, tool.step(2, 4, &json!({"backtrack_from_step": 3}))).await.failure();
        assert!(
            refused["message"].as_str().unwrap().starts_with("backtrack_from_step: step 2"),
            "{name}: {refused:#}"
        );
    }
    program.stop().await;
}

/// Without a model the inspection answers or the tool says what is missing.
#[tokio::test]
async fn without_a_model_inspection_answers() {
    let setup = Setup::without_provider().await.with("EXAI_TOOL_PROFILE", "full");
    setup.file(
        "shop.py",
        "password = \"hunter2hunter2\"\ndef total(price, count):\n    return eval(price) * count\n",
    );
    let program = setup.start().await;
    for tool in &TOOLS {
        let reply = program.call(tool.name, tool.step(1, 1, &json!({}))).await;
        if tool.name == "thinkdeep" {
            assert_eq!(reply.failure()["code"], "no_model_configured");
            continue;
        }
        let inspected = reply.ok();
        assert_eq!(inspected["metadata"]["answered_by"], "offline inspection", "{}", tool.name);
        assert!(
            inspected["summary"].as_str().is_some_and(|text| text.starts_with("No model was consulted."))
        );
    }
    program.stop().await;
}
