//! `run` with a model: where the words come from, what is shown meanwhile, and how it is interrupted.

use std::process::Stdio;

use exai_mock_vendor::{Answer, Gate};
use serde_json::{Value, json};

use crate::support::{MODEL, Raw, Setup, Terminal, Upstream, within};

/// Words come from the command line or from a pipe.
#[tokio::test]
async fn words_come_from_arguments_or_a_pipe() {
    let setup = Setup::new().await;
    let (code, told, _) = setup.run(&["run", "chat", "--prompt", "from the line"]).await;
    assert!(code == 0 && told.starts_with("ok: from the line\n"), "{told}");
    let (code, told, _) = setup.run_with_input(&["call", "chat"], "from the pipe\n").await;
    assert!(code == 0 && told.starts_with("ok: from the pipe\n"), "{told}");
    let (code, told, aside) =
        setup.run_with_input(&["run", "chat", "-p", "from the line again"], "from the pipe").await;
    assert!(code == 0 && told.starts_with("ok: from the line again\n"), "{told}");
    assert!(aside.contains(&format!("\nanswered by custom/{MODEL} · price not known · ")), "{aside}");
}

#[tokio::test]
async fn runs_remember_where_they_began() {
    let setup = Setup::new().await;
    let (code, ..) = setup.run(&["run", "chat", "-p", "from the line"]).await;
    assert_eq!(code, 0);
    setup.assert_latest_run("cli", concat!("exai-mcp-run ", env!("CARGO_PKG_VERSION"))).await;
    let mut raw = Raw::ready(&setup).await;
    raw.send_call(1, "chat", json!({"prompt": "over a pipe"})).await;
    raw.next().await;
    setup.assert_latest_run("stdio", "raw 1").await;
}

#[tokio::test]
async fn every_argument_can_be_given() {
    let setup = Setup::new().await;
    setup.file("one.txt", "the word is marzipan\n");
    let arguments = [
        "run",
        "chat",
        "one.txt",
        "-p",
        "look",
        "-m",
        "other-model",
        "-a",
        "temperature=0.25",
        "-a",
        "thinking_mode=high",
        "--json",
    ];
    let (code, told, _) = setup.run(&arguments).await;
    assert_eq!(code, 0, "{told}");
    let sent = &setup.vendor.calls()[0].json;
    assert_eq!((&sent["model"], &sent["temperature"]), (&json!("other-model"), &json!(0.25)));
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["metadata"]["requested"], "other-model");
    assert_eq!(Upstream::last(&setup.vendor).count("marzipan"), 1);
}

#[tokio::test]
async fn a_thread_is_continued_in_another_process() {
    let setup = Setup::new().await;
    let (_, told, _) = setup.run(&["run", "chat", "-p", "my name is Ada", "--json"]).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    let thread = told["continuation_id"].as_str().unwrap();
    let (code, ..) = setup.run(&["run", "chat", "--continue", thread, "-p", "what is my name"]).await;
    assert_eq!(code, 0);
    let sent = Upstream::last(&setup.vendor);
    assert_eq!(
        (sent.count("my name is Ada"), sent.count("what is my name")),
        (2, 1),
        "once said, once repeated by the model"
    );
}

/// Progress is shown on the terminal and not in the answer.
#[tokio::test]
async fn progress_stays_out_of_the_answer() {
    let setup = Setup::new().await;
    let gate = Gate::new();
    setup.vendor.default_answer(Answer::text("here it is").gated(&gate));
    let mut terminal = Terminal::start(&setup, "'$0' run chat --prompt hi --json > answer.json");
    within("the call", setup.vendor.wait_for_calls(1)).await;
    terminal.until("chat: ").await;
    gate.open();
    assert!(terminal.ended().await.0);
    let answer = std::fs::read_to_string(setup.project.path().join("answer.json")).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
    assert_eq!(answer["content"], "here it is");
}

#[tokio::test]
async fn an_interruption_keeps_the_words() {
    let setup = Setup::new().await;
    setup.vendor.default_answer(Answer::never());
    let mut command = setup.command();
    command
        .args(["run", "chat", "--prompt", "are you there"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    within("the call", setup.vendor.wait_for_calls(1)).await;
    let pid = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = within("the end", child.wait_with_output()).await.unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(output.stdout, b"");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("interrupted; thread "),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    within("the end of the upstream call", setup.vendor.wait_for_disconnects(1)).await;
    let (_, listed, _) = setup.run(&["threads", "list", "--json"]).await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[0]["title"], "are you there", "{listed}");
    let thread = listed[0]["continuation_id"].as_str().unwrap();
    let (_, shown, _) = setup.run(&["threads", "show", thread, "--json"]).await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let state = shown["runs"][0]["state"].as_str().unwrap_or_default();
    assert!(["cancelled", "interrupted"].contains(&state), "{shown:#}");
}

#[tokio::test]
async fn a_lost_reader_is_no_failure() {
    let setup = Setup::without_provider().await;
    for arguments in [vec!["config", "env-example"], vec!["tools", "--json"], vec!["--help"], vec!["version"]]
    {
        let mut command = setup.command();
        let mut child = command
            .args(&arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = within("the end", child.wait_with_output()).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
}
