//! Wrong values on the command line: exit code 2, with the names that were probably meant, and nobody is asked.

use serde_json::Value;

use super::{clean, sample};
use crate::support::{MODEL, Setup};

/// Each with what its message must have.
#[tokio::test]
async fn wrong_values_are_wrong_usage() {
    let setup = Setup::new().await;
    clean(&setup);
    for (line, words) in [
        ("models --provider nope", "there is no provider `nope`; configured: custom"),
        ("models --provider opnai", "there is no provider `opnai`; did you mean openai?"),
        ("models --provider glm", "provider `glm` is not configured: set GLM_API_KEY"),
        ("threads show abc", "`abc` is not the id of a thread; `exai-mcp threads list` shows them"),
        ("threads export 018f8f5e-3b5a-7000-8000-000000000000", "does not exist or has expired"),
        ("threads delete --yes zzz", "`zzz` is not the id of a thread"),
        ("threads search", "<WORDS>..."),
        ("prompts show nonsense", "there is no prompt `nonsense`; the prompts are "),
        ("prompts show coderewiev", "there is no prompt `coderewiev`; did you mean codereview?"),
        ("activity --since banana", "since: "),
        ("activity --tool nope", "there is no tool `nope`; the tools are activity, "),
        ("activity --tool codreview", "there is no tool `codreview`; did you mean codereview?"),
        ("activity --state odd", "state: expected one of running, "),
        ("usage --by year", "by: expected one of day, "),
        ("usage --until banana", "until: "),
        ("run codreview src", "there is no tool `codreview`; did you mean codereview?"),
        ("run nosuchtool src", "there is no tool `nosuchtool`; the tools are "),
        ("run codereview src --base=", "--base is empty"),
        ("run codereview src --model= ", "--model is empty"),
        ("run chat -p hi --continue=", "--continue is empty"),
        ("run chat -p hi -a =3", "--arg =3: write NAME=VALUE"),
        ("run chat -p hi -a temperature", "--arg temperature: write NAME=VALUE"),
        ("run chat -p hi -a temprature=1", "chat has no such field; did you mean temperature?"),
        ("run usage -a zzzz=1", "usage has no such field; its fields are by, since, until"),
        ("run chat -p hi -a temperature=hot", "temperature: expected a number"),
        ("run chat -p hi --fail-on high", "--fail-on looks at findings, and chat has none"),
        ("run thinkdeep -p hi --fail-on high", "--fail-on looks at findings, and thinkdeep has none"),
        ("run planner -p hi --fail-on low", "--fail-on looks at findings, and planner has none"),
        (
            "run chat -p hi --model offline",
            "`offline` asks no model, and chat cannot answer without one; these can: analyze, ",
        ),
        ("run thinkdeep -p hi --model offline", "and thinkdeep cannot answer without one"),
        ("run chat --explain -m offline", "and chat cannot answer without one"),
    ] {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let (code, told, complaint) = setup.run(&arguments).await;
        assert!(code == 2 && complaint.contains(words), "{line}: {code}\n{told}\n{complaint}");
    }
    assert_eq!(setup.vendor.calls().len(), 0, "nobody is asked");
}

/// A file that does not exist is none, whatever the tool.
#[tokio::test]
async fn missing_files_have_one_code() {
    let setup = Setup::new().await;
    clean(&setup);
    for tool in ["chat", "codereview", "file_query"] {
        let (code, told, complaint) = setup.run(&["run", tool, "src/ad.py", "-p", "what is it"]).await;
        let words = "file_not_found: `src/ad.py` does not exist; near it: src/add.py";
        assert!(code == 3 && complaint.contains(words), "{tool}: {code}\n{told}\n{complaint}");
        assert!(!complaint.contains("continue with"), "the same call fails again: {complaint}");
    }
    assert_eq!(setup.vendor.calls().len(), 0, "nobody is asked");
}

/// Names of other servers are understood where clients may use them.
#[tokio::test]
async fn other_names_of_tools_run_them() {
    let setup = Setup::new().await;
    sample(&setup);
    for (name, tool) in [
        ("review", "codereview"),
        ("thinkdeeper", "thinkdeep"),
        ("chat_EXAI-WS", "chat"),
        ("self-check", "status"),
    ] {
        let arguments: &[&str] = match tool {
            "status" => &["--json"],
            "codereview" => &["src", "--json"],
            _ => &["-p", "hi", "--json"],
        };
        let (code, told, complaint) = setup.run(&[&["run", name], arguments].concat()).await;
        let answer: Value =
            serde_json::from_str(&told).unwrap_or_else(|error| panic!("{name}: {error} {complaint}"));
        assert_eq!(answer["metadata"]["tool_name"], tool, "{answer:#}");
        // What the mock says to a review is no list of findings.
        assert_eq!(code, if tool == "codereview" { 3 } else { 0 }, "{answer:#}");
    }
    let (code, told, _) = setup.run(&["activity", "--tool", "thinkdeeper"]).await;
    assert!(code == 0 && told.contains(&format!("thinkdeep  custom/{MODEL}")), "{told}");
}

/// A wrong name of a field is told before the words are asked for; its other names stand for it.
#[tokio::test]
async fn other_names_of_fields_are_understood() {
    let setup = Setup::without_provider().await;
    let (code, told, complaint) = setup.run(&["run", "planner", "-a", "task=move the shop", "--json"]).await;
    assert_eq!(code, 0, "{complaint}");
    assert!(told.contains("move the shop"), "{told}");
}
