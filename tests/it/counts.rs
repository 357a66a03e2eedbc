//! What is sent, counted: prompts grow with the new text only, windows are filled, pausing steps ask nobody.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::support::{MODEL, Setup, Upstream};

/// Words that fill a file or a turn; no two numbers give the same text.
fn filler(number: usize, bytes: usize) -> String {
    let mut text = String::new();
    for word in 0.. {
        if text.len() >= bytes {
            break;
        }
        write!(text, "word{}of{number} ", word * 7 % 1000).expect("a string takes text");
    }
    text
}

/// A model with a window of our choice.
fn window(setup: Setup, tokens: u32) -> Setup {
    let models = json!({"models": [{"model_name": MODEL, "context_window": tokens}]});
    let path = setup.home.path().join("models.json");
    std::fs::write(&path, models.to_string()).expect("the file can be written");
    setup.with("CUSTOM_MODELS_CONFIG_PATH", path.to_str().expect("a path in text"))
}

#[tokio::test]
async fn thirty_turns_cost_what_they_say_and_each_text_is_sent_once() {
    let setup = window(Setup::new().await, 200_000);
    let program = setup.start().await;
    let mut thread: Option<String> = None;
    let mut prompts = Vec::new();
    let mut answers = 0;
    for turn in 0..30 {
        let prompt = format!("turn {turn} begins {} ends", filler(turn, 2_000));
        let mut arguments = json!({"prompt": prompt});
        if let Some(thread) = &thread {
            arguments["continuation_id"] = json!(thread);
        }
        let reply = program.call("chat", arguments).await;
        thread = Some(reply.thread());
        prompts.push(prompt);
        let sent = Upstream::last(&setup.vendor);
        let unique: usize = prompts.iter().map(|prompt| json!(prompt).to_string().len()).sum();
        let allowed = (json!(sent.system).to_string().len() + unique + answers) * 11 / 10;
        assert!(sent.bytes <= allowed, "turn {turn}: {} bytes were sent, {allowed} are allowed", sent.bytes);
        answers += reply.ok()["content"].as_str().expect("text").len();
    }
    let last = Upstream::last(&setup.vendor);
    for prompt in &prompts {
        assert_eq!(last.count(prompt), 1, "{}", &prompt[..20]);
    }
    assert_eq!(last.messages.len(), 59, "thirty questions and twenty-nine answers");
    program.stop().await;
}

#[tokio::test]
async fn more_files_than_fit_fill_the_window_and_every_one_is_accounted_for() {
    let tokens: u32 = 40_000;
    let setup = window(Setup::new().await, tokens);
    let mut offered = Vec::new();
    for number in 0..60 {
        let name = format!("src/file_{number:02}.txt");
        setup.file(&name, filler(number, 600 + number * 7919 % 9_000).replace(' ', "\n"));
        offered.push(name);
    }
    let program = setup.start().await;
    let answer = program
        .call(
            "codereview",
            json!({"step": "Review.", "next_step_required": false, "relevant_files": offered}),
        )
        .await
        .ok();
    let files = answer["metadata"]["files"].as_array().expect("a report").clone();
    let named: Vec<&str> = files.iter().filter_map(|file| file["path"].as_str()).collect();
    for name in &offered {
        assert_eq!(named.iter().filter(|path| *path == name).count(), 1, "{name} stands in the report once");
    }
    assert!(
        files.iter().all(|file| file["status"] == "included" || file["reason"].is_string()),
        "{files:#?}"
    );
    assert!(answer["metadata"]["files_summary"]["skipped"].as_u64() > Some(0), "not everything fitted");
    // What is left of the window for the prompt: a quarter stays for the answer.
    let budget = u64::from(tokens - tokens / 4);
    let sent = Upstream::last(&setup.vendor);
    let given: u64 = files.iter().filter_map(|file| file["tokens"].as_u64()).sum();
    let fixed = exai_engine::context::estimate_tokens(&sent.system);
    let used = given + u64::from(fixed);
    assert!(used <= budget, "{used} tokens in a budget of {budget}");
    assert!(used * 100 >= budget * 95, "only {used} of {budget} tokens are used");
    program.stop().await;
}

#[tokio::test]
async fn a_pausing_step_asks_nobody() {
    let setup = Setup::new().await;
    setup.file("src/a.py", "x = 1\n");
    let program = setup.start().await;
    let mut thread = Value::Null;
    for step in 1..=3 {
        let reply = program
            .call("codereview", json!({"step": format!("look, part {step}"), "step_number": step, "total_steps": 9,
                "next_step_required": true, "findings": "nothing yet", "relevant_files": ["src"], "continuation_id": thread}))
            .await;
        thread = json!(reply.thread());
        reply.ok();
    }
    assert_eq!(setup.vendor.stats().calls, 0);
    assert!(setup.vendor.requests().is_empty(), "not even a list of models is fetched");
    program.stop().await;
}
