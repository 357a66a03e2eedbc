//! Arguments as models really send them: what is understood, what is noted, what is refused.

use serde_json::{Value, json};

use crate::support::{Program, Setup};

fn notes(answer: &Value) -> Vec<&str> {
    answer["metadata"]["notes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[tokio::test]
async fn numbers_and_flags_may_be_text() {
    let setup = Setup::new().await;
    setup.file("a.py", "print(1)\n");
    let program = setup.start().await;
    let step = json!({"step": "look", "step_number": "1", "total_steps": 2.0, "next_step_required": "True",
        "relevant_files": ["a.py"], "review_type": "Quick", "confidence": "Very High", "findings": 7});
    let answer = program.call("codereview", step).await.ok();
    assert_eq!(answer["status"], "pause_for_code_review");
    assert_eq!((&answer["step_number"], &answer["total_steps"]), (&json!(1), &json!(2)));
    assert_eq!(answer["next_step_required"], true);
    assert_eq!(answer["code_review_status"]["current_confidence"], "very_high");

    let question = json!({"prompt": "hello", "temperature": "0.5", "thinking_mode": "HIGH"});
    program.call("chat", question).await.ok();
    assert_eq!(setup.vendor.calls()[0].json["temperature"], 0.5);
}

/// A list may come as one string or as JSON text.
#[tokio::test]
async fn a_list_may_be_one_string() {
    let setup = Setup::new().await;
    setup.file("one.txt", "the word is marzipan\n");
    setup.file("two.txt", "the word is nougat\n");
    let program = setup.start().await;
    program.call("chat", json!({"prompt": "first", "absolute_file_paths": "one.txt"})).await.ok();
    program
        .call("chat", json!({"prompt": "second", "absolute_file_paths": "[\"one.txt\", \"two.txt\"]"}))
        .await
        .ok();
    let bodies: Vec<String> = setup.vendor.calls().iter().map(|call| call.json.to_string()).collect();
    assert!(bodies[0].contains("marzipan") && !bodies[0].contains("nougat"));
    assert!(bodies[1].contains("marzipan") && bodies[1].contains("nougat"));
}

/// Words for nothing are nothing: no thread is looked for, and no word of a list is missed.
#[tokio::test]
async fn words_for_nothing_are_left_out() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    for nothing in ["null", "None", "undefined", "", "  "] {
        let call = json!({"prompt": "hello", "continuation_id": nothing, "thinking_mode": "", "temperature": "null"});
        program.call("chat", call).await.ok();
        let call =
            json!({"step": "plan", "continuation_id": nothing, "step_number": "", "total_steps": "null"});
        assert_eq!(program.call("planner", call).await.ok()["step_number"], 1, "{nothing}");
    }
    let unknown =
        program.call("chat", json!({"prompt": "hello", "continuation_id": "nothing"})).await.failure();
    assert!(unknown["message"].as_str().is_some_and(|text| text.contains("continuation_id")), "{unknown:#}");
    let wrong = program.call("chat", json!({"prompt": "hello", "thinking_mode": "none"})).await.failure();
    assert!(
        wrong["message"].as_str().is_some_and(|text| text.contains("expected one of minimal")),
        "{wrong:#}"
    );
    program.stop().await;
}

#[tokio::test]
async fn an_issue_may_come_as_a_sentence() {
    let setup = Setup::new().await;
    setup.file("a.py", "print(1)\n");
    let program = setup.start().await;
    let issues = json!(["it leaks", {"severity": "HIGH", "description": "it crashes"}]);
    let step = json!({"step": "look", "total_steps": 2, "relevant_files": "a.py", "issues_found": issues});
    let answer = program.call("codereview", step).await.ok();
    assert_eq!(answer["code_review_status"]["issues_found"], 2);
    assert_eq!(answer["code_review_status"]["issues_by_severity"], json!({"high": 1, "unknown": 1}));
}

#[tokio::test]
async fn names_of_other_servers_are_noted() {
    let setup = Setup::new().await;
    setup.file("one.txt", "the word is marzipan\n");
    let program = setup.start().await;
    let answer = program.call("chat", json!({"prompt": "look", "files": ["one.txt"]})).await.ok();
    assert_eq!(notes(&answer), ["`files` was read as `absolute_file_paths`"]);
    assert!(setup.vendor.calls()[0].json.to_string().contains("marzipan"));

    let step = json!({"prompt": "look", "absolute_file_paths": ["one.txt"], "total_steps": 2});
    let answer = program.call("codereview", step).await.ok();
    assert_eq!(
        notes(&answer),
        ["`prompt` was read as `step`", "`absolute_file_paths` was read as `relevant_files`"]
    );
    let answer = program.call("planner", json!({"prompt": "move the house", "model": "auto"})).await.ok();
    assert_eq!(
        notes(&answer),
        ["`prompt` was read as `step`", "`model` has no effect: planner asks no model"]
    );
    assert_eq!(setup.vendor.stats().calls, 1);
}

#[tokio::test]
async fn unknown_fields_are_ignored_and_noted() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    let long = "x".repeat(500);
    let answer = program
        .call("chat", json!({"prompt": "hi", "colour": "red", "use_websearch": true, "images": [], "model": null, long.clone(): 1}))
        .await
        .ok();
    let shown = "x".repeat(60);
    assert_eq!(
        notes(&answer),
        [
            "`colour` is not a field of this tool and was ignored",
            &format!("`{shown}` is not a field of this tool and was ignored"),
        ]
    );
    let sent = setup.vendor.calls()[0].json.to_string();
    assert!(!sent.contains("colour") && !sent.contains(&long));
    let answer = program.call("version", json!({"verbose": true})).await.ok();
    assert_eq!(notes(&answer), ["`verbose` is not a field of this tool and was ignored"]);
}

#[tokio::test]
async fn the_unpublished_field_asks_again() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    for (arguments, calls) in [
        (json!({"prompt": "same"}), 1),
        (json!({"prompt": "same"}), 1),
        (json!({"prompt": "same", "fresh": "true"}), 2),
    ] {
        let answer = program.call("chat", arguments.clone()).await;
        let answer = answer.ok();
        assert_eq!(notes(&answer), [""; 0], "{arguments}");
        assert_eq!(setup.vendor.stats().calls, calls, "{arguments}");
    }
}

#[tokio::test]
async fn names_of_the_predecessor_are_understood() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    for name in ["chat_EXAI-WS", "chat-EXAI-WS", "chat_EXAI_WS", "chat-EXAI_WS"] {
        let answer = program.call(name, json!({"prompt": "hi"})).await.ok();
        assert_eq!(answer["metadata"]["tool_name"], "chat", "{name}");
    }
    for (old, tool) in [("health", "status"), ("self-check_EXAI-WS", "status"), ("thinkdeeper", "thinkdeep")]
    {
        let answer = program.call(old, json!({"step": "think", "total_steps": 2})).await.ok();
        assert_eq!(answer["metadata"]["tool_name"], tool, "{old}");
    }
}

/// Calls that are refused, each with the field that its message must begin with and words that it must contain.
#[expect(clippy::too_many_lines, reason = "a table")]
fn refused_calls() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    let review = |more: Value| {
        let mut call = json!({"step": "look", "relevant_files": ["a.py"]});
        call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call
    };
    let many = vec!["a.py"; 1_001];
    vec![
        ("chat", json!({}), "prompt", "is required (string)"),
        ("chat", json!({"prompt": null}), "prompt", "is required (string)"),
        ("chat", json!({"prompt": " \n "}), "prompt", "say what you want to know"),
        ("chat", json!({"prompt": {"text": "hi"}}), "prompt", "expected a string, got {\"text\":\"hi\"}"),
        ("chat", json!({"prompt": "x".repeat(300_001)}), "prompt", "300001 characters, at most 300000"),
        (
            "chat",
            json!({"prompt": "hi", "temperature": 3}),
            "temperature",
            "expected a number from 0 to 2, got 3",
        ),
        (
            "chat",
            json!({"prompt": "hi", "temperature": "warm"}),
            "temperature",
            "expected a number, got \"warm\"",
        ),
        (
            "chat",
            json!({"prompt": "hi", "thinking_mode": "huge"}),
            "thinking_mode",
            "one of minimal, low, medium, high, max",
        ),
        (
            "chat",
            json!({"prompt": "hi", "absolute_file_paths": 7}),
            "absolute_file_paths",
            "expected a list, got 7",
        ),
        (
            "chat",
            json!({"prompt": "hi", "files": [{}]}),
            "absolute_file_paths",
            "entry 1: expected a string, got {}",
        ),
        ("chat", json!({"prompt": "hi", "continuation_id": {}}), "continuation_id", "expected a string"),
        ("chat", json!({"prompt": "hi", "model": ["a", 1]}), "model", "expected a string"),
        ("codereview", json!({"relevant_files": ["a.py"]}), "step", "is required (string)"),
        ("codereview", json!({"step": "look"}), "relevant_files", "step 1 of codereview needs the files"),
        ("codereview", review(json!({"step": ""})), "step", "say what this step does"),
        ("codereview", review(json!({"step_number": 0})), "step_number", "expected an integer from 1, got 0"),
        (
            "codereview",
            review(json!({"step_number": -3})),
            "step_number",
            "expected an integer from 1, got -3",
        ),
        ("codereview", review(json!({"step_number": 1e30})), "step_number", "expected an integer"),
        (
            "codereview",
            review(json!({"total_steps": "many"})),
            "total_steps",
            "expected an integer, got \"many\"",
        ),
        (
            "codereview",
            review(json!({"next_step_required": "maybe"})),
            "next_step_required",
            "expected true or false",
        ),
        (
            "codereview",
            review(json!({"review_type": "deep"})),
            "review_type",
            "one of full, security, performance, quick",
        ),
        (
            "codereview",
            review(json!({"severity_filter": "worst"})),
            "severity_filter",
            "one of critical, high, medium, low, all",
        ),
        ("codereview", review(json!({"confidence": "sure"})), "confidence", "one of exploring, low"),
        (
            "codereview",
            review(json!({"issues_found": [{"severity": "bad", "description": "x"}]})),
            "issues_found",
            "entry 1: severity",
        ),
        ("codereview", review(json!({"issues_found": [17]})), "issues_found", "entry 1: expected an object"),
        (
            "codereview",
            review(json!({"relevant_files": many})),
            "relevant_files",
            "1001 entries, at most 1000",
        ),
        (
            "codereview",
            review(json!({"step": "x".repeat(100_001)})),
            "step",
            "100001 characters, at most 100000",
        ),
        ("debug", json!({"step": "look", "findings": "x".repeat(300_001)}), "findings", "300001 characters"),
        ("planner", json!({}), "step", "is required (string)"),
        (
            "planner",
            json!({"step": "x", "is_branch_point": true}),
            "branch_id",
            "a branch point needs branch_id",
        ),
        ("planner", json!({"step": "x", "is_step_revision": true}), "revises_step_number", "say which step"),
        ("listmodels", json!({"probe": "perhaps"}), "probe", "expected true or false, got \"perhaps\""),
    ]
}

async fn assert_nothing_happened(setup: &Setup, program: Program) {
    assert_eq!(setup.vendor.stats().calls, 0, "nobody is asked");
    program.stop().await;
    let (code, listed, _) = setup.run(&["threads", "list", "--json"]).await;
    assert_eq!((code, listed.trim()), (0, "[]"), "nothing is stored");
}

/// What cannot be meant is refused by the name of the field.
#[tokio::test]
async fn unusable_values_are_refused_by_field() {
    let setup = Setup::new().await;
    setup.file("a.py", "print(1)\n");
    let program = setup.start().await;
    for (tool, arguments, field, words) in refused_calls() {
        let shown: String = arguments.to_string().chars().take(120).collect();
        let refused = program.call(tool, arguments).await.failure();
        assert_eq!(refused["code"], "invalid_input", "{tool} {shown}");
        assert_eq!(refused["retryable"], false, "{tool} {shown}");
        let message = refused["message"].as_str().unwrap();
        assert!(
            message.starts_with(&format!("{field}: ")) && message.contains(words),
            "{tool} {shown}: {message}"
        );
        assert!(message.len() < 1_000, "the input is not echoed: {} bytes", message.len());
        assert_eq!(refused.get("continuation_id"), None, "{tool} {shown}");
    }
    assert_nothing_happened(&setup, program).await;
}

#[tokio::test]
async fn several_mistakes_are_told_at_once() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    let arguments = json!({"temperature": "warm", "thinking_mode": "huge", "colour": "red"});
    let refused = program.call("chat", arguments).await.failure();
    let message = refused["message"].as_str().unwrap();
    for field in ["prompt: ", "temperature: ", "thinking_mode: "] {
        assert!(message.contains(field), "{message}");
    }
    assert_eq!(notes(&refused), ["`colour` is not a field of this tool and was ignored"]);
    assert_nothing_happened(&setup, program).await;
}
