//! The command line: a tool for people and for pipelines, over the same server that clients use.

mod looks;
mod lookups;
mod running;
mod saving;
mod streaming;
mod wrong_values;

use serde_json::{Value, json};

use crate::support::Setup;

/// Writes a project with one finding of each kind that the tests look for.
fn sample(setup: &Setup) {
    setup.file(
        "src/load.py",
        "def load(text):\n    try:\n        return eval(text)\n    except:\n        pass\n",
    );
    setup.file("src/keys.py", "KEY = \"AKIAIOSFODNN7EXAMPL2\"\n");
}

/// A project without anything that is worse than a remark.
fn clean(setup: &Setup) {
    setup.file("src/add.py", "def add(left, right):\n    return left + right\n");
}

/// Splits a printed command as a shell does and leaves the program's name out.
async fn execute(setup: &Setup, line: &str) -> (i32, String, String) {
    let arguments = line.strip_prefix("exai-mcp ").unwrap_or_else(|| panic!("no command: {line}"));
    let shell = format!("eval exec '\"$0\"' {}", quoted(arguments));
    let mut command = setup.shell(&shell);
    let output = crate::support::within("the command's end", command.output()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[tokio::test]
async fn a_review_needs_nothing_but_a_folder() {
    let setup = Setup::without_provider().await;
    sample(&setup);
    let (code, told, log) = setup.run(&["run", "codereview", "src"]).await;
    assert_eq!(code, 0, "{told}{log}");
    assert!(
        told.starts_with("No model was consulted. No provider is configured. Set OPENAI_API_KEY"),
        "{told}"
    );
    for line in ["HIGH     src/keys.py:1  ", "MEDIUM   src/load.py:3  ", "MEDIUM   src/load.py:4  "] {
        assert!(told.contains(&format!("\n{line}")), "{line} is not in {told}");
    }
    assert!(!told.contains("AKIAIOSFODNN7EXAMPL2"), "a secret is masked: {told}");
    assert!(log.contains("answered by offline inspection · $0.0000 · 2 files read · "), "{log}");
    let thread = log.lines().find_map(|line| line.strip_prefix("thread ")).expect("the thread is named");
    let (_, shown, _) = setup.run(&["threads", "show", thread]).await;
    assert!(shown.starts_with(&format!("thread {thread}\n")), "{shown}");
}

#[tokio::test]
async fn the_printed_command_continues_the_thread() {
    let setup = Setup::without_provider().await;
    setup.file("my files/it's.py", "def load(text):\n    return eval(text)\n");
    for tool in ["codereview", "debug", "planner"] {
        let files: &[&str] = if tool == "planner" { &[] } else { &["my files/it's.py"] };
        let (code, _, told) = setup.run(&[&["run", tool, "--prompt", "first"], files].concat()).await;
        assert_eq!(code, 0, "{told}");
        let next =
            told.lines().find_map(|line| line.strip_prefix("continue with: ")).expect("a command is printed");
        let (code, complaint, again) = execute(&setup, &next.replace("\"...\"", "\"and now\"")).await;
        assert_eq!(code, 0, "{next}: {again}{complaint}");
        let thread =
            |told: &str| told.lines().find_map(|line| line.strip_prefix("thread ")).map(str::to_owned);
        assert_eq!(thread(&again), thread(&told), "{again}");
        let (_, shown, _) = setup.run(&["threads", "show", &thread(&told).unwrap(), "--json"]).await;
        let shown: Value = serde_json::from_str(&shown).unwrap();
        let words: Vec<&str> = shown["turns"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|turn| {
                turn.pointer("/body/step/step").or(turn.pointer("/body/step")).and_then(Value::as_str)
            })
            .collect();
        assert_eq!(words, ["first", "and now"], "{shown:#}");
    }
}

#[tokio::test]
async fn steps_of_a_thread_are_counted() {
    let setup = Setup::without_provider().await;
    let begin = [
        "run",
        "planner",
        "--prompt",
        "one",
        "--arg",
        "total_steps=3",
        "--arg",
        "next_step_required=true",
        "--json",
    ];
    let (_, first, _) = setup.run(&begin).await;
    let first: Value = serde_json::from_str(&first).unwrap();
    assert_eq!((&first["step_number"], &first["next_step_required"]), (&json!(1), &json!(true)));
    let thread = first["continuation_id"].as_str().unwrap();
    let (_, second, _) =
        setup.run(&["run", "planner", "--continue", thread, "--prompt", "two", "--json"]).await;
    let second: Value = serde_json::from_str(&second).unwrap();
    assert_eq!(
        (&second["step_number"], &second["next_step_required"]),
        (&json!(2), &json!(false)),
        "{second:#}"
    );
}

/// What differs between two equal calls.
fn without_names(mut answer: Value) -> Value {
    for pointer in ["/continuation_id", "/continuation_offer/continuation_id", "/metadata/request_id"] {
        *answer.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = json!("[name]");
    }
    answer
}

#[tokio::test]
async fn json_is_what_clients_get() {
    let setup = Setup::without_provider().await;
    sample(&setup);
    let (code, told, _) = setup.run(&["run", "codereview", "src", "--json"]).await;
    assert_eq!(code, 0);
    let program = setup.start().await;
    let step = json!({"relevant_files": ["src"], "step": "Review the given files.", "step_number": 1, "total_steps": 1,
        "next_step_required": false});
    let answer = program.call("codereview", step).await.ok();
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(without_names(told).to_string(), without_names(answer).to_string());
}

#[tokio::test]
async fn a_pipeline_fails_on_findings_only() {
    let setup = Setup::without_provider().await;
    sample(&setup);
    let offline = ["--model", "offline"];
    for (least, code) in [("critical", 0), ("high", 1), ("medium", 1), ("info", 1)] {
        let (exit, told, _) =
            setup.run(&[&["run", "codereview", "src", "--fail-on", least], &offline[..]].concat()).await;
        assert_eq!(exit, code, "--fail-on {least}: {told}");
    }
    let one = ["run", "codereview", "src/load.py", "--fail-on", "high"];
    let (exit, told, _) = setup.run(&[&one[..], &offline[..]].concat()).await;
    assert_eq!(exit, 0, "{told}");
    let setup = Setup::without_provider().await;
    clean(&setup);
    let all = ["run", "codereview", "src", "--fail-on", "low"];
    let (exit, told, _) = setup.run(&[&all[..], &offline[..]].concat()).await;
    assert_eq!(exit, 0, "{told}");
}

#[tokio::test]
async fn a_review_of_nothing_is_no_success() {
    let setup = Setup::without_provider().await;
    clean(&setup);
    for files in [&["scr"][..], &["src", "lib"]] {
        let (code, told, complaint) = setup.run(&[&["run", "codereview"], files].concat()).await;
        assert_eq!((code, told.as_str()), (3, ""), "{complaint}");
        assert!(complaint.contains("does not exist"), "{complaint}");
    }
    assert_eq!(setup.run(&["run", "codereview", "src"]).await.0, 0);
}

#[tokio::test]
async fn wrong_usage_has_its_own_exit_code() {
    let setup = Setup::without_provider().await;
    clean(&setup);
    for (arguments, words) in [
        (vec!["run", "sing"], "there is no tool `sing`; the tools are activity, analyze, apilookup,"),
        (vec!["run", "chat"], "say what to do: --prompt"),
        (vec!["run", "codereview", "src", "--arg", "focus_on"], "--arg focus_on: write NAME=VALUE"),
        (vec!["run", "version", "src"], "version reads no files"),
        (vec!["run", "planner", "--prompt", "x", "--model", "y"], "planner takes no model"),
        (vec!["run"], "<TOOL>"),
        (
            vec!["run", "codereview", "src", "--fail-on", "bad"],
            "[possible values: critical, high, medium, low, info]",
        ),
        (vec!["sing"], "unrecognized subcommand 'sing'"),
        (vec!["config"], "Usage: exai-mcp config"),
    ] {
        let (code, told, complaint) = setup.run(&arguments).await;
        assert_eq!((code, told.as_str()), (2, ""), "{arguments:?}: {complaint}");
        assert!(complaint.contains(words), "{arguments:?}: {complaint}");
    }
    for (arguments, words) in [
        (vec!["threads", "show", "nonsense"], "`nonsense` is not the id of a thread"),
        (vec!["threads", "show", "8a7f3c1e-52b4-4d6b-9a51-1c2d3e4f5a6b"], "does not exist or has expired"),
    ] {
        let (code, _, complaint) = setup.run(&arguments).await;
        assert!(code == 2 && complaint.contains(words), "{arguments:?}: {complaint}");
    }
}

#[tokio::test]
async fn a_failure_says_what_to_do() {
    let setup = Setup::without_provider().await;
    let (code, told, complaint) = setup.run(&["run", "chat", "--prompt", "hi"]).await;
    assert_eq!((code, told.as_str()), (3, ""));
    let told = complaint;
    assert!(told.starts_with("no_model_configured: no model is configured. Set OPENAI_API_KEY"), "{told}");
    let (code, told, _) = setup.run(&["run", "chat", "--prompt", "hi", "--json"]).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &told["code"]), (3, &json!("no_model_configured")));
}

#[tokio::test]
async fn stored_threads_are_listed_and_shown() {
    let setup = Setup::new().await;
    let (_, none, _) = setup.run(&["threads", "list"]).await;
    assert_eq!(none, "no threads yet\n");
    for prompt in ["the first question", "the second question"] {
        let (code, ..) = setup.run(&["run", "chat", "--prompt", prompt]).await;
        assert_eq!(code, 0);
    }
    let (_, listed, _) = setup.run(&["threads", "list", "--json"]).await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let titles: Vec<&str> =
        listed.as_array().unwrap().iter().map(|thread| thread["title"].as_str().unwrap()).collect();
    // Each run is a process of its own, so the two cannot have the same moment in milliseconds.
    assert_eq!(titles, ["the second question", "the first question"]);
    let (_, one, _) = setup.run(&["threads", "list", "--limit", "1"]).await;
    assert_eq!(one.lines().count(), 1);
    assert!(one.contains("the second question"), "{one}");
    for thread in listed.as_array().unwrap() {
        let (id, title) = (thread["continuation_id"].as_str().unwrap(), thread["title"].as_str().unwrap());
        let (code, shown, _) = setup.run(&["threads", "show", id]).await;
        assert_eq!(code, 0);
        assert!(
            shown.contains(&format!(
                "\n── 1 · chat · you\n{title}\n\n── 2 · chat · custom/mock-model\nok: {title}\n"
            )),
            "{shown}"
        );
        assert!(shown.contains("custom/mock-model done"), "{shown}");
    }
}

/// Models come from the configuration and from the endpoint.
#[tokio::test]
async fn models_come_from_configuration_and_endpoint() {
    let setup = Setup::new().await;
    setup.vendor.models(&["alpha", "beta"]);
    let (code, told, _) = setup.run(&["models"]).await;
    assert_eq!(
        (code, told.as_str()),
        (
            0,
            "custom\n  mock-model · window unknown · from the configuration\n  a name that is not in this list is passed on to the endpoint as it is\n"
        )
    );
    assert_eq!(setup.vendor.requests().len(), 0, "nobody is asked");
    let (code, told, _) = setup.run(&["models", "--live"]).await;
    assert_eq!(code, 0);
    assert!(told.contains("  alpha · window unknown · listed by the endpoint\n  beta · window unknown · listed by the endpoint\n"), "{told}");
    let (_, told, _) = setup.run(&["models", "--live", "--json"]).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    let ids: Vec<&str> = told.as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["mock-model", "alpha", "beta"]);

    setup.vendor.models_answer(exai_mock_vendor::Answer::invalid_key());
    let (code, told, _) = setup.run(&["models", "--live"]).await;
    assert!(code == 1 && told.contains("the endpoint did not list its models: "), "{told}");
    let (code, _, told) = setup.run(&["models", "--provider", "nobody"]).await;
    assert!(code == 2 && told.contains("there is no provider `nobody`; configured: custom"), "{told}");
}
