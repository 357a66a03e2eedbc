//! Costs that are promised: how often a model is asked, how much it is sent, how much of its window is used.

use exai_context::files::estimate_tokens;
use exai_mock_vendor::Answer;
use serde_json::{Value, json};

use crate::support::{Setup, Upstream};

/// Words that differ from turn to turn and compress like prose.
pub(crate) fn words(seed: u64, bytes: usize) -> String {
    const VOCABULARY: [&str; 12] =
        ["the", "queue", "holds", "a", "permit", "until", "its", "task", "ends", "or", "gives", "up"];
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(VOCABULARY[usize::try_from(state >> 33).expect("31 bits") % VOCABULARY.len()]);
        text.push(' ');
    }
    text
}

/// A long conversation costs its own length and no more.
#[tokio::test]
async fn a_conversation_costs_its_own_length() {
    const TURNS: u64 = 30;
    let setup = Setup::new().await;
    let program = setup.start().await;
    let in_json = |text: &str| serde_json::to_string(text).expect("a text").len();
    let mut prompts: Vec<String> = Vec::new();
    let mut unique = 0;
    let mut thread = Value::Null;
    for turn in 1..=TURNS {
        let prompt = format!("turn {turn}: {}", words(turn, 2_048));
        let reply = format!("reply {turn}: {}", words(1_000 + turn, 512));
        setup.vendor.then(Answer::text(&reply));
        let answer = program.call("chat", json!({"prompt": prompt, "continuation_id": thread})).await.ok();
        thread = answer["continuation_id"].clone();
        let sent = Upstream::last(&setup.vendor);
        unique += in_json(&prompt);
        let allowed = (in_json(&sent.system) + unique) * 11 / 10;
        assert!(sent.bytes <= allowed, "turn {turn}: {} bytes for {allowed}", sent.bytes);
        unique += in_json(&reply);
        prompts.push(prompt);
    }
    let sent = Upstream::last(&setup.vendor);
    for (index, prompt) in prompts.iter().enumerate() {
        assert_eq!(sent.count(prompt), 1, "turn {}", index + 1);
    }
    assert_eq!(setup.vendor.stats().calls, prompts.len());
    program.stop().await;
}

/// Files fill the window and every one is accounted for.
#[tokio::test]
async fn files_fill_the_window() {
    for window in [8_000, 40_000] {
        offer_more_files_than_fit(window).await;
    }
}

async fn offer_more_files_than_fit(window: u32) {
    // A quarter of the window is kept for the answer.
    let input = window / 4 * 3;
    let setup = Setup::new().await.with_window(window);
    let mut names = Vec::new();
    for n in 0..40_u64 {
        let name = format!("src/part_{n}.py");
        let lines = 5 + (n * 7_919) % 180;
        let text: String = (0..lines)
            .map(|line| format!("part_{n}_{line} = \"{}\"\n", words(n * 1_000 + line, 40)))
            .collect();
        setup.file(&name, text);
        names.push(name);
    }
    let program = setup.start().await;
    for (tool, arguments) in [
        ("chat", json!({"prompt": "What is this?", "absolute_file_paths": names})),
        (
            "codereview",
            json!({"step": "Review all of it.", "next_step_required": false, "relevant_files": names}),
        ),
        (
            "debug",
            json!({"step": "Why?", "findings": "x", "next_step_required": false, "relevant_files": ["src"]}),
        ),
    ] {
        let answer = program.call(tool, arguments).await.ok();
        let summary = &answer["metadata"]["files_summary"];
        let count = |status: &str| summary[status].as_u64().expect("a count");
        let sent = Upstream::last(&setup.vendor);
        let given =
            names.iter().filter(|name| sent.count(&format!("<file path=\"{name}\"")) == 1).count() as u64;
        let told = names.iter().map(|name| sent.count(&format!("- {name}: "))).sum::<usize>();
        assert_eq!(given, count("included") + count("excerpted"), "{tool}: {summary}");
        let left_out = usize::try_from(count("excerpted") + count("skipped")).expect("a few");
        assert_eq!(count("included") + left_out as u64, names.len() as u64, "{tool}: every file is counted");
        assert_eq!(count("unseen"), left_out as u64, "{tool}: {summary}");
        let listed = answer["metadata"]["files"].as_array().expect("files").iter();
        // Those of a folder are counted, those that the call names are named.
        let most = if tool == "debug" { 5 } else { left_out };
        assert_eq!(listed.filter(|file| file["status"] != "included").count(), left_out.min(most), "{tool}");
        // The model is told of everything that it was not given whole, by name as long as that is not too long.
        let unnamed =
            if told < left_out { sent.count(&format!("- and {} more\n", left_out - told)) } else { 1 };
        assert!(told > 0 && unnamed == 1, "{tool}: {told} of {left_out} are named");
        assert!(left_out > 0 && given > 0, "{tool}: the files must not fit: {summary}");
        let used = estimate_tokens(&sent.system)
            + sent.messages.iter().map(|(_, text)| estimate_tokens(text)).sum::<u32>();
        assert!(used >= input / 100 * 95, "{tool}: {used} of {input} tokens are used");
        assert!(used <= input, "{tool}: {used} tokens for a budget of {input}");
    }
    assert_eq!(setup.vendor.stats().calls, 3);
    program.stop().await;
}

#[tokio::test]
async fn only_an_end_asks_once() {
    let setup = Setup::new().await;
    setup.file("a.py", "print(1)\n");
    let program = setup.start().await;
    for (tool, asked) in [("codereview", 1), ("debug", 1), ("planner", 0)] {
        let before = setup.vendor.stats().calls;
        let mut thread = Value::Null;
        // A pausing step does not even fetch a list of models.
        let untouched = setup.vendor.requests().len();
        for number in 1..=6 {
            let mut step = json!({"step": format!("{tool} {number}"), "step_number": number, "total_steps": 6,
                "next_step_required": number < 6, "continuation_id": thread});
            if tool != "planner" {
                step["findings"] = json!("evidence");
                step["relevant_files"] = json!(["a.py"]);
            }
            let answer = program.call(tool, step).await.ok();
            thread = answer["continuation_id"].clone();
            let calls = setup.vendor.stats().calls - before;
            assert_eq!(calls, if number < 6 { 0 } else { asked }, "{tool}, step {number}");
            assert_eq!(setup.vendor.requests().len() - untouched, calls, "{tool}, step {number}");
        }
    }
    program.call("listmodels", json!({})).await.ok();
    program.call("version", json!({})).await.ok();
    assert_eq!(setup.vendor.stats().calls, 2);
    program.stop().await;
}
