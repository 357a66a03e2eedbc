//! Checks before a commit: the change is read from a real repository by the program, and an expert judges it.

mod command;
mod hook;
mod hostile;
mod kinds;
mod names;

use exai_mock_vendor::Answer;
use serde_json::{Map, Value, json};

use crate::support::{Program, Setup, Upstream, expert_answer};

const PAGES: &str = "def page_count(total, size):\n    return -(-total // size)\n";

/// A project with one commit and one change that is not committed.
async fn changed() -> Setup {
    let setup = Setup::new().await.with("EXAI_RETRIES", "0");
    setup.file("pages.py", PAGES);
    setup.file("main.py", "from pages import page_count\n\nprint(page_count(51, 50))\n");
    setup.repository();
    setup.file("pages.py", PAGES.replace("-(-total // size)", "total // size"));
    setup
}

/// A check in one call.
fn check(more: &Value) -> Value {
    let mut arguments = Map::new();
    arguments.insert("step".to_owned(), json!("Check the change."));
    arguments.insert("step_number".to_owned(), json!(1));
    arguments.insert("total_steps".to_owned(), json!(1));
    arguments.insert("next_step_required".to_owned(), json!(false));
    arguments.insert("findings".to_owned(), json!(""));
    arguments.extend(more.as_object().expect("an object").clone());
    Value::Object(arguments)
}

fn verdict() -> Answer {
    let finding = json!([{"severity": "high", "path": "pages.py", "line": 2, "quote": "return total // size",
        "title": "The last page is lost", "detail": "51 items of size 50 give 1 page.", "fix": "Keep the ceiling."}]);
    Answer::text(expert_answer("validation_complete", "Not yet.", finding))
}

/// Starts the server and checks the change in one call.
async fn checked(setup: &Setup, more: &Value) -> (Program, Value) {
    let program = setup.start().await;
    setup.vendor.then(verdict());
    let answer = program.call("precommit", check(more)).await.ok();
    (program, answer)
}

/// The names of the files that an answer says have changed.
fn names(answer: &Value) -> Vec<&str> {
    let files = answer["changes"]["files"].as_array().unwrap_or_else(|| panic!("no changes in {answer:#}"));
    files.iter().map(|file| file["path"].as_str().expect("a path")).collect()
}

#[tokio::test]
async fn one_call_reads_the_change() {
    let setup = changed().await;
    let (program, answer) = checked(&setup, &json!({"focus_on": "arithmetic"})).await;
    assert_eq!(answer["status"], "calling_expert_analysis");
    assert_eq!((&answer["validation_complete"], &answer["summary"]), (&json!(true), &json!("Not yet.")));
    assert_eq!(answer["findings"][0]["citation"], "exact", "a citation of a changed line: {answer:#}");
    let changes = &answer["changes"];
    assert_eq!(
        (&changes["files_changed"], &changes["insertions"], &changes["deletions"], &changes["branch"]),
        (&json!(1), &json!(1), &json!(1), &json!("main"))
    );
    let sent = Upstream::last(&setup.vendor);
    assert_eq!(sent.count("return -(-total // size)"), 1, "the removed line is shown once");
    assert!(sent.question().contains("arithmetic"));
    insta::assert_snapshot!("precommit_request", sent.rendered());
    program.stop().await;
}

/// A pausing step tells what has changed and the last one reads it anew.
#[tokio::test]
async fn a_pausing_step_reports_the_change() {
    let setup = changed().await;
    let program = setup.start().await;
    let first =
        program.call("precommit", check(&json!({"total_steps": 2, "next_step_required": true}))).await;
    let thread = first.thread();
    let first = first.ok();
    assert_eq!(
        (&first["status"], &first["precommit_required"]),
        (&json!("pause_for_validation"), &json!(true))
    );
    assert_eq!(names(&first), ["pages.py"]);
    assert!(first["required_actions"].as_array().is_some_and(|actions| actions.len() >= 3), "{first:#}");
    assert_eq!(setup.vendor.stats().calls, 0);

    setup.file("main.py", "print('changed meanwhile')\n");
    setup.vendor.then(verdict());
    let go_on = json!({"step_number": 2, "total_steps": 2, "continuation_id": thread, "findings": "MAPLE"});
    let last = program.call("precommit", check(&go_on)).await.ok();
    assert_eq!(names(&last), ["main.py", "pages.py"]);
    assert_eq!(last["complete_validation"]["steps_taken"], 2);
    let sent = Upstream::last(&setup.vendor);
    assert_eq!((sent.count("changed meanwhile"), sent.count("MAPLE")), (1, 1));
    program.stop().await;
}

/// The expert is left out when the check is internal and when nothing has changed.
#[tokio::test]
async fn the_expert_is_left_out_when_unneeded() {
    let setup = changed().await;
    let program = setup.start().await;
    let internal = program.call("precommit", check(&json!({"precommit_type": "internal"}))).await.ok();
    assert_eq!(internal["status"], "validation_complete_ready_for_commit");
    assert_eq!(internal["expert_analysis"]["status"], "skipped_due_to_internal_analysis_type");
    assert_eq!(names(&internal), ["pages.py"]);
    let local = program.call("precommit", check(&json!({"use_assistant_model": false}))).await.ok();
    assert_eq!(local["status"], "local_work_complete");

    let staged = program.call("precommit", check(&json!({"include_unstaged": false}))).await.ok();
    assert_eq!(staged["changes"]["files_changed"], 0, "{staged:#}");
    assert!(staged.to_string().contains("nothing has changed; make or stage a change"), "{staged:#}");
    assert_eq!(setup.vendor.stats().calls, 0);
    program.stop().await;
}

/// A failing expert is an error and chat goes on with the thread.
#[tokio::test]
async fn chat_continues_after_a_failed_expert() {
    let setup = changed().await;
    let program = setup.start().await;
    setup.vendor.then(Answer::server_error());
    let reply = program.call("precommit", check(&json!({}))).await;
    let thread = reply.thread();
    assert_eq!(reply.failure()["code"], "unavailable");
    setup.vendor.then(verdict());
    let again = json!({"continuation_id": thread});
    let answer = program.call("precommit", check(&again)).await.ok();
    assert_eq!((&answer["summary"], &answer["continuation_id"]), (&json!("Not yet."), &json!(thread)));
    let ask = json!({"prompt": "why not?", "continuation_id": thread});
    program.call("chat", ask).await.ok();
    let sent = Upstream::last(&setup.vendor);
    assert!(sent.rendered().contains("Not yet.") && sent.question().contains("why not?"));
    program.stop().await;
}

/// A review and an audit look at a change too.
#[tokio::test]
async fn reviews_read_a_change_too() {
    let setup = changed().await;
    let program = setup.start().await;
    let diff = setup.git(&["diff"]);
    for tool in ["codereview", "secaudit"] {
        for look_at in [json!({"diff": "unstaged"}), json!({"compare_to": "HEAD"}), json!({"diff": diff})] {
            setup.vendor.then(verdict());
            let answer = program.call(tool, check(&look_at)).await.ok();
            assert_eq!(answer["changes"]["files_changed"], 1, "{tool} {look_at}: {answer:#}");
            let sent = Upstream::last(&setup.vendor);
            assert_eq!(sent.count("return -(-total // size)"), 1, "{tool} {look_at}: {}", sent.rendered());
        }
        let nothing = program.call(tool, check(&json!({"diff": "these are only words"}))).await.failure();
        assert!(
            nothing["message"].as_str().is_some_and(|text| text.contains("no unified diff")),
            "{nothing:#}"
        );
    }
    program.stop().await;
}
