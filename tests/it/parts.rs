//! Answers that are longer than their client shows: their parts, and who gets them.

use exai_mock_vendor::Answer;
use serde_json::{Value, json};

use crate::support::{MODEL, Raw, Served, Setup, expert_answer};

/// A text of paragraphs, no two alike.
fn long_text(paragraphs: usize) -> String {
    (0..paragraphs)
        .map(|number| format!("Paragraph {number}: {}\n\n", "words \"and\" words ".repeat(9)))
        .collect()
}

/// All parts of an answer, each by the call that the one before names.
async fn all_parts(raw: &mut Raw, first: Value) -> Vec<Value> {
    let mut parts = vec![first];
    while let Some(rest) = parts.last().and_then(|part| part.get("rest")).cloned() {
        let tool = rest["call"]["tool"].as_str().unwrap().to_owned();
        parts.push(raw.call(&tool, rest["call"]["arguments"].clone()).await);
    }
    parts
}

/// Each client gets as much as it shows, and the rest for the asking.
#[tokio::test]
async fn each_clients_answer_comes_whole() {
    let text = long_text(500);
    for (client, limit) in [("@cline/core", 7_000), ("opencode", 45_000), ("nobody knows", 18_000)] {
        let setup = Setup::new().await;
        setup.vendor.default_answer(Answer::text(&text));
        let mut raw = Raw::ready_as(&setup, client).await;
        let first = raw.call("chat", json!({"prompt": "long"})).await;
        let parts = all_parts(&mut raw, first).await;
        assert!(parts.len() > 1 && parts[0]["truncated"] == true, "{client}");
        assert!(parts[0]["metadata"]["answered_by"].is_string(), "the head is whole");
        let mut joined = parts[0]["content"].as_str().unwrap().to_owned();
        for (index, part) in parts.iter().enumerate() {
            let size = part.to_string().len();
            let is_last = index + 1 == parts.len();
            assert!(size <= limit && (is_last || size > limit * 9 / 10), "{client}: {size} of {limit}");
            if index > 0 {
                assert_eq!(
                    (&part["status"], &part["part"], &part["of"]),
                    (&json!("part"), &json!(index + 1), &json!(parts.len()))
                );
                joined.push_str(part["answer"]["content"].as_str().unwrap());
            }
        }
        assert_eq!(joined.trim_end(), text.trim_end(), "{client}");
        assert_eq!(setup.vendor.stats().calls, 1, "parts ask no model");
    }
}

/// The thread's id is enough, and so is any tool that the client is shown.
#[tokio::test]
async fn any_tool_gives_a_part() {
    let setup = Setup::new().await;
    setup.file("a.py", "print(1)\n");
    let finding = |number: usize| {
        json!({"severity": "high", "path": "a.py", "line": 1, "quote": "print(1)",
            "title": format!("finding {number:02}"), "detail": "d".repeat(400), "fix": "f"})
    };
    let findings: Vec<Value> = (0..60).map(finding).collect();
    setup.vendor.then(Answer::text(expert_answer("code_review_complete", "Much is wrong.", json!(findings))));
    let mut raw = Raw::ready(&setup).await;
    let step = json!({"step": "review", "relevant_files": ["a.py"], "next_step_required": false});
    let first = raw.call("codereview", step).await;
    let thread = first["continuation_id"].clone();
    let mut seconds = Vec::new();
    for tool in ["codereview", "chat", "consensus", "clink", "planner", "listmodels", "threads"] {
        let asked = json!({"continuation_id": thread, "part": "2"});
        let answer = raw.request("tools/call", json!({"name": tool, "arguments": asked})).await;
        if tool == "clink" {
            assert_eq!(answer["error"]["code"], -32602, "a tool that is not shown stays so: {answer}");
            continue;
        }
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        let second: Value = serde_json::from_str(text).unwrap();
        assert_eq!(second["continuation_id"], thread, "{second}");
        seconds.push(second["answer"].clone());
    }
    assert!(seconds.iter().all(|second| *second == seconds[0]));
    let parts = all_parts(&mut raw, first).await;
    let mut titles: Vec<String> = Vec::new();
    for part in &parts {
        let findings = part["findings"].as_array().or_else(|| part["answer"]["findings"].as_array());
        let found = findings.into_iter().flatten();
        titles.extend(found.map(|finding| finding["title"].as_str().unwrap().to_owned()));
    }
    assert_eq!(titles, (0..60).map(|number| format!("finding {number:02}")).collect::<Vec<_>>());
    assert_eq!(setup.vendor.stats().calls, 1);

    // Another process finds it in the database.
    drop(raw);
    let mut raw = Raw::ready(&setup).await;
    let again = raw.call("chat", json!({"continuation_id": thread, "part": 2})).await;
    assert_eq!(again["answer"], seconds[0]);
}

#[tokio::test]
async fn wrong_parts_are_refused_clearly() {
    let setup = Setup::new().await;
    setup.vendor.then(Answer::text("short"));
    setup.vendor.then(Answer::text(long_text(200)));
    let mut raw = Raw::ready(&setup).await;
    let short = raw.call("chat", json!({"prompt": "short"})).await["continuation_id"].clone();
    let long = raw.call("chat", json!({"prompt": "long"})).await["continuation_id"].clone();
    for (arguments, code, says) in [
        (json!({"continuation_id": short, "part": 2}), "not_found", "short enough"),
        (json!({"continuation_id": long, "part": 99}), "not_found", "no part 99: this answer has "),
        (
            json!({"continuation_id": exai_core::AnswerId::new().to_string(), "part": 2}),
            "not_found",
            "belongs to someone else",
        ),
        (json!({"continuation_id": long, "part": 0}), "invalid_input", "part: "),
        (json!({"part": 2}), "invalid_input", "continuation_id: is required"),
    ] {
        let answer = raw.call("chat", arguments.clone()).await;
        assert_eq!(answer["code"], code, "{arguments}: {answer}");
        assert!(answer["message"].as_str().unwrap().contains(says), "{arguments}: {answer}");
    }
    assert_eq!(setup.vendor.stats().calls, 2);
}

/// Neither a thread's id nor an answer's is enough.
#[tokio::test]
async fn parts_belong_to_their_owner() {
    let setup = Setup::new()
        .await
        .with("EXAI_TOKEN", "the-key-of-the-user")
        .with("CI_KEY", "the-key-of-the-pipeline");
    let clients = "[[clients]]\nname = \"ci\"\ntoken_env = \"CI_KEY\"\n";
    std::fs::write(setup.home.path().join("config/config.toml"), clients).unwrap();
    setup.vendor.default_answer(Answer::text(long_text(300)));
    let served = Served::start(&setup).await;
    let user = ("authorization", "Bearer the-key-of-the-user");
    let ci = ("x-api-key", "the-key-of-the-pipeline");
    let first = served.call("chat", &json!({"prompt": "mine", "model": MODEL}), &[user]).await.tool();
    let by_thread = json!({"continuation_id": first["continuation_id"], "part": 2});
    for arguments in [by_thread, first["rest"]["call"]["arguments"].clone()] {
        assert_eq!(served.call("chat", &arguments, &[user]).await.tool()["part"], 2);
        let refused = served.call("chat", &arguments, &[ci]).await.tool();
        assert_eq!(refused["code"], "not_found", "{refused}");
    }
    served.terminate();
    assert_eq!(served.ended().await.0, 0);
}
