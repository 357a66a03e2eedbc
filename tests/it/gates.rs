//! `run --fail-on`: a pipeline passes only where a review was made, read, and of everything.

use std::{fs, path::PathBuf};

use exai_mock_vendor::{Answer, Usage};
use serde_json::{Value, json};

use crate::support::{Setup, Terminal, expert_answer};

const ORDERS: &str = "import sqlite3\nimport time\n\nCACHE = {}\n\n\ndef find_order(db, order_id):\n    query = \"SELECT * FROM orders WHERE id = '%s'\" % order_id\n    return db.execute(query).fetchone()\n";
const GATE: [&str; 5] = ["run", "codereview", "shop", "--fail-on", "high"];

async fn shop() -> Setup {
    let setup = Setup::new().await;
    setup.file("shop/orders.py", ORDERS);
    setup
}

/// Answers that language models wrote, with what a person reads in them.
fn shapes() -> Vec<(String, String, Value)> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/answers/tests/corpus/shapes"));
    let paths = fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path());
    let texts = paths.filter(|path| path.extension().is_some_and(|extension| extension == "txt"));
    let read = |path: PathBuf| fs::read_to_string(path).expect("text");
    let mut shapes: Vec<_> = texts
        .map(|path| {
            let about = serde_json::from_str(&read(path.with_extension("json"))).expect("JSON");
            (path.display().to_string(), read(path), about)
        })
        .collect();
    shapes.sort_by(|a, b| a.0.cmp(&b.0));
    shapes
}

/// Whether a person would fail the gate on this answer; `None` where two readings are right.
fn is_severe(about: &Value) -> Option<bool> {
    let severe = |word: &Value| matches!(word.as_str(), Some("critical" | "high" | "unknown"));
    let words = about["severities"].as_array().expect("severities");
    let also = about["severities_also"].as_array().into_iter().flatten();
    let maybe =
        also.into_iter().any(|also| also.as_array().map_or(severe(also), |also| also.iter().any(severe)));
    let surely = words.iter().any(severe);
    if !surely && maybe { None } else { Some(surely) }
}

/// Each of them gets the exit code of what it says, or that of a review that was not read.
#[tokio::test]
async fn no_shape_of_an_answer_slips_through() {
    let setup = shop().await;
    let mut read = 0;
    for (name, text, about) in shapes() {
        // The further attempt is of no use.
        setup.vendor.then(Answer::text(&text));
        setup.vendor.then(Answer::text("I have nothing to add to that."));
        let (code, told, complaint) = setup.run(&[&GATE[..], &["-p", &name]].concat()).await;
        setup.vendor.reset();
        if code == 3 {
            assert!(complaint.contains("exit 3: "), "{name}: {complaint}");
            continue;
        }
        assert!(about["complete"] == true && about["refusal"] == false, "{name}: exit {code}\n{told}");
        if let Some(severe) = is_severe(&about) {
            assert_eq!(code, i32::from(severe), "{name}: {told}\n{complaint}");
        }
        read += 1;
    }
    assert!(read >= 38, "only {read} were read");
}

#[tokio::test]
async fn a_further_attempt_reads_prose() {
    let setup = shop().await;
    let prose = "The order id is pasted into the statement, so anybody can read any order.";
    let as_findings = |title: &str| {
        json!({"summary": "", "findings": [{"severity": "", "path": "", "line": 0, "quote": "", "title": title, "detail": "", "fix": ""}]}).to_string()
    };
    setup.vendor.then(Answer::text(prose));
    setup.vendor.then(Answer::text(as_findings("The order id is pasted into the statement")));
    let (code, told, complaint) = setup.run(&GATE).await;
    assert_eq!(code, 1, "{told}{complaint}");
    assert!(told.contains("The order id is pasted into the statement"), "{told}");
    let further = setup.vendor.calls()[1].json.to_string();
    assert!(further.contains(prose) && !further.contains("CACHE"), "the text and no file: {further}");
    // What the text does not say is not taken.
    let other = "The loop has no end, so a broken database stops the program.";
    setup.vendor.then(Answer::text(other));
    setup.vendor.then(Answer::text(as_findings("Everything is perfectly safe here")));
    assert_eq!(setup.run(&[&GATE[..], &["-p", "again"]].concat()).await.0, 3);
    // Nobody asks twice for a person.
    setup.vendor.then(Answer::text(prose));
    assert_eq!(setup.run(&["run", "codereview", "shop", "-p", "third"]).await.0, 3);
    assert_eq!(setup.vendor.stats().calls, 5);
}

#[tokio::test]
async fn what_was_not_shown_fails() {
    let setup = shop().await;
    // A count that fits what is sent, or the provider would have cut the prompt.
    let fine = Answer::text(expert_answer("code_review_complete", "Fine.", json!([])));
    setup.vendor.default_answer(fine.usage(Usage::new(60_000, 10)));
    setup.file("shop/big.py", "x = 'some words that take room'\n".repeat(60_000));
    let (code, _, complaint) = setup.run(&GATE).await;
    assert!(code == 3 && complaint.contains("--allow-partial accepts that"), "{complaint}");
    assert_eq!(setup.run(&[&GATE[..], &["--allow-partial"]].concat()).await.0, 0);
    let (code, _, complaint) = setup.run(&["run", "codereview", "shop", "shpo", "--fail-on", "low"]).await;
    assert!(code == 3 && complaint.contains("`shpo` does not exist; near it: shop"), "{complaint}");
    std::fs::create_dir(setup.project.path().join("nothing")).unwrap();
    let (code, _, complaint) =
        setup.run(&["run", "codereview", "shop/orders.py", "nothing", "--fail-on", "low"]).await;
    assert!(code == 3 && complaint.contains("not read: nothing (no files"), "{complaint}");
    // What the provider has cut was not shown either.
    setup.vendor.then(Answer::text(expert_answer("code_review_complete", "Fine.", json!([]))));
    let (code, _, complaint) = setup.run(&[&GATE[..], &["-p", "and now", "-a", "fresh=true"]].concat()).await;
    assert!(code == 3 && complaint.contains("it has cut the prompt"), "{complaint}");
    // Without a gate only a missing answer is a failure.
    assert_eq!(setup.run(&["run", "codereview", "shop"]).await.0, 0);
}

#[tokio::test]
async fn a_job_without_its_key_fails() {
    let setup = Setup::without_provider().await;
    setup.file("shop/orders.py", "print(1)\n");
    let (code, _, complaint) = setup.run(&GATE).await;
    assert!(code == 3 && complaint.contains("no model was asked"), "{complaint}");
    assert_eq!(setup.run(&[&GATE[..], &["--model", "offline"]].concat()).await.0, 0);
    assert_eq!(setup.run(&["run", "codereview", "shop"]).await.0, 0, "a person gets the inspection");
    assert_eq!(setup.run(&["run", "chat", "-p", "hello"]).await.0, 3);
}

#[tokio::test]
async fn orders_to_a_terminal_stay_text() {
    let setup = shop().await;
    let finding = json!({"severity": "high", "path": "shop/orders.py", "line": 8, "title": "\u{1b}[2J\u{202e}Gone", "detail": "\u{9b}31mred"});
    setup.vendor.then(Answer::text(expert_answer(
        "code_review_complete",
        "\u{1b}]0;title\u{7}One.",
        json!([finding]),
    )));
    let mut terminal = Terminal::start(&setup, "$0 run codereview shop");
    terminal.until("continue with").await;
    let shown = terminal.shown.clone();
    for order in ["\u{1b}[2J", "\u{202e}", "\u{9b}", "\u{1b}]0;title"] {
        assert!(!shown.contains(order), "{shown:?}");
    }
    assert!(shown.contains("Gone") && shown.contains("One."), "{shown:?}");
}

/// What a stranger's file is called is one word of a line, whatever it has in it; and a word that ends an answer is said.
#[tokio::test]
async fn names_stay_on_their_line() {
    let setup = shop().await;
    let forged = "shop/x\nnote: all is well\u{2028}\u{e0041}.py";
    setup.file(forged, "print(1)\n");
    let finding = json!({"severity": "low", "path": forged, "line": 1, "title": "One\nHIGH  y:1  forged", "quote": "print(1)"});
    let answer = expert_answer("code_review_complete", "One.", json!([finding]));
    setup.vendor.then(Answer::text(answer).finish_reason("went-away"));
    let (_, shown, about) = setup.run(&["run", "codereview", forged]).await;
    assert!(shown.contains("x\\nnote: all is well\\u{2028}\\u{e0041}.py:1"), "{shown}");
    assert!(shown.contains("One\\nHIGH"), "{shown}");
    assert!(about.contains("ended the answer with `went-away`"), "{about}");
    assert!(about.contains("run codereview $'shop/x\\U0000000anote: all is well\\U00002028"), "{about}");
    let lines = shown.lines().chain(about.lines());
    assert!(
        lines.clone().all(|line| !line.starts_with("note: all") && !line.starts_with("HIGH")),
        "{shown}{about}"
    );
}
