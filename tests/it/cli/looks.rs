//! What the command line prints, word by word, without what differs from machine to machine.

use exai_mock_vendor::Answer;

use super::sample;
use crate::support::{Setup, expert_answer};

/// Replaces folders, names, moments and durations.
fn redacted(setup: &Setup, text: &str) -> String {
    let mut text = text.to_owned();
    let home = setup.home.path().to_str().unwrap();
    let project = setup.project.path().to_str().unwrap();
    for (found, shown) in [
        (home, "[home]"),
        (project, "[project]"),
        (env!("CARGO_BIN_EXE_exai-mcp"), "[program]"),
        (&setup.vendor.url(), "[vendor]"),
        (env!("CARGO_PKG_VERSION"), "[version]"),
    ] {
        text = text.replace(found, shown);
    }
    text.split_inclusive([' ', '\n', '"']).map(redacted_word).collect()
}

fn redacted_word(word: &str) -> String {
    let plain = word.trim_end_matches([' ', '\n', '"', ',']);
    let is_name = plain.len() == 36 && plain.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let is_moment =
        plain.len() >= 20 && plain.starts_with("20") && plain.contains('T') && plain.contains(':');
    let is_duration = plain.split_once('.').is_some_and(|(whole, part)| {
        whole.parse::<u32>().is_ok() && part.len() == 1 && part.parse::<u32>().is_ok()
    });
    let shown = match (is_name, is_moment, is_duration) {
        (true, ..) => "[name]",
        (_, true, _) => "[moment]",
        (.., true) => "[seconds]",
        _ => plain,
    };
    format!("{shown}{}", &word[plain.len()..])
}

/// Runs a subcommand that must succeed, and returns what it printed.
async fn printed(setup: &Setup, arguments: &[&str]) -> String {
    let (code, told, complaint) = setup.run(arguments).await;
    assert_eq!(code, 0, "{arguments:?}: {told}{complaint}");
    let aside = if complaint.is_empty() { String::new() } else { format!("\n[standard error]{complaint}") };
    redacted(setup, &format!("{told}{aside}"))
}

#[tokio::test]
async fn the_plain_commands_look_as_agreed() {
    let setup = Setup::new().await;
    for (name, arguments) in [
        ("help", vec!["--help"]),
        ("help_run", vec!["run", "--help"]),
        ("tools", vec!["tools"]),
        ("version", vec!["version"]),
        ("version_json", vec!["version", "--json"]),
        ("config_path", vec!["config", "path"]),
        ("config_mcp_json", vec!["config", "mcp-json"]),
        ("config_show", vec!["config", "show"]),
        ("config_check", vec!["config", "check"]),
    ] {
        insta::assert_snapshot!(name, printed(&setup, &arguments).await);
    }
}

#[tokio::test]
async fn an_offline_review_looks_as_agreed() {
    let setup = Setup::without_provider().await;
    sample(&setup);
    insta::assert_snapshot!("review_offline", printed(&setup, &["run", "codereview", "src"]).await);
}

#[tokio::test]
async fn an_experts_review_looks_as_agreed() {
    let setup = Setup::new().await;
    sample(&setup);
    let quoted = serde_json::json!({"severity": "high", "path": "src/load.py", "line": 3, "quote": "return eval(text)",
        "title": "Text is run", "detail": "Whoever controls the text controls the process.", "fix": "Parse it."});
    let invented = serde_json::json!({"severity": "low", "path": "src/load.py", "line": 40, "quote": "no such line",
        "title": "Made up", "detail": "This is not there.", "fix": ""});
    setup.vendor.default_answer(Answer::text(expert_answer(
        "analysis_complete",
        "Two findings.",
        serde_json::json!([quoted, invented]),
    )));
    insta::assert_snapshot!("review_expert", printed(&setup, &["run", "codereview", "src"]).await);
    let (code, ..) = setup.run(&["run", "codereview", "src", "--fail-on", "high"]).await;
    assert_eq!(code, 1);
}

#[tokio::test]
async fn what_comes_with_findings_is_shown() {
    let setup = Setup::new().await;
    sample(&setup);
    let tests = serde_json::json!({"status": "test_generation_complete", "summary": "One promise is tested.", "findings": [],
        "tests": [{"path": "tests/test_load.py", "framework": "pytest", "placement": "new_file",
            "code": "def test_load():\n    assert load('1') == 1\n", "covers": ["a number is read"]}],
        "not_covered": ["the network"], "pending_tests": [], "next_steps": ["pytest"]});
    setup.vendor.default_answer(Answer::text(tests.to_string()));
    insta::assert_snapshot!("tests_by_an_expert", printed(&setup, &["run", "testgen", "src/load.py"]).await);
    for (name, arguments) in [
        ("challenge", ["run", "challenge", "--prompt", "Tests are a waste of time"]),
        ("apilookup", ["run", "apilookup", "--prompt", "redis-py expiry"]),
    ] {
        insta::assert_snapshot!(name, printed(&setup, &arguments).await);
    }
    setup.vendor.answer_with(|request| {
        let model = request.json["model"].as_str().unwrap_or_default().to_owned();
        Some(Answer::text(match model.as_str() {
            "alpha" | "delta" => "Verdict: keep it.\n\nConfidence: 7/10 - tried".to_owned(),
            "beta" => "It depends.".to_owned(),
            _ => serde_json::json!({"status": "consensus_synthesis", "summary": "Two of three say keep it.",
                "agreement": [{"point": "keep it", "who": ["custom/alpha", "custom/delta"]}], "dissent": [], "no_vote": [{"who": "custom/beta", "why": "it judges nothing"}]})
            .to_string(),
        }))
    });
    let ask = [
        "run",
        "consensus",
        "--prompt",
        "Keep the queue?",
        "--arg",
        "models=alpha:for,beta,delta:against",
        "--arg",
        "synthesis=gamma",
    ];
    insta::assert_snapshot!("consensus", printed(&setup, &ask).await);
}

#[tokio::test]
async fn a_terminal_gets_help_and_no_server() {
    let setup = Setup::without_provider().await;
    let mut command = setup.shell("exec script -qec \"'$0'\" /dev/null");
    let output = crate::support::within("the end", command.output()).await.unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(told.contains("Usage:") && told.contains("codereview"), "{told}");
    assert!(told.contains("This is a terminal, so no server was started."), "{told}");
}
