//! Other agents on this machine: real child processes, read-only flags, limits, and an orderly end of all they have started.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::support::{Program, Setup, within};

/// A folder of scripts that stands in for the search path's agents.
fn agent(setup: &Setup, name: &str, script: &str) {
    let folder = setup.home.path().join("bin");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

async fn setup() -> Setup {
    let setup =
        Setup::without_provider().await.with("EXAI_TOOL_PROFILE", "full").with("OPENAI_API_KEY", "sk-canary");
    let bin = setup.home.path().join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    let path = format!("{}:/usr/bin:/bin", bin.display());
    setup.file("shop.py", "def total(): ...\n");
    setup.with("PATH", &path)
}

fn config(setup: &Setup, text: &str) {
    let path = setup.home.path().join("config/config.toml");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Each known agent is started read-only with the prompt on its input.
#[tokio::test]
async fn known_agents_start_read_only() {
    let setup = setup().await;
    let cases = [
        (
            "codex",
            r#"printf '{"type":"item.completed","item":{"type":"agent_message","text":"%s"}}\n' "$*""#,
            "--sandbox read-only",
        ),
        ("claude", r#"printf '{"type":"result","result":"%s"}' "$*""#, "--permission-mode plan"),
        ("gemini", r#"printf '{"response":"%s","stats":{}}' "$*""#, "--approval-mode default"),
        ("opencode", r#"printf '{"type":"text","part":{"text":"%s"}}' "$*""#, "--agent plan"),
        ("qwen", r#"printf '{"response":"%s"}' "$*""#, "--approval-mode plan"),
    ];
    for (name, answer, _) in cases {
        agent(&setup, name, &format!("cat > input-of-{name}\nenv > environment-of-{name}\n{answer}"));
    }
    let program = setup.start().await;
    for (name, _, flags) in cases {
        let ask = json!({"prompt": "Where is the tax?", "cli_name": name, "role": "codereviewer", "absolute_file_paths": ["shop.py"]});
        let answer = program.call("clink", ask).await.ok();
        assert!(answer["content"].as_str().unwrap().contains(flags), "{name}: {answer:#}");
        assert_eq!(
            (&answer["metadata"]["read_only"], &answer["metadata"]["output_understood"]),
            (&json!(true), &json!(true)),
            "{name}"
        );
        assert_eq!(
            (&answer["metadata"]["return_code"], &answer["metadata"]["role"]),
            (&json!(0), &json!("codereviewer"))
        );
        let input = std::fs::read_to_string(setup.project.path().join(format!("input-of-{name}"))).unwrap();
        assert!(input.starts_with("You are asked by another coding agent for a review."), "{input}");
        assert!(
            input.contains("shop.py (17 bytes)") && input.contains("# Request\nWhere is the tax?"),
            "{input}"
        );
        assert!(!input.contains("def total"), "files are named, not sent");
        let environment =
            std::fs::read_to_string(setup.project.path().join(format!("environment-of-{name}"))).unwrap();
        assert!(
            !environment.contains("sk-canary") && environment.contains("EXAI_CLINK_DEPTH=1"),
            "{environment}"
        );
        assert!(environment.lines().any(|line| line.starts_with("HOME=")));
        let permission = environment.lines().find_map(|line| line.strip_prefix("OPENCODE_PERMISSION="));
        let allowed = permission.map(|text| serde_json::from_str::<Value>(text).unwrap());
        let reads = json!({"*": "deny", "read": "allow", "grep": "allow", "glob": "allow", "list": "allow"});
        assert_eq!(allowed, (name == "opencode").then_some(reads), "{name}");
    }
    program.stop().await;
}

#[tokio::test]
async fn edits_need_configuration() {
    let setup = setup().await;
    agent(&setup, "codex", "cat > /dev/null; echo \"$*\"");
    agent(&setup, "mine", "cat > /dev/null; echo \"mine $*\"");
    config(
        &setup,
        "[clink.codex]\nallow_edits = true\nparser = \"text\"\n[clink.mine]\nargs = [\"--quiet\"]\nroles = { poet = \"Answer in rhymes.\" }\n",
    );
    let program = setup.start().await;
    let answer = program.call("clink", json!({"prompt": "x", "cli_name": "codex"})).await.ok();
    assert!(answer["content"].as_str().unwrap().contains("--sandbox workspace-write"));
    assert_eq!(answer["metadata"]["read_only"], false);
    let answer = program.call("clink", json!({"prompt": "x", "cli_name": "mine", "role": "poet"})).await.ok();
    assert_eq!(answer["content"], "mine --quiet");
    let tools = program.tools().await;
    let clink = tools.iter().find(|tool| tool.name == "clink").unwrap();
    let notes = clink.annotations.as_ref().unwrap();
    assert_eq!((notes.read_only_hint, notes.destructive_hint), (Some(false), Some(true)));
    program.stop().await;
    config(&setup, "[clink.codex]\nallow_edits = \"yes\"\ncolour = 1\n");
    let (code, told, complaint) = setup.run(&["config", "check"]).await;
    let told = format!("{told}{complaint}");
    assert!(
        code == 1
            && told.contains("clink.codex.allow_edits: expected true or false")
            && told.contains("clink.codex.colour: expected command,"),
        "{told}"
    );
}

#[tokio::test]
async fn what_cannot_start_names_what_can() {
    let setup = setup().await;
    let program = setup.start().await;
    let refused = program.call("clink", json!({"prompt": "x"})).await.failure();
    assert!(
        refused["message"].as_str().unwrap().contains("no agent is on the search path (known: codex, claude"),
        "{refused:#}"
    );
    agent(&setup, "gemini", "exit 3");
    for (arguments, told) in [
        (
            json!({"prompt": "x", "cli_name": "codex"}),
            "cli_name: `codex` is not on the search path; installed: gemini; install codex, or write its whole path as command in [clink.codex]",
        ),
        (json!({"prompt": "x", "cli_name": "sing"}), "cli_name: `sing` is not known; installed: gemini"),
        (
            json!({"prompt": "x", "role": "admin"}),
            "role: `admin` is no role of gemini; its roles are default, planner, codereviewer",
        ),
        (json!({"prompt": " "}), "prompt: say what the agent shall do"),
        (
            json!({"prompt": "x", "absolute_file_paths": ["/etc/passwd"]}),
            "absolute_file_paths: /etc/passwd: outside the allowed folders",
        ),
    ] {
        let refused = program.call("clink", arguments).await.failure();
        assert!(refused["message"].as_str().unwrap().starts_with(told), "{refused:#}");
    }
    let failed = program.call("clink", json!({"prompt": "x"})).await.failure();
    assert!(
        failed["message"].as_str().unwrap().contains("gave no answer (exit code 3): it printed nothing"),
        "{failed:#}"
    );
    program.stop().await;

    let nested = setup.with("EXAI_CLINK_DEPTH", "1");
    let program = nested.start().await;
    let refused = program.call("clink", json!({"prompt": "x"})).await.failure();
    assert!(refused["message"].as_str().unwrap().contains("starts no further agents"), "{refused:#}");
    program.stop().await;
}

/// A thread goes on between an agent and a model.
#[tokio::test]
async fn a_thread_mixes_agents_and_models() {
    let setup = setup().await;
    let setup = setup.with("CUSTOM_MODEL_NAME", "mock-model");
    let url = setup.vendor.url();
    let setup = setup.with("CUSTOM_API_URL", &url);
    agent(&setup, "claude", "cat > input; echo '{\"result\":\"The tax is in tax.py.\"}'");
    let program = setup.start().await;
    let thread = program
        .call("chat", json!({"prompt": "What is a tax?", "model": "custom/mock-model"}))
        .await
        .thread();
    let ask = json!({"prompt": "Where is it?", "continuation_id": thread});
    program.call("clink", ask).await.ok();
    let input = std::fs::read_to_string(setup.project.path().join("input")).unwrap();
    assert!(input.contains("# The conversation so far") && input.contains("ok: What is a tax?"), "{input}");
    program
        .call("chat", json!({"prompt": "And then?", "continuation_id": thread, "model": "custom/mock-model"}))
        .await
        .ok();
    assert!(setup.vendor.calls()[1].json.to_string().contains("The tax is in tax.py."));
    program.stop().await;
}

fn is_alive(pid: &str) -> bool {
    // A process that has ended and was not waited for is a zombie.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// The ids that a hanging agent wrote: its own and that of the process it has started.
async fn ids(setup: &Setup) -> Vec<String> {
    let path = setup.project.path().join("ids");
    within("the start of the agent", async {
        loop {
            let ids: Vec<String> = std::fs::read_to_string(&path)
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned)
                .collect();
            if ids.len() == 2 {
                return ids;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

async fn all_ended(ids: &[String]) {
    within("the end of the agent and of what it has started", async {
        while ids.iter().any(|id| is_alive(id)) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

const HANGING: &str = "trap '' TERM\nsleep 1000 &\necho $$ $! > ids\nwait";

/// An agent that hangs is ended with everything it has started.
#[tokio::test]
async fn a_hanging_agent_is_ended_with_children() {
    let setup = setup().await.with("EXAI_CLINK_SECONDS", "1");
    agent(&setup, "codex", HANGING);
    let program = setup.start().await;
    let failed = program.call("clink", json!({"prompt": "x"})).await.failure();
    assert_eq!(failed["code"], "timeout", "{failed:#}");
    assert!(failed["message"].as_str().unwrap().contains("the agent codex was still working"));
    all_ended(&ids(&setup).await).await;
    program.stop().await;
}

#[tokio::test]
async fn a_client_that_cancels_ends_the_agent() {
    let setup = setup().await;
    agent(&setup, "codex", HANGING);
    let program = setup.start().await;
    let handle = program.begin("clink", json!({"prompt": "x"})).await;
    let ids = ids(&setup).await;
    handle.cancel(Some("enough".to_owned())).await.unwrap();
    all_ended(&ids).await;
    program.stop().await;
}

#[tokio::test]
async fn a_client_that_goes_ends_the_agent() {
    let setup = setup().await;
    agent(&setup, "codex", HANGING);
    let program = setup.start().await;
    let handle = program.begin("clink", json!({"prompt": "x"})).await;
    let ids = ids(&setup).await;
    program.stop().await;
    all_ended(&ids).await;
    drop(handle);
}

/// An agent that floods is cut and what came is the answer.
#[tokio::test]
async fn a_flooding_agent_is_cut() {
    let setup = setup().await;
    agent(&setup, "flood", "cat > /dev/null; yes flood");
    config(&setup, "[clink.flood]\nargs = []\n");
    let program = setup.start().await;
    let handle = program.begin("clink", json!({"prompt": "x", "cli_name": "flood"})).await;
    let answer: Value = Program::answer(handle).await.ok();
    assert_eq!(answer["metadata"]["output_cut"], true, "{}", answer["metadata"]);
    assert!(answer["content"].as_str().unwrap().starts_with("flood\nflood\n"));
    assert_eq!(answer["truncated"], true, "the answer is cut to what a client shows");
    assert!(answer["rest"]["bytes"].as_u64().unwrap() > 1_000_000);
    program.stop().await;
}

/// A failure is one whatever the exit code is, and says how to log in.
#[tokio::test]
async fn failures_of_agents_are_failures() {
    let setup = setup().await;
    let cases = [
        (
            "claude",
            r#"echo '{"type":"result","is_error":true,"result":"Not logged in · Please run /login"}'"#,
            ("auth", "Not logged in", "/login"),
        ),
        (
            "qwen",
            r#"echo '[{"type":"result","is_error":false,"result":"[API Error: 401 Incorrect API key provided]"}]'"#,
            ("auth", "401", "/auth"),
        ),
        (
            "codex",
            r#"echo '{"type":"item.completed","item":{"type":"agent_message","text":"half"}}'
               echo '{"type":"turn.failed","error":{"message":"unexpected status 401 Unauthorized"}}'"#,
            ("auth", "unexpected status 401", "codex login"),
        ),
        (
            "gemini",
            "echo 'Please set an Auth method in your settings.json' >&2; echo '    at main (x.js:1)' >&2; exit 41",
            ("auth", "(exit code 41): Please set an Auth method", "GEMINI_API_KEY"),
        ),
        (
            "opencode",
            r#"echo '{"type":"error","error":{"name":"APIError","data":{"message":"API Error: 429 slow down"}}}'"#,
            ("rate_limited", "slow down", "wait"),
        ),
    ];
    for (name, script, _) in cases {
        agent(&setup, name, &format!("cat > /dev/null\n{script}"));
    }
    let program = setup.start().await;
    for (name, _, (code, reason, hint)) in cases {
        let failed = program.call("clink", json!({"prompt": "x", "cli_name": name})).await.failure();
        assert_eq!(
            (&failed["code"], &failed["retryable"]),
            (&json!(code), &json!(code != "auth")),
            "{name}: {failed:#}"
        );
        let message = failed["message"].as_str().unwrap();
        assert!(message.contains(reason) && message.contains(name), "{name}: {message}");
        assert!(!message.contains("x.js"), "a stack helps nobody: {message}");
        assert!(failed["hint"].as_str().unwrap().contains(hint), "{name}: {failed:#}");
    }
    program.stop().await;
}

/// An agent may answer and end with 1. What its answer has cost is told.
#[tokio::test]
async fn answers_count_whatever_the_exit_code() {
    let setup = setup().await;
    let result = r#"{"type":"result","result":"Here.","is_error":false,"total_cost_usd":0.5,"usage":{"input_tokens":7,"output_tokens":3}}"#;
    agent(&setup, "claude", &format!("cat > /dev/null\necho '{result}'\nexit 1"));
    agent(&setup, "mine", "cat > /dev/null\necho Sorry.\nexit 1");
    config(&setup, "[clink.mine]\nargs = []\n");
    let program = setup.start().await;
    let answer = program.call("clink", json!({"prompt": "x", "cli_name": "claude"})).await.ok();
    let metadata = &answer["metadata"];
    assert_eq!((&answer["content"], &metadata["return_code"]), (&json!("Here."), &json!(1)));
    assert_eq!((&metadata["tokens"]["input"], &metadata["tokens"]["output"]), (&json!(7), &json!(3)));
    assert_eq!(metadata["cost_usd"], 0.5);
    let failed = program.call("clink", json!({"prompt": "x", "cli_name": "mine"})).await.failure();
    assert!(failed["message"].as_str().unwrap().contains("(exit code 1): Sorry."), "{failed:#}");
    program.stop().await;
}
