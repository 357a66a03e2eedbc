//! What repositories can be in, and what is said where none can be read.

use exai_mock_vendor::Answer;
use serde_json::{Value, json};

use super::{PAGES, changed, check, checked, names};
use crate::support::{Setup, Upstream, expert_answer};

/// Staged changes, unstaged ones and a branch are looked at as asked.
#[tokio::test]
async fn the_wanted_side_is_compared() {
    let setup = changed().await;
    setup.file("staged.py", "STAGED = 1\n");
    setup.git(&["add", "staged.py"]);
    let program = setup.start().await;
    let files = async |more: Value| {
        setup.vendor.then(super::verdict());
        let answer = program.call("precommit", check(&more)).await.ok();
        names(&answer).join(" ")
    };
    assert_eq!(files(json!({"include_unstaged": false})).await, "staged.py");
    assert_eq!(files(json!({"include_staged": false})).await, "pages.py");
    assert_eq!(files(json!({})).await, "pages.py staged.py");
    setup.git(&["checkout", "-q", "-b", "topic"]);
    setup.commit("second");
    assert_eq!(files(json!({"compare_to": "main"})).await, "pages.py staged.py");
    let failure = program.call("precommit", check(&json!({"compare_to": "mian"}))).await.failure();
    assert_eq!(failure["code"], "invalid_input");
    let message = failure["message"].as_str().expect("a message");
    assert!(message.contains("compare_to") && message.contains("main"), "{message}");
    program.stop().await;
}

/// A rename, a binary file and a deletion are named.
#[tokio::test]
async fn renames_and_deletions_are_named() {
    let setup = Setup::new().await;
    setup.file("old_name.py", PAGES.repeat(8));
    setup.file("gone.py", "GONE = 1\n");
    setup.file("logo.png", [0x89, b'P', b'N', b'G', 0, 1, 2, 3]);
    setup.repository();
    setup.git(&["mv", "old_name.py", "new_name.py"]);
    setup.file("logo.png", [0x89, b'P', b'N', b'G', 0, 9, 9, 9, 9]);
    std::fs::remove_file(setup.project.path().join("gone.py")).expect("the file was there");
    let (program, answer) = checked(&setup, &json!({})).await;
    let files = answer["changes"]["files"].as_array().expect("files");
    let file = |name: &str| {
        let found = files.iter().find(|file| file["path"] == name);
        found.unwrap_or_else(|| panic!("{name} is not named in {answer:#}"))
    };
    assert_eq!(
        (&file("new_name.py")["status"], &file("new_name.py")["from"]),
        (&json!("renamed"), &json!("old_name.py"))
    );
    assert_eq!(file("gone.py")["status"], "deleted");
    assert!(file("logo.png")["withheld"].as_str().is_some_and(|why| why.contains("binary")), "{answer:#}");
    let sent = Upstream::last(&setup.vendor);
    assert!(sent.count("GONE = 1") == 1 && sent.count("logo.png") >= 1, "{}", sent.rendered());
    program.stop().await;
}

/// Signs that end a line for others are shown by their names, and an expert that quotes these cites the line all the same.
#[tokio::test]
async fn a_quoted_line_break_is_found() {
    let setup = changed().await;
    setup.file("pages.py", format!("{PAGES}left = \"a\u{2028}b\"\rright = 2\nlast = 3\n"));
    let program = setup.start().await;
    let finding = |line: u32, quote: &str| json!({"severity": "high", "path": "pages.py", "line": line, "quote": quote, "title": quote, "detail": "d", "fix": "f"});
    let findings = json!([
        finding(3, "left = \"a<U+2028>b\"<U+000D>right = 2"),
        finding(4, "last = 3"),
        finding(5, "b\"<U+000D>right = 2")
    ]);
    for (call, name) in [(json!({}), "precommit"), (json!({"relevant_files": ["pages.py"]}), "codereview")] {
        setup.vendor.then(Answer::text(expert_answer("validation_complete", "s", findings.clone())));
        let answer = program.call(name, check(&call)).await.ok();
        let found = answer["findings"].as_array().expect("findings");
        let brief: Vec<_> = found.iter().map(|finding| (&finding["line"], &finding["citation"])).collect();
        let expected = [(json!(3), json!("exact")), (json!(4), json!("exact")), (json!(3), json!("moved"))];
        assert_eq!(
            brief,
            expected.iter().map(|(line, citation)| (line, citation)).collect::<Vec<_>>(),
            "{name}: {answer:#}"
        );
        let sent = Upstream::last(&setup.vendor);
        assert!(
            sent.question().contains("left = \"a<U+2028>b\"<U+000D>right = 2\n"),
            "{name}: {}",
            sent.rendered()
        );
    }
    program.stop().await;
}

/// A merge under way and one that is done are understood.
#[tokio::test]
async fn merges_are_understood() {
    let setup = Setup::new().await;
    setup.file("a.py", "A = 1\n");
    setup.repository();
    setup.git(&["checkout", "-q", "-b", "topic"]);
    setup.file("a.py", "A = 2\n");
    setup.commit("theirs");
    setup.git(&["checkout", "-q", "main"]);
    setup.file("a.py", "A = 3\n");
    setup.commit("ours");
    let (merged, said) = setup.try_git(&["merge", "topic"]);
    assert!(!merged, "a conflict: {said}");
    let (program, answer) = checked(&setup, &json!({})).await;
    assert_eq!(names(&answer), ["a.py"]);
    let told = answer["changes"].to_string();
    assert!(told.contains("merge") && told.contains("conflict"), "{told}");
    assert_eq!(Upstream::last(&setup.vendor).count("<<<<<<<"), 1);
    program.stop().await;

    setup.file("a.py", "A = 4\n");
    setup.commit("merged");
    let (program, answer) = checked(&setup, &json!({"compare_to": "HEAD~1"})).await;
    assert_eq!(names(&answer), ["a.py"]);
    program.stop().await;
}

/// Ten thousand changed files are counted and packed, and the rest is named.
#[tokio::test]
async fn ten_thousand_changes_are_packed() {
    // The whole answer at once, whatever this client is.
    let setup = Setup::new().await.with_window(32_000).with("EXAI_ANSWER_CHARS", "0");
    for number in 0..10_000 {
        setup.file(&format!("d{}/f{number}.py", number % 100), format!("VALUE = {number}\n"));
    }
    setup.repository();
    for number in 0..10_000 {
        setup.file(&format!("d{}/f{number}.py", number % 100), format!("OTHER = {number}\n"));
    }
    let (program, answer) = checked(&setup, &json!({})).await;
    let changes = &answer["changes"];
    assert_eq!((&changes["files_changed"], &changes["insertions"]), (&json!(10_000), &json!(10_000)));
    let listed = changes["files"].as_array().expect("files").len();
    assert!(listed <= 200 && changes["not_listed"] == json!(10_000 - listed), "{listed}");
    let sent = Upstream::last(&setup.vendor);
    let shown = sent.count("OTHER = ");
    assert!((100..10_000).contains(&shown), "{shown} diffs fit into the window");
    assert!(sent.bytes < 32_000 * 4, "the request has {} bytes", sent.bytes);
    let left_out = format!("Changes of {} files are not given", 10_000 - shown);
    assert_eq!(sent.count(&left_out), 1, "{left_out}: {}", sent.question());
    program.stop().await;
}

/// A repository without a commit is a change of everything.
#[tokio::test]
async fn without_a_commit_everything_is_changed() {
    let setup = Setup::new().await;
    setup.file("a.py", "A = 1\n");
    setup.git(&["init", "-q", "-b", "main"]);
    let (program, answer) = checked(&setup, &json!({})).await;
    assert_eq!(names(&answer), ["a.py"]);
    assert_eq!(Upstream::last(&setup.vendor).count("A = 1"), 1);
    program.stop().await;
}

/// Outside a repository the files that are named are checked as they are, and the answer says so.
#[tokio::test]
async fn outside_a_repository_files_are_checked() {
    let setup = Setup::new().await;
    setup.file("pages.py", "def page_count(total, size):\n    return total // size\n");
    let files = json!({"relevant_files": ["pages.py"]});
    let (program, answer) = checked(&setup, &files).await;
    assert_eq!(answer["findings"][0]["citation"], "exact", "{answer:#}");
    let compared = answer["changes"]["compared"].as_str().unwrap_or_default();
    assert!(compared.contains("no git repository") && compared.contains("not known"), "{answer:#}");
    let sent = Upstream::last(&setup.vendor);
    assert_eq!((sent.count("return total // size"), sent.count("in no git repository")), (1, 1));
    // Without a model the same files are inspected.
    let offline = program
        .call("precommit", check(&json!({"relevant_files": ["pages.py"], "model": "offline"})))
        .await
        .ok();
    assert_eq!(offline["changes"]["compared"], compared, "{offline:#}");
    // A revision cannot be compared with, and a broken repository is not taken for none.
    let compare = json!({"relevant_files": ["pages.py"], "compare_to": "main"});
    assert_eq!(program.call("precommit", check(&compare)).await.failure()["code"], "invalid_input");
    setup.file(".git", "gitdir: /nowhere\n");
    let broken = program.call("precommit", check(&files)).await.failure();
    assert!(broken["message"].as_str().is_some_and(|text| text.contains("is not there")), "{broken:#}");
    program.stop().await;
}

/// Where no change can be read the answer says what to do.
#[tokio::test]
async fn an_unreadable_change_says_what_to_do() {
    let setup = Setup::new().await;
    setup.file("a.py", "A = 1\n");
    let program = setup.start().await;
    let none = program.call("precommit", check(&json!({}))).await.failure();
    assert!(
        none["message"]
            .as_str()
            .is_some_and(|text| text.contains("git init") || text.contains("no git repository")),
        "{none:#}"
    );
    let outside = program.call("precommit", check(&json!({"path": "/etc"}))).await.failure();
    assert_eq!(outside["code"], "forbidden", "{outside:#}");
    let missing = program.call("precommit", check(&json!({"path": "no/such/folder"}))).await.failure();
    assert_eq!(missing["code"], "invalid_input", "{missing:#}");
    assert_eq!(setup.vendor.stats().calls, 0);
    program.stop().await;

    let setup = changed().await.with("PATH", "/nowhere");
    let program = setup.start().await;
    let missing = program.call("precommit", check(&json!({}))).await.failure();
    let message = missing["message"].as_str().expect("a message");
    assert!(message.contains("git was not found") && message.contains("Install git"), "{message}");
    program.stop().await;
}
