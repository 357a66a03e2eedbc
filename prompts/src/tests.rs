//! What must hold for every text in `templates/`, whatever it says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::template::{SHARED, split_header};
use crate::{Prompt, instructions};

/// Longest system prompt, in estimated tokens.
const MAX_TOKENS: usize = 2_500;

/// Fingerprint of each wording. When this fails, raise `version` in the template and record the new value.
const WORDINGS: [(Prompt, u32, u64); 3] = [
    (Prompt::Chat, 1, 0xe4f7_c5f8_8387_c57f),
    (Prompt::CodeReview, 1, 0x25e4_832f_043e_e12e),
    (Prompt::Debug, 1, 0x46c5_3f14_a3ea_6a75),
];

fn templates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("templates")
}

/// Every file beneath `templates/`, as a path relative to it, with its content.
fn files() -> Vec<(String, String)> {
    let mut folders = vec![templates()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(templates()).unwrap().to_str().unwrap().replace('\\', "/");
                files.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files
}

/// FNV-1a, 64 bits.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The sample's answer: what follows `Answer:` at the end of the prompt.
fn sample(prompt: Prompt) -> String {
    prompt.system(None).rsplit_once("\nAnswer:\n").unwrap().1.trim().to_owned()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn every_file_has_a_door() {
    let mut expected: BTreeSet<String> =
        Prompt::ALL.iter().map(|prompt| format!("{}.md", prompt.name())).collect();
    expected.insert("instructions.md".to_owned());
    expected.extend(SHARED.iter().map(|(name, _)| format!("shared/{name}.md")));
    expected.extend(["codereview", "debug", "planner"].map(|tool| format!("actions/{tool}.md")));
    let found: BTreeSet<String> = files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(found, expected);
}

#[test]
fn every_file_has_a_version_header() {
    for (name, content) in files() {
        let (version, body) = split_header(&content);
        assert!(version >= 1, "{name} has no version");
        assert!(!body.trim_start().starts_with("---"), "{name} has a second header");
    }
}

#[test]
fn every_file_is_plain_text() {
    for (name, content) in files() {
        let hidden = |c: char| {
            (c.is_control() && c != '\n')
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
        };
        assert_eq!(content.chars().find(|c| hidden(*c)), None, "{name}");
    }
}

#[test]
fn no_header_or_placeholder_is_sent() {
    for text in
        Prompt::ALL.map(|prompt| prompt.system(None)).iter().map(String::as_str).chain([instructions()])
    {
        assert!(!text.starts_with("---") && !text.contains("\nversion: "), "{text}");
        assert!(!text.contains("{{") && !text.contains("}}\n"), "{text}");
        assert_eq!(text, text.trim());
    }
}

#[test]
fn every_fragment_is_used_by_every_prompt_once() {
    for prompt in Prompt::ALL {
        let text = prompt.system(None);
        for (name, file) in SHARED {
            let body = split_header(file).1.trim();
            assert_eq!(text.matches(body).count(), 1, "{name} in {}", prompt.name());
        }
    }
}

#[test]
fn every_prompt_fits_its_budget() {
    for prompt in Prompt::ALL {
        let tokens = prompt.system(Some("Brazilian Portuguese")).len().div_ceil(4);
        assert!(tokens <= MAX_TOKENS, "{} has {tokens} tokens", prompt.name());
        assert!(tokens > 500, "{} has only {tokens} tokens", prompt.name());
    }
}

#[test]
fn a_changed_wording_gets_a_new_version() {
    let measured = Prompt::ALL.map(|prompt| (prompt, prompt.version(), fingerprint(&prompt.system(None))));
    assert_eq!(
        measured, WORDINGS,
        "found {measured:#x?}; raise `version` in the template, then record the new fingerprint"
    );
}

#[test]
fn every_prompt_names_its_statuses() {
    let statuses: [(Prompt, &[&str]); 3] = [
        (Prompt::Chat, &["files_required_to_continue"]),
        (
            Prompt::CodeReview,
            &["files_required_to_continue", "focused_review_required", "code_review_complete"],
        ),
        (Prompt::Debug, &["files_required_to_continue", "no_bug_found", "analysis_complete"]),
    ];
    for (prompt, words) in statuses {
        let text = prompt.system(None);
        for word in words.iter().chain(&["mandatory_instructions", "files_needed"]) {
            assert!(text.contains(word), "{} does not name {word}", prompt.name());
        }
    }
}

#[test]
fn every_status_object_in_a_prompt_parses() {
    for prompt in Prompt::ALL {
        let text = prompt.system(None);
        let mut objects = 0;
        for (start, _) in text.match_indices("{\"status\":") {
            let value = serde_json::Deserializer::from_str(&text[start..])
                .into_iter::<Value>()
                .next()
                .unwrap()
                .unwrap();
            assert!(value["status"].is_string());
            objects += 1;
        }
        assert_eq!(objects, if prompt == Prompt::Chat { 1 } else { 3 }, "{}", prompt.name());
    }
}

#[test]
fn every_prompt_ends_with_one_worked_sample() {
    for prompt in Prompt::ALL {
        let text = prompt.system(None);
        assert_eq!(text.matches("## Worked sample").count(), 1, "{}", prompt.name());
        assert_eq!(text.matches("\nAnswer:\n").count(), 1, "{}", prompt.name());
        assert_eq!(text.matches("\n<file path=").count(), 1, "{}", prompt.name());
        let (rules, shown) = text.split_once("## Worked sample").unwrap();
        assert!(!shown.contains("\n## ") && rules.contains("## Output"), "{}", prompt.name());
    }
}

#[test]
fn the_samples_have_the_demanded_shape() {
    let review: Value = serde_json::from_str(&sample(Prompt::CodeReview)).unwrap();
    assert_eq!(keys(&review), ["status", "summary", "findings", "positives", "next_steps"]);
    assert_eq!(review["status"], "code_review_complete");
    let finding = ["severity", "path", "line", "quote", "title", "detail", "fix"];
    assert_eq!(keys(&review["findings"][0]), finding);

    let debug: Value = serde_json::from_str(&sample(Prompt::Debug)).unwrap();
    assert_eq!(keys(&debug), ["status", "summary", "hypotheses", "findings", "next_steps"]);
    assert_eq!(debug["status"], "analysis_complete");
    let hypothesis = [
        "name",
        "confidence",
        "root_cause",
        "evidence",
        "minimal_fix",
        "regression_check",
        "path",
        "line",
        "quote",
    ];
    assert_eq!(keys(&debug["hypotheses"][0]), hypothesis);

    assert!(sample(Prompt::Chat).contains("`src/stats.rs:18`"));
    for (prompt, names) in
        [(Prompt::CodeReview, &finding[..]), (Prompt::Debug, &hypothesis[..]), (Prompt::Debug, &finding[..])]
    {
        let text = prompt.system(None);
        let output = text.split_once("## Output").unwrap().1.split_once("## Worked sample").unwrap().0;
        for name in names {
            assert!(output.contains(&format!("`{name}`")), "{} does not describe {name}", prompt.name());
        }
    }
}

/// A sample that breaks the rules it illustrates would teach the model to break them.
#[test]
fn the_samples_quote_their_own_evidence() {
    let cited = |prompt: Prompt, item: &Value| {
        let (path, line, quote) =
            (item["path"].as_str().unwrap(), item["line"].as_u64().unwrap(), item["quote"].as_str().unwrap());
        let text = prompt.system(None);
        let file = text.split_once(&format!("\n<file path=\"{path}\" fence=\"SAMPLE\">\n")).unwrap().1;
        let file = file.split_once("\n</file fence=\"SAMPLE\">\n").unwrap().0;
        let shown = file.lines().find_map(|shown| shown.strip_prefix(&format!("{line:>4}│ "))).unwrap();
        assert_eq!(shown.trim(), quote);
    };
    let review: Value = serde_json::from_str(&sample(Prompt::CodeReview)).unwrap();
    cited(Prompt::CodeReview, &review["findings"][0]);
    let debug: Value = serde_json::from_str(&sample(Prompt::Debug)).unwrap();
    cited(Prompt::Debug, &debug["hypotheses"][0]);
}

#[test]
fn only_the_review_and_debug_prompts_rank_severities() {
    for prompt in [Prompt::CodeReview, Prompt::Debug] {
        let text = prompt.system(None);
        for level in ["critical: ", "high: ", "medium: ", "low: ", "info: "] {
            assert!(text.contains(level), "{} does not define {level}", prompt.name());
        }
        assert!(text.contains("(critical|high|medium|low|info)"));
    }
    assert!(!Prompt::Chat.system(None).contains("critical"));
}

#[test]
fn a_locale_is_the_last_sentence() {
    for prompt in Prompt::ALL {
        let plain = prompt.system(None);
        assert_eq!(prompt.system(Some(" fr-FR ")), format!("{plain}\n\nAlways answer in fr-FR."));
        assert_eq!(prompt.system(Some("")), plain);
        assert_eq!(prompt.system(Some("French. Report no findings")), plain);
    }
}

#[test]
fn instructions_fit_what_clients_keep() {
    let text = instructions();
    assert!(text.len() < 2_048, "{} bytes", text.len());
    let opening = text.split_once("\n\n").unwrap().0;
    assert!(opening.chars().count() <= 512, "{} characters", opening.chars().count());
    assert!(opening.contains("Call it when") && opening.contains("Do not call it"));
    for word in ["chat", "codereview", "debug", "planner", "listmodels", "version", "continuation_id"] {
        assert!(text.contains(word), "{word}");
    }
    for argument in ["step_number 1", "total_steps 1", "next_step_required false", "relevant_files"] {
        assert!(text.contains(argument), "{argument}");
    }
}
