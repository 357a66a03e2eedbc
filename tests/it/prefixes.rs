//! A later request of a conversation begins with the bytes of the one before it, so that providers read that part from their cache.

use exai_mock_vendor::Answer;
use serde_json::{Value, json};

use crate::{
    counts::words,
    support::{Program, Setup, Upstream},
};

/// The share of one request's beginning with which another one begins too, in hundredths of the one.
fn common_prefix(one: &Upstream, other: &Upstream) -> usize {
    let text = |sent: &Upstream| {
        let messages = sent.messages.iter().map(|(role, text)| format!("{role}: {text}\n"));
        format!("{}\n{}", sent.system, messages.collect::<String>())
    };
    let (one, other) = (text(one), text(other));
    one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count() * 100 / one.len()
}

#[tokio::test]
async fn a_follow_up_begins_like_before() {
    let setup = Setup::new().await;
    for n in 0..6_u64 {
        setup.file(&format!("src/part_{n}.py"), format!("part_{n} = \"{}\"\n", words(n, 400)));
    }
    setup.file("more.py", "more = 1\n");
    let program = setup.start().await;
    let mut thread = Value::Null;
    for (prompt, files) in [
        ("What is this?", json!(["src"])),
        ("And why?", json!([])),
        ("The folder once more, and another file.", json!(["src", "more.py"])),
        ("What of more.py?", json!(["more.py"])),
    ] {
        let call = json!({"prompt": prompt, "absolute_file_paths": files, "continuation_id": thread});
        thread = program.call("chat", call).await.ok()["continuation_id"].clone();
    }
    let sent = Upstream::all(&setup.vendor);
    for pair in sent.windows(2) {
        let share = common_prefix(&pair[0], &pair[1]);
        assert!(share >= 99, "{share} % of {:#?} and {:#?}", pair[0].messages, pair[1].messages);
    }
    for request in &sent {
        for n in 0..6 {
            assert_eq!(
                request.count(&format!("<file path=\"src/part_{n}.py\"")),
                1,
                "each file is there once"
            );
        }
    }
    // What has changed is new, and stands where the new question is.
    setup.file("src/part_0.py", "part_0 = \"something else\"\n");
    let call =
        json!({"prompt": "I changed a part.", "absolute_file_paths": ["src"], "continuation_id": thread});
    program.call("chat", call).await.ok();
    let last = Upstream::last(&setup.vendor);
    assert_eq!(last.count("<file path=\"src/part_0.py\""), 1);
    assert!(last.question().contains("something else"), "{last:#?}");
    program.stop().await;
}

/// A project with some files, under git.
async fn project() -> Setup {
    let setup = Setup::new().await;
    for n in 0..6_u64 {
        setup.file(&format!("src/part_{n}.py"), format!("part_{n} = \"{}\"\n", words(n, 400)));
    }
    setup.file("more.py", "more = 1\n");
    setup.repository();
    setup
}

/// Answers of an expert, each with a finding.
fn review(title: &str) -> Answer {
    let finding = json!({"path": "more.py", "line": 1, "severity": "low", "title": title, "detail": "d"});
    Answer::text(json!({"status": "complete", "summary": title, "findings": [finding]}).to_string())
}

/// A last step, and the thread that it continues.
async fn ends(program: &Program, tool: &str, mut step: Value, thread: &Value) -> Value {
    step["next_step_required"] = json!(false);
    step["continuation_id"] = thread.clone();
    program.call(tool, step).await.ok()
}

#[tokio::test]
async fn a_second_review_begins_like_the_first() {
    let setup = project().await;
    let program = setup.start().await;
    let mut thread = Value::Null;
    for (n, step) in [
        json!({"step": "Review it.", "findings": "It is all there.", "relevant_files": ["src"]}),
        json!({"step": "Look at the names only.", "findings": "They are odd.", "relevant_files": ["src"]}),
        json!({"step": "And at more.py.", "findings": "It is new.", "relevant_files": ["more.py", "src/part_1.py"]}),
    ]
    .into_iter()
    .enumerate()
    {
        setup.vendor.then(review(&format!("answer {n}")));
        thread = ends(&program, "codereview", step, &thread).await["continuation_id"].clone();
    }
    let sent = Upstream::all(&setup.vendor);
    assert_eq!(sent.len(), 3);
    for pair in sent.windows(2) {
        let share = common_prefix(&pair[0], &pair[1]);
        assert!(share >= 99, "{share} % of {:#?} and {:#?}", pair[0].messages, pair[1].messages);
    }
    let last = &sent[2];
    for text in [
        "<file path=\"src/part_1.py\"",
        "<file path=\"more.py\"",
        "It is all there.",
        "\"summary\":\"answer 1\"",
    ] {
        assert_eq!(last.count(text), 1, "{text}");
    }
    assert!(last.question().contains("It is new.") && last.question().contains("more = 1"));
    // What has changed is shown as it is now, and nothing as it was.
    setup.file("src/part_0.py", "part_0 = \"something else\"\n");
    let step = json!({"step": "I changed it.", "findings": "Better.", "relevant_files": ["src"]});
    ends(&program, "codereview", step, &thread).await;
    let last = Upstream::last(&setup.vendor);
    assert_eq!(last.count("<file path=\"src/part_0.py\""), 1);
    assert!(last.question().contains("something else"), "{last:#?}");
    program.stop().await;
}

#[tokio::test]
async fn the_same_changes_are_shown_once() {
    let setup = project().await;
    setup.file("src/part_2.py", "part_2 = 3\n");
    let program = setup.start().await;
    setup.vendor.then(review("first"));
    let step = json!({"step": "Check the change.", "findings": "A number.", "relevant_files": ["more.py"]});
    let first = ends(&program, "precommit", step, &Value::Null).await;
    setup.vendor.then(review("second"));
    let step = json!({"step": "Is a number right?", "findings": "Perhaps."});
    let second = ends(&program, "precommit", step, &first["continuation_id"]).await;
    let sent = Upstream::all(&setup.vendor);
    let share = common_prefix(&sent[0], &sent[1]);
    assert!(share >= 99, "{share} % of {:#?} and {:#?}", sent[0].messages, sent[1].messages);
    assert_eq!(sent[1].count("part_2 = 3"), 1);
    assert_eq!(second["content"]["findings"][0]["citation"], first["content"]["findings"][0]["citation"]);
    // A change that came since is shown.
    setup.file("src/part_2.py", "part_2 = 4\n");
    let step = json!({"step": "Now it is four.", "findings": "Changed."});
    ends(&program, "precommit", step, &first["continuation_id"]).await;
    let last = Upstream::last(&setup.vendor);
    assert_eq!((last.count("part_2 = 3"), last.count("part_2 = 4")), (0, 1), "{last:#?}");
    program.stop().await;
}

#[tokio::test]
async fn files_an_expert_asked_for_come_behind() {
    let setup = project().await;
    let program = setup.start().await;
    let asks = json!({"status": "files_required_to_continue", "files_needed": ["more.py"], "mandatory_instructions": "m"});
    setup.vendor.then(Answer::text(asks.to_string()));
    let step = json!({"step": "Review it.", "findings": "Odd names.", "relevant_files": ["src"]});
    let first = ends(&program, "codereview", step.clone(), &Value::Null).await;
    setup.vendor.then(review("with all"));
    let mut again = step;
    again["step_number"] = json!(2);
    again["relevant_files"] = json!(["src", "more.py"]);
    ends(&program, "codereview", again, &first["continuation_id"]).await;
    let sent = Upstream::all(&setup.vendor);
    let share = common_prefix(&sent[0], &sent[1]);
    assert!(share >= 99, "{share} % of {:#?} and {:#?}", sent[0].messages, sent[1].messages);
    assert!(sent[1].question().contains("more = 1"));
    assert_eq!(sent[1].count("<file path=\"src/part_0.py\""), 1);
    program.stop().await;
}
