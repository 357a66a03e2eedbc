//! Threads: what they keep, what they keep apart, and what they do when a call fails or calls meet.

use std::sync::Arc;

use exai_core::{
    Clock as _, Identity, SystemClock, ThreadId,
    store::{Store as _, Write},
    thread::{Turn, TurnBody, UserMessage},
};
use exai_mock_vendor::{Answer, Gate};
use serde_json::{Value, json};

use crate::support::{Program, Setup, Upstream, within};

/// What became of a file, by its path in an answer's metadata.
fn file<'v>(answer: &'v Value, path: &str) -> &'v Value {
    let files = answer["metadata"]["files"].as_array().unwrap_or_else(|| panic!("no files in {answer:#}"));
    let mut found = files.iter().filter(|file| file["path"] == path);
    let file = found.next().unwrap_or_else(|| panic!("{path} is not in {files:#?}"));
    assert!(found.next().is_none(), "{path} is listed twice in {files:#?}");
    file
}

#[tokio::test]
async fn two_threads_never_see_each_other() {
    let setup = Setup::new().await;
    setup.file("one.py", "# VERMILION content\n");
    setup.file("two.py", "# TURQUOISE content\n");
    let program = setup.start().await;
    let step = |word: &str, file: &str, number: u32, thread: Option<&String>| {
        let mut step = json!({"step": format!("{word} step {number}"), "step_number": number, "total_steps": 2,
            "next_step_required": number == 1, "findings": format!("{word} finding {number}"), "relevant_files": [file]});
        if let Some(thread) = thread {
            step["continuation_id"] = json!(thread);
        }
        step
    };
    let one = program.call("codereview", step("CRIMSON", "one.py", 1, None)).await.thread();
    let two = program.call("codereview", step("AZURE", "two.py", 1, None)).await.thread();
    program.call("codereview", step("CRIMSON", "one.py", 2, Some(&one))).await.ok();
    program.call("codereview", step("AZURE", "two.py", 2, Some(&two))).await.ok();
    for thread in [&one, &two] {
        program.call("chat", json!({"prompt": "And now?", "continuation_id": thread})).await.ok();
    }
    let sent = Upstream::all(&setup.vendor);
    assert_eq!(sent.len(), 4);
    let (ones, twos) = (["CRIMSON", "VERMILION", "one.py"], ["AZURE", "TURQUOISE", "two.py"]);
    for (request, own, foreign) in
        [(&sent[0], ones, twos), (&sent[1], twos, ones), (&sent[2], ones, twos), (&sent[3], twos, ones)]
    {
        for word in own {
            assert!(request.count(word) > 0, "{word} is missing in {request:#?}");
        }
        for word in foreign {
            assert_eq!(request.count(word), 0, "{word} in {request:#?}");
        }
    }
    program.stop().await;
}

#[tokio::test]
async fn two_conversations_stay_apart() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    let say = async |prompt: &str, thread: Option<&String>| {
        setup.vendor.then(Answer::text(format!("answer to {prompt}")));
        program.call("chat", json!({"prompt": prompt, "continuation_id": thread})).await
    };
    let one = say("crimson 1", None).await.thread();
    let two = say("azure 1", None).await.thread();
    for turn in 2..5 {
        say(&format!("crimson {turn}"), Some(&one)).await.ok();
        say(&format!("azure {turn}"), Some(&two)).await.ok();
    }
    let sent = Upstream::all(&setup.vendor);
    for (index, request) in sent.iter().enumerate() {
        let (own, foreign) = if index % 2 == 0 { ("crimson", "azure") } else { ("azure", "crimson") };
        assert_eq!(request.count(foreign), 0, "{request:#?}");
        let turns = index / 2 + 1;
        assert_eq!(request.messages.len(), 2 * turns - 1);
        for turn in 1..turns {
            assert_eq!(
                request.count(&format!("{own} {turn}")),
                2,
                "the words and their answer, once each: {request:#?}"
            );
        }
        assert_eq!(request.question(), format!("{own} {turns}"));
    }
    program.stop().await;
}

#[tokio::test]
async fn an_expert_knows_other_tools_words() {
    let setup = Setup::new().await;
    setup.file("a.py", "print(1)\n");
    let program = setup.start().await;
    let thread = program.call("chat", json!({"prompt": "The project is called OBSIDIAN."})).await.thread();
    let plan = json!({"step": "PELICAN: plan the review", "total_steps": 1, "continuation_id": thread});
    program.call("planner", plan).await.ok();
    let review = json!({"step": "Review.", "next_step_required": false, "relevant_files": ["a.py"], "continuation_id": thread});
    program.call("codereview", review).await.ok();
    let sent = Upstream::last(&setup.vendor);
    for text in ["The project is called OBSIDIAN.", "PELICAN: plan the review", "Review."] {
        assert_eq!(sent.count(text), 1 + usize::from(text.contains("OBSIDIAN")), "{text} in {sent:#?}");
    }
    assert_eq!(sent.roles(), ["user", "assistant", "user"]);
    program.stop().await;
}

/// An unknown or foreign thread is refused and nothing is asked.
#[tokio::test]
async fn a_foreign_thread_is_refused() {
    let setup = Setup::new().await;
    let foreign = ThreadId::new();
    let folder = setup.database().parent().expect("a folder").to_owned();
    std::fs::create_dir_all(folder).expect("the folder can be made");
    let store = exai_store::SqliteStore::open_lazily(
        exai_store::Settings::at(setup.database()),
        Arc::new(SystemClock),
    );
    let at = SystemClock.now();
    let body = TurnBody::Message(UserMessage {
        text: "SECRET of someone else".to_owned(),
        ..UserMessage::default()
    });
    let batch = vec![
        Write::CreateThread { id: foreign, tool: "chat".to_owned(), title: "secret".to_owned(), at },
        Write::AppendTurns {
            thread: foreign,
            turns: vec![Turn { seq: 0, tool: "chat".to_owned(), created_at: at, body }],
        },
    ];
    let someone = Identity::new("local", "someone");
    let written =
        store.write(&someone, batch).within(crate::support::PATIENCE).await.expect("the thread is stored");
    assert!(written && store.close(crate::support::PATIENCE).await);

    let program = setup.start().await;
    for id in [foreign.to_string(), ThreadId::new().to_string(), "not-an-id".to_owned()] {
        for (tool, arguments) in [
            ("chat", json!({"prompt": "What is the secret?", "continuation_id": id})),
            ("debug", json!({"step": "What is it?", "next_step_required": true, "continuation_id": id})),
        ] {
            let failure = program.call(tool, arguments).await.failure();
            assert_eq!(
                (&failure["code"], &failure["retryable"]),
                (&json!("not_found"), &json!(false)),
                "{failure:#}"
            );
            assert!(failure["message"].as_str().is_some_and(|text| text.contains(&id)), "{failure:#}");
            assert!(failure.get("continuation_id").is_none(), "nothing was kept: {failure:#}");
        }
    }
    assert_eq!(setup.vendor.stats().calls, 0);
    program.stop().await;
}

#[tokio::test]
async fn missing_step_numbers_are_filled_in() {
    let setup = Setup::new().await;
    let program = setup.start().await;
    let first = program.call("debug", json!({"step": "It hangs.", "total_steps": 3})).await;
    let thread = first.thread();
    let mut answers = vec![first.ok()];
    for step in ["I look.", "I conclude."] {
        answers.push(program.call("debug", json!({"step": step, "continuation_id": thread})).await.ok());
    }
    let numbers: Vec<_> =
        answers.iter().map(|a| (&a["step_number"], &a["total_steps"], &a["next_step_required"])).collect();
    assert_eq!(
        numbers,
        [
            (&json!(1), &json!(3), &json!(true)),
            (&json!(2), &json!(3), &json!(true)),
            (&json!(3), &json!(3), &json!(false))
        ]
    );
    program.stop().await;
}

/// A final step that failed can be repeated and is sent once.
#[tokio::test]
async fn a_failed_final_step_is_repeatable() {
    let setup = Setup::new().await.with("EXAI_RETRIES", "0");
    setup.file("a.py", "print(1)\n");
    let program = setup.start().await;
    let first = json!({"step": "WALNUT: it prints 1", "step_number": 1, "total_steps": 2, "next_step_required": true,
        "findings": "CEDAR: a constant", "relevant_files": ["a.py"]});
    let thread = program.call("debug", first).await.thread();
    let last = json!({"step": "BIRCH: conclude", "step_number": 2, "total_steps": 2, "next_step_required": false,
        "findings": "ASPEN: it is the literal", "continuation_id": thread});
    // Twice: the second repetition is the one that could see the first.
    for _ in 0..2 {
        setup.vendor.then(Answer::server_error());
        let failure = program.call("debug", last.clone()).await.failure();
        assert_eq!(
            (&failure["code"], &failure["continuation_id"]),
            (&json!("unavailable"), &json!(thread)),
            "{failure:#}"
        );
    }
    let answer = program.call("debug", last).await.ok();
    assert_eq!(
        (&answer["status"], &answer["complete_investigation"]["steps_taken"]),
        (&json!("unreadable"), &json!(2))
    );
    assert_eq!(setup.vendor.stats().calls, 3, "each call asks once");
    let texts = ["WALNUT: it prints 1", "CEDAR: a constant", "BIRCH: conclude", "ASPEN: it is the literal"];
    let sent = Upstream::last(&setup.vendor);
    for text in texts {
        assert_eq!(sent.count(text), 1, "{text} in {sent:#?}");
    }
    program.call("chat", json!({"prompt": "Sure?", "continuation_id": thread})).await.ok();
    let sent = Upstream::last(&setup.vendor);
    for text in texts {
        assert_eq!(sent.count(text), 1, "{text} afterwards in {sent:#?}");
    }
    program.stop().await;
}

/// A review in one call that failed can be repeated and is sent once.
#[tokio::test]
async fn a_failed_review_is_repeatable() {
    let setup = Setup::new().await.with("EXAI_RETRIES", "0");
    setup.file("a.py", "print(1)\n");
    let program = setup.start().await;
    let mut review = json!({"step": "WALNUT: review", "step_number": 1, "total_steps": 1, "next_step_required": false,
        "relevant_files": ["a.py"]});
    for _ in 0..3 {
        setup.vendor.then(Answer::server_error());
        let thread = program.call("codereview", review.clone()).await.failure()["continuation_id"].clone();
        assert!(thread.is_string());
        review["continuation_id"] = thread;
    }
    program.call("codereview", review).await.ok();
    assert_eq!(Upstream::last(&setup.vendor).count("WALNUT: review"), 1);
    program.stop().await;
}

/// A question that failed can be repeated and is sent once.
#[tokio::test]
async fn a_failed_question_is_repeatable() {
    let setup = Setup::new().await.with("EXAI_RETRIES", "0");
    let program = setup.start().await;
    let mut question = json!({"prompt": "ROWAN: why?"});
    for _ in 0..2 {
        setup.vendor.then(Answer::server_error());
        let failure = program.call("chat", question.clone()).await.failure();
        question["continuation_id"] = failure["continuation_id"].clone();
    }
    program.call("chat", question.clone()).await.ok();
    assert_eq!(Upstream::last(&setup.vendor).messages, [("user".to_owned(), "ROWAN: why?".to_owned())]);
    question["prompt"] = json!("ELDER: and then?");
    program.call("chat", question).await.ok();
    let sent = Upstream::last(&setup.vendor);
    assert_eq!(sent.roles(), ["user", "assistant", "user"]);
    assert_eq!(sent.messages[0].1, "ROWAN: why?");
    program.stop().await;
}

/// Calls at once on one thread all end up in it.
#[tokio::test]
async fn simultaneous_calls_share_a_thread() {
    const CALLS: usize = 16;
    let setup = Setup::new().await;
    let program = setup.start().await;
    let thread = program.call("chat", json!({"prompt": "begin"})).await.thread();
    let gate = Gate::new();
    setup.vendor.answer_with({
        let gate = gate.clone();
        move |request| {
            let question = Upstream::of(request).question().to_owned();
            let last = question.lines().last().expect("a line").to_owned();
            Some(Answer::text(format!("reply to {last}")).gated(&gate))
        }
    });
    let mut calls = Vec::new();
    for n in 0..CALLS {
        calls.push(
            program
                .begin("chat", json!({"prompt": format!("question-{n}-"), "continuation_id": thread}))
                .await,
        );
    }
    within("all consultations", gate.wait_for_arrivals(CALLS)).await;
    gate.open();
    for (n, call) in calls.into_iter().enumerate() {
        let answer = Program::answer(call).await.ok();
        assert_eq!(answer["content"], format!("reply to question-{n}-"));
        assert_eq!(answer["continuation_id"], json!(thread));
        assert_eq!(answer["metadata"]["persisted"], true);
    }
    program.call("chat", json!({"prompt": "the end", "continuation_id": thread})).await.ok();
    let sent = Upstream::last(&setup.vendor);
    for n in 0..CALLS {
        assert_eq!(sent.count(&format!("question-{n}-")), 2, "question {n} and its answer: {sent:#?}");
        assert_eq!(sent.count(&format!("reply to question-{n}-")), 1);
    }
    program.stop().await;
}

/// History beyond its budget loses the oldest turns and says how many.
#[tokio::test]
async fn long_history_loses_its_oldest_turns() {
    let setup = Setup::new().await.with_window(8_000);
    let program = setup.start().await;
    let filler = "several plain words that fill the window ".repeat(40);
    let mut thread = Value::Null;
    let mut answer = Value::Null;
    for turn in 0..8 {
        setup.vendor.then(Answer::text(format!("reply-{turn}- {filler}")));
        let prompt = json!({"prompt": format!("turn-{turn}- {filler}"), "continuation_id": thread});
        answer = program.call("chat", prompt).await.ok();
        thread = answer["continuation_id"].clone();
    }
    let dropped = usize::try_from(answer["metadata"]["history_turns_left_out"].as_u64().expect("a count"))
        .expect("small");
    let sent = Upstream::last(&setup.vendor);
    assert!((2..13).contains(&dropped), "{dropped}");
    assert_eq!(sent.messages.len(), 15 - dropped, "every turn is either sent or counted");
    for turn in 0..7 {
        let kept = usize::from(turn * 2 >= dropped);
        assert_eq!(
            (sent.count(&format!("turn-{turn}-")), sent.count(&format!("reply-{turn}-"))),
            (kept, kept),
            "turn {turn}"
        );
    }
    assert_eq!(sent.roles().first(), Some(&"user"));
    program.stop().await;
}

/// Files of earlier turns are read again and changes are named.
#[tokio::test]
async fn earlier_files_are_read_again() {
    let setup = Setup::new().await;
    for name in ["same", "edited", "removed"] {
        setup.file(&format!("{name}.py"), format!("# {name} before\n"));
    }
    let program = setup.start().await;
    let thread = program
        .call(
            "chat",
            json!({"prompt": "Read these.", "absolute_file_paths": ["same.py", "edited.py", "removed.py"]}),
        )
        .await
        .thread();
    setup.file("edited.py", "# edited after\n");
    std::fs::remove_file(setup.project.path().join("removed.py")).expect("it can be removed");
    let answer = program.call("chat", json!({"prompt": "And now?", "continuation_id": thread})).await.ok();
    let sent = Upstream::last(&setup.vendor);
    for (text, count) in
        [("# same before", 1), ("# edited after", 1), ("# edited before", 0), ("# removed before", 0)]
    {
        assert_eq!(sent.count(text), count, "{text} in {sent:#?}");
    }
    assert_eq!(file(&answer, "same.py")["status"], "included");
    assert!(file(&answer, "same.py").get("reason").is_none());
    let reason = |path: &str| file(&answer, path)["reason"].as_str().unwrap_or_default().to_owned();
    assert!(reason("edited.py").contains("changed"), "{answer:#}");
    assert!(reason("removed.py").contains("no longer there"), "{answer:#}");

    // Once it has been given, it is not new any more.
    let answer =
        program.call("chat", json!({"prompt": "And after that?", "continuation_id": thread})).await.ok();
    assert!(file(&answer, "edited.py").get("reason").is_none(), "{answer:#}");
    program.stop().await;
}

/// A conversation after a review says which reviewed files have changed.
#[tokio::test]
async fn chat_names_reviewed_files_that_changed() {
    let setup = Setup::new().await;
    setup.file("src/a.py", "# a before\n");
    setup.file("src/b.py", "# b before\n");
    let program = setup.start().await;
    let review = json!({"step": "Review.", "next_step_required": false, "relevant_files": ["src"]});
    let thread = program.call("codereview", review).await.thread();
    setup.file("src/a.py", "# a after\n");
    setup.file("src/c.py", "# c is new\n");
    let answer = program.call("chat", json!({"prompt": "Fixed?", "continuation_id": thread})).await.ok();
    let sent = Upstream::last(&setup.vendor);
    for (text, count) in [("# a after", 1), ("# a before", 0), ("# b before", 1), ("# c is new", 1)] {
        assert_eq!(sent.count(text), count, "{text} in {sent:#?}");
    }
    assert!(
        file(&answer, "src/a.py")["reason"].as_str().is_some_and(|reason| reason.contains("changed")),
        "{answer:#}"
    );
    assert!(file(&answer, "src/b.py").get("reason").is_none(), "{answer:#}");
    program.stop().await;
}

/// A range of lines stays a range in later turns.
#[tokio::test]
async fn a_range_stays_a_range() {
    let setup = Setup::new().await;
    let text: String = (1..=100).map(|line| format!("line-{line}-\n")).collect();
    setup.file("long.txt", text);
    let program = setup.start().await;
    let thread = program
        .call("chat", json!({"prompt": "See.", "absolute_file_paths": ["long.txt:10-20"]}))
        .await
        .thread();
    program.call("chat", json!({"prompt": "And?", "continuation_id": thread})).await.ok();
    let sent = Upstream::last(&setup.vendor);
    assert_eq!((sent.count("line-10-"), sent.count("line-20-")), (1, 1), "{sent:#?}");
    assert_eq!((sent.count("line-9-"), sent.count("line-21-")), (0, 0), "{sent:#?}");
    program.stop().await;
}
