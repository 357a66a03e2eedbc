//! Reviews and investigations step by step: what the agent is told, what the expert is sent, what the thread remembers.

use exai_mock_vendor::{Answer, Gate};
use serde_json::{Value, json};

use crate::support::{Program, Setup, Upstream, expert_answer, sample_project, within};

/// The one true finding about the sample project.
fn page_count_finding() -> Value {
    json!({"severity": "high", "path": "src/pages.py", "line": 4, "quote": "return total // size",
        "title": "Last page is not counted", "detail": "51 items of size 50 give 1 page.", "fix": "return -(-total // size)"})
}

/// A project with the sample files, and a program on it.
async fn begin() -> (Setup, Program) {
    let setup = Setup::new().await;
    sample_project(setup.project.path());
    let program = setup.start().await;
    (setup, program)
}

/// A review in one call.
fn one_shot(step: &str, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("fields are an object, not {more}") };
    let mut arguments = json!({"step": step, "step_number": 1, "total_steps": 1, "next_step_required": false,
        "findings": "", "relevant_files": ["src"]});
    arguments.as_object_mut().expect("an object").extend(more);
    arguments
}

/// A review in three steps asks the expert once at the end.
#[tokio::test]
async fn three_steps_ask_the_expert_once() {
    let (setup, program) = begin().await;
    let pages = setup.project.path().join("src/pages.py");
    let main = setup.project.path().join("src/main.py");
    let invented = json!({"severity": "low", "path": "src/main.py", "line": 3, "quote": "print(page_count(0, 0))", "title": "Crashes"});
    let findings = json!([invented, page_count_finding()]);
    setup.vendor.then(Answer::text(expert_answer("code_review_complete", "Do not merge yet.", findings)));

    let first = program
        .call("codereview", json!({"step": "Review the paging.", "step_number": 1, "total_steps": 3, "next_step_required": true,
            "findings": "page_count divides totals.", "relevant_files": [pages], "review_type": "full", "focus_on": "arithmetic"}))
        .await;
    let thread = first.thread();
    let first = first.ok();
    assert_eq!(first.as_object().expect("an object").keys().next().expect("a key"), "status");
    assert_eq!(first["status"], "pause_for_code_review");
    assert_eq!(first["codereview_required"], true);
    assert!(first["required_actions"].as_array().is_some_and(|actions| actions.len() >= 3), "{first:#}");
    assert!(first["next_steps"].as_str().is_some_and(|text| text.contains("step_number 2")), "{first:#}");
    assert_eq!(first["code_review_status"]["relevant_files"], 1);
    assert!(
        first.get("code_review_complete").is_none() && first.get("expert_analysis").is_none(),
        "{first:#}"
    );

    let second = program
        .call("codereview", json!({"step": "Look at the caller.", "step_number": 2, "total_steps": 3, "next_step_required": true,
            "findings": "main.py:3 asks for 51 items.", "relevant_files": [main], "files_checked": [pages],
            "issues_found": [{"severity": "high", "description": "The last page may be lost."}], "continuation_id": thread}))
        .await
        .ok();
    assert_eq!(second["status"], "pause_for_code_review");
    assert_eq!(second["code_review_status"]["issues_by_severity"], json!({"high": 1}));
    assert_ne!(second["required_actions"], first["required_actions"]);
    assert_eq!(setup.vendor.stats().calls, 0, "a pausing step asks nobody");

    let last = program
        .call(
            "codereview",
            json!({"step": "Conclude.", "step_number": 3, "total_steps": 3, "next_step_required": false,
            "findings": "Both files are read.", "confidence": "high", "continuation_id": thread}),
        )
        .await
        .ok();
    assert_eq!(setup.vendor.stats().calls, 1);
    assert_eq!(last["status"], "calling_expert_analysis");
    assert_eq!((&last["code_review_complete"], &last["expert_called"]), (&json!(true), &json!(true)));
    assert_eq!(last["continuation_id"], json!(thread));
    assert_eq!(last["summary"], "Do not merge yet.");
    assert_eq!(last["complete_code_review"]["initial_request"], "Review the paging.");
    assert_eq!(last["complete_code_review"]["steps_taken"], 3);
    assert_eq!(last["expert_analysis"]["status"], "code_review_complete");
    let findings = last["findings"].as_array().expect("findings");
    let brief: Vec<_> =
        findings.iter().map(|finding| (&finding["path"], &finding["line"], &finding["citation"])).collect();
    assert_eq!(
        brief,
        [
            (&json!("src/pages.py"), &json!(4), &json!("exact")),
            (&json!("src/main.py"), &json!(3), &json!("absent"))
        ],
        "the worst first, each checked against the file"
    );
    let metadata = &last["metadata"];
    assert_eq!(
        (&metadata["attempts"], &metadata["from_cache"], &metadata["persisted"]),
        (&json!(1), &json!(false), &json!(true))
    );
    assert_eq!(metadata["files_summary"]["included"], 2);

    // The whole prompt, because every word of it costs and counts.
    insta::assert_snapshot!("review_request", Upstream::last(&setup.vendor).rendered());
    program.stop().await;
}

/// A file that is edited while the expert reads makes its findings stale.
#[tokio::test]
async fn an_edited_file_makes_findings_stale() {
    let (setup, program) = begin().await;
    let gate = Gate::new();
    let in_main = json!({"severity": "low", "path": "src/main.py", "line": 3, "quote": "print(page_count(51, 50))", "title": "Prints"});
    let answer = expert_answer("code_review_complete", "One bug.", json!([page_count_finding(), in_main]));
    setup.vendor.then(Answer::text(answer).gated(&gate));
    let call = program.begin("codereview", one_shot("Review.", json!({}))).await;
    within("the consultation", gate.wait_for_arrivals(1)).await;
    setup.file("src/pages.py", "def page_count(total, size):\n    return -(-total // size)\n");
    gate.open();
    let answer = Program::answer(call).await.ok();
    let found: Vec<_> =
        answer["findings"].as_array().expect("findings").iter().map(|finding| &finding["citation"]).collect();
    assert_eq!(found, [&json!("stale"), &json!("exact")], "{answer:#}");
    program.stop().await;
}

/// Every tool continues a thread also after the program was killed.
#[tokio::test]
async fn tools_continue_threads_after_a_kill() {
    let (setup, program) = begin().await;
    let texts = [
        "RIVER: review the paging",
        "STONE: floor division",
        "CLOUD: conclude",
        "EMBER: the expert's verdict",
        "MAPLE: what did you find?",
        "QUARTZ: floor division again",
        "TUNDRA: why is page 2 empty?",
        "FJORD: the cause",
    ];
    let verdict = expert_answer("code_review_complete", texts[3], json!([page_count_finding()]));
    let cause = json!({"status": "analysis_complete", "summary": texts[7], "hypotheses": [], "findings": [], "next_steps": []});
    setup.vendor.script(vec![Answer::text(verdict), Answer::text(texts[5]), Answer::text(cause.to_string())]);
    let first = program
        .call(
            "codereview",
            json!({"step": texts[0], "step_number": 1, "total_steps": 2, "next_step_required": true,
            "findings": texts[1], "relevant_files": ["src/pages.py"]}),
        )
        .await;
    let thread = first.thread();
    let last = json!({"step": texts[2], "next_step_required": false, "continuation_id": thread});
    program.call("codereview", last).await.ok();

    let chat = program.call("chat", json!({"prompt": texts[4], "continuation_id": thread})).await.ok();
    assert_eq!(chat["continuation_id"], json!(thread));
    let sent = Upstream::last(&setup.vendor);
    assert_eq!(sent.roles(), ["user", "assistant", "user"]);
    for text in &texts[..5] {
        assert_eq!(sent.count(text), 1, "{text} in {sent:#?}");
    }
    assert_eq!(
        sent.count("<file path=\"src/pages.py\""),
        1,
        "the files of earlier steps are read again, once"
    );

    let question = json!({"step": texts[6], "step_number": 1, "total_steps": 1, "next_step_required": false,
        "findings": "It is.", "relevant_files": ["src/main.py"], "continuation_id": thread});
    let debug = program.call("debug", question).await.ok();
    assert_eq!(
        (&debug["status"], &debug["investigation_complete"]),
        (&json!("calling_expert_analysis"), &json!(true))
    );
    assert_eq!(debug["summary"], texts[7]);
    let sent = Upstream::last(&setup.vendor);
    for text in &texts[..7] {
        assert_eq!(sent.count(text), 1, "{text} in {sent:#?}");
    }
    assert_eq!(sent.count("<file path="), 2);

    program.kill().await;
    let program = setup.start().await;
    let after = program
        .call("chat", json!({"prompt": "GLACIER: and after the crash?", "continuation_id": thread}))
        .await
        .ok();
    assert_eq!(after["content"], "ok: Files follow between fences with the tag");
    let sent = Upstream::last(&setup.vendor);
    assert_eq!(sent.roles(), ["user", "assistant", "user", "assistant", "user", "assistant", "user"]);
    for text in texts.iter().chain(&["GLACIER: and after the crash?"]) {
        assert_eq!(sent.count(text), 1, "{text} in {sent:#?}");
    }
    program.stop().await;
}

#[tokio::test]
async fn one_call_goes_straight_to_the_expert() {
    let (setup, program) = begin().await;
    setup.vendor.then(Answer::text(expert_answer(
        "code_review_complete",
        "One bug.",
        json!([page_count_finding()]),
    )));
    let answer = program.call("codereview", one_shot("Review the paging.", json!({}))).await.ok();
    assert_eq!(
        (&answer["status"], &answer["expert_called"]),
        (&json!("calling_expert_analysis"), &json!(true))
    );
    assert_eq!(answer["findings"][0]["citation"], "exact");
    assert_eq!(setup.vendor.stats().calls, 1);
    let sent = Upstream::last(&setup.vendor);
    assert_eq!(sent.count("Review the paging."), 1);
    assert_eq!(sent.count("<file path="), 2, "a folder gives its files");
    program.stop().await;
}

/// A step that needs no expert asks none and says why.
#[tokio::test]
async fn an_unneeded_expert_is_not_asked() {
    let (setup, program) = begin().await;
    let final_step = |more: Value| one_shot("Conclude.", more);
    let internal =
        program.call("codereview", final_step(json!({"review_validation_type": "internal"}))).await.ok();
    assert_eq!(internal["status"], "code_review_complete_ready_for_implementation");
    assert_eq!(internal["expert_analysis"]["status"], "skipped_due_to_internal_analysis_type");
    assert_eq!(
        (&internal["skip_expert_analysis"], &internal["code_review_complete"]),
        (&json!(true), &json!(true))
    );

    let certain = program.call("debug", final_step(json!({"confidence": "certain"}))).await.ok();
    assert_eq!(certain["status"], "certain_confidence_proceed_with_fix");
    assert_eq!(certain["expert_analysis"]["status"], "skipped_due_to_certain_confidence");
    assert_eq!(
        (&certain["expert_called"], &certain["investigation_complete"]),
        (&json!(false), &json!(true))
    );

    let unwanted = program.call("codereview", final_step(json!({"use_assistant_model": false}))).await.ok();
    assert_eq!(
        (&unwanted["status"], &unwanted["expert_called"]),
        (&json!("local_work_complete"), &json!(false))
    );
    assert!(
        unwanted["next_steps"].as_str().is_some_and(|text| text.contains("use_assistant_model")),
        "{unwanted:#}"
    );

    let thin = program
        .call("debug", json!({"step": "It hangs.", "findings": "Sometimes.", "next_step_required": false}))
        .await
        .ok();
    assert_eq!(thin["status"], "local_work_complete");
    assert!(thin["next_steps"].as_str().is_some_and(|text| text.contains("too little evidence")), "{thin:#}");
    assert_eq!(setup.vendor.stats().calls, 0);
    program.stop().await;
}

#[tokio::test]
async fn internal_holds_until_the_end() {
    let (setup, program) = begin().await;
    let first = program
        .call("codereview", json!({"step": "Review.", "step_number": 1, "total_steps": 2, "next_step_required": true, "findings": "x",
            "relevant_files": ["src"], "review_validation_type": "internal"}))
        .await;
    let last = json!({"step": "Done.", "findings": "y", "next_step_required": false, "continuation_id": first.thread()});
    let last = program.call("codereview", last).await.ok();
    assert_eq!(last["status"], "code_review_complete_ready_for_implementation");
    assert_eq!(setup.vendor.stats().calls, 0);
    program.stop().await;
}

/// An expert that needs more gives the answer its status.
#[tokio::test]
async fn an_expert_may_need_more() {
    let (setup, program) = begin().await;
    let wants_files = json!({"status": "files_required_to_continue", "mandatory_instructions": "Show the tests.", "files_needed": ["tests/"]});
    let wants_focus = json!({"status": "focused_review_required", "reason": "Too mixed.", "suggestion": "src/pages.py first"});
    let no_bug = json!({"status": "no_bug_found", "summary": "Works as written.", "areas_examined": ["src/pages.py:4"], "questions": []});
    for (tool, wanted) in
        [("codereview", &wants_files), ("codereview", &wants_focus), ("debug", &wants_files)]
    {
        setup.vendor.then(Answer::text(wanted.to_string()));
        let answer = program.call(tool, one_shot(&format!("Look at {wanted}"), json!({}))).await.ok();
        assert_eq!(answer["status"], wanted["status"], "{tool}");
        let content: Value =
            serde_json::from_str(answer["content"].as_str().expect("content")).expect("content is JSON");
        assert_eq!(&content, wanted);
        assert!(
            answer["continuation_id"].is_string() && answer.get("code_review_complete").is_none(),
            "{answer:#}"
        );
    }
    setup.vendor.then(Answer::text(no_bug.to_string()));
    let answer = program.call("debug", one_shot("Is it a bug?", json!({}))).await.ok();
    assert_eq!(
        (&answer["status"], &answer["investigation_complete"]),
        (&json!("no_bug_found"), &json!(true))
    );
    assert_eq!(answer["summary"], "Works as written.");
    assert_eq!(answer["expert_analysis"]["areas_examined"], no_bug["areas_examined"]);
    program.stop().await;
}

/// The work goes on when the expert has asked for files.
#[tokio::test]
async fn work_goes_on_after_a_request() {
    let (setup, program) = begin().await;
    let wanted = json!({"status": "files_required_to_continue", "mandatory_instructions": "BASALT: show main.py", "files_needed": ["src/main.py"]});
    setup.vendor.script(vec![
        Answer::text(wanted.to_string()),
        Answer::text(expert_answer("code_review_complete", "One bug.", json!([page_count_finding()]))),
    ]);
    let asked = program
        .call("codereview", one_shot("HARBOR: review", json!({"relevant_files": ["src/pages.py"]})))
        .await;
    let more = json!({"step": "LANTERN: here it is", "findings": "As asked.", "relevant_files": ["src/main.py"], "next_step_required": false,
        "continuation_id": asked.thread()});
    let answer = program.call("codereview", more).await.ok();
    assert_eq!((&answer["status"], &answer["step_number"]), (&json!("calling_expert_analysis"), &json!(2)));
    assert_eq!(answer["complete_code_review"]["steps_taken"], 2);
    let sent = Upstream::last(&setup.vendor);
    for text in ["HARBOR: review", "LANTERN: here it is", "BASALT: show main.py"] {
        assert_eq!(sent.count(text), 1, "{text} in {sent:#?}");
    }
    assert_eq!(sent.count("<file path="), 2);
    program.stop().await;
}

/// Findings below the asked severity are left out and counted.
#[tokio::test]
async fn minor_findings_are_left_out() {
    let (setup, program) = begin().await;
    let low = json!({"severity": "low", "path": "src/main.py", "line": 3, "quote": "print(page_count(51, 50))", "title": "Prints"});
    let medium = json!({"severity": "medium", "path": "src/main.py", "line": 1, "quote": "from pages import page_count", "title": "Imports"});
    let answer = expert_answer("code_review_complete", "Three.", json!([low, medium, page_count_finding()]));
    setup.vendor.default_answer(Answer::text(answer));
    for (filter, kept, left_out) in [("high", 1, json!(2)), ("medium", 2, json!(1)), ("all", 3, Value::Null)]
    {
        let answer =
            program.call("codereview", one_shot("Review.", json!({"severity_filter": filter}))).await.ok();
        assert_eq!(answer["findings"].as_array().expect("findings").len(), kept, "{filter}");
        assert_eq!(answer["metadata"]["findings_below_filter"], left_out, "{filter}");
    }
    program.stop().await;
}

/// A damaged answer is repaired and free text is kept.
#[tokio::test]
async fn a_damaged_answer_is_repaired() {
    let (setup, program) = begin().await;
    let whole = expert_answer("code_review_complete", "One bug.", json!([page_count_finding()]));
    let fenced = format!(
        "Here is my review:\n```json\n{}\n```\nGood luck!",
        whole.replace("\"next_steps\":[", "next_steps: [ /* first */ ")
    );
    let trailing = whole.replace("]}", "],}");
    for damaged in [&fenced, &trailing] {
        setup.vendor.then(Answer::text(damaged));
        let answer =
            program.call("codereview", one_shot(&format!("Review {}", damaged.len()), json!({}))).await.ok();
        assert_eq!(answer["summary"], "One bug.", "{damaged}");
        assert_eq!(answer["findings"][0]["citation"], "exact", "{damaged}");
    }
    setup.vendor.then(Answer::text("The paging loses the last page, see src/pages.py:4."));
    let answer = program.call("codereview", one_shot("Review once more.", json!({}))).await.ok();
    assert_eq!((&answer["status"], &answer["code_review_complete"]), (&json!("unreadable"), &json!(true)));
    assert_eq!(
        answer["expert_analysis"]["raw_analysis"],
        "The paging loses the last page, see src/pages.py:4."
    );
    assert_eq!(answer["findings"], json!([]));
    assert_eq!(setup.vendor.stats().calls, 3, "a repair is local");
    program.stop().await;
}

/// A plan takes steps, revisions and branches and asks no model.
#[tokio::test]
async fn a_plan_asks_no_model() {
    let (setup, program) = begin().await;
    let first = program.call("planner", json!({"step": "Move the store.", "step_number": 1, "total_steps": 5, "next_step_required": true})).await;
    let thread = first.thread();
    let first = first.ok();
    assert_eq!(
        (&first["status"], &first["thinking_required"]),
        (&json!("pause_for_deep_thinking"), &json!(true))
    );
    assert_eq!(
        (&first["planner_required"], &first["step_content"]),
        (&json!(true), &json!("Move the store."))
    );
    assert!(!first["required_actions"].as_array().expect("actions").is_empty());

    let step = async |arguments: Value| {
        let mut arguments = arguments;
        arguments["continuation_id"] = json!(thread);
        program.call("planner", arguments).await
    };
    let second =
        step(json!({"step": "Copy first.", "step_number": 2, "total_steps": 4, "next_step_required": true}))
            .await
            .ok();
    assert_eq!((&second["status"], &second["required_actions"]), (&json!("pause_for_planning"), &json!([])));
    let branch = json!({"step": "Or write to both.", "step_number": 3, "total_steps": 4, "next_step_required": true,
        "is_branch_point": true, "branch_from_step": 2, "branch_id": "both"});
    let branch = step(branch).await.ok();
    assert_eq!(branch["planner_status"]["branches"], json!(["both"]));
    let nameless =
        step(json!({"step": "Or.", "is_branch_point": true, "branch_from_step": 1})).await.failure();
    assert_eq!(nameless["code"], "invalid_input");
    assert!(nameless["message"].as_str().is_some_and(|text| text.starts_with("branch_id:")), "{nameless:#}");
    let revision = json!({"step": "Copy in batches.", "step_number": 3, "total_steps": 4, "next_step_required": true,
        "is_step_revision": true, "revises_step_number": 2});
    let revision = step(revision).await.ok();
    assert_eq!(
        revision["planner_status"]["step_history_length"], 3,
        "step 1, the branch, and the revision in place of step 2"
    );
    let last = step(
        json!({"step": "Switch over.", "step_number": 4, "total_steps": 4, "next_step_required": false}),
    )
    .await
    .ok();
    assert_eq!(last["status"], "planner_complete");
    assert_eq!((&last["planning_complete"], &last["planner_complete"]), (&json!(true), &json!(true)));
    assert!(
        last["plan_summary"].as_str().is_some_and(|text| text.starts_with("COMPLETE PLAN: Switch over.")),
        "{last:#}"
    );
    assert_eq!(setup.vendor.stats().calls, 0);

    // The plan is part of the thread that an expert sees.
    program.call("chat", json!({"prompt": "Is the plan sound?", "continuation_id": thread})).await.ok();
    let sent = Upstream::last(&setup.vendor);
    for text in
        ["Move the store.", "Or write to both.", "Copy in batches.", "Switch over.", "Is the plan sound?"]
    {
        assert_eq!(sent.count(text), 1, "{text} in {sent:#?}");
    }
    program.stop().await;
}
