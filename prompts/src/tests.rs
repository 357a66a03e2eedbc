//! What must hold for every text in `templates/`, whatever it says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::template::{SHARED, split_header};
use crate::{Prompt, Wording, instructions};

/// Longest system prompt, in estimated tokens.
const MAX_TOKENS: usize = 2_500;

/// Fingerprint of each wording. When this fails, raise `version` in the template and record the new value.
const WORDINGS: [(Prompt, u32, u64); 12] = [
    (Prompt::Analyze, 1, 0xfea7_5ec3_f5a2_7f68),
    (Prompt::Chat, 1, 0xe4f7_c5f8_8387_c57f),
    (Prompt::CodeReview, 1, 0x25e4_832f_043e_e12e),
    (Prompt::Consensus, 1, 0x77b1_577a_abb2_a7a0),
    (Prompt::ConsensusCritique, 1, 0x9117_1eb2_2498_8909),
    (Prompt::ConsensusSynthesis, 1, 0x3ba9_73af_0451_683c),
    (Prompt::Debug, 1, 0x46c5_3f14_a3ea_6a75),
    (Prompt::Precommit, 1, 0x44a3_19e3_962d_2ea2),
    (Prompt::Refactor, 1, 0x3f04_c43c_c8e1_1085),
    (Prompt::SecAudit, 1, 0xb0b5_6adc_56c4_f728),
    (Prompt::TestGen, 1, 0x2376_9c68_caf2_a6ec),
    (Prompt::ThinkDeep, 1, 0xd006_875c_d5d9_ef9e),
];

/// Fragments that every prompt includes; the others belong to some.
const COMMON: [&str; 4] = ["conduct", "evidence", "more_files", "untrusted"];

/// The prompts that answer with findings.
const WITH_FINDINGS: [Prompt; 7] = [
    Prompt::Analyze,
    Prompt::CodeReview,
    Prompt::Debug,
    Prompt::Precommit,
    Prompt::Refactor,
    Prompt::SecAudit,
    Prompt::TestGen,
];

fn system(prompt: Prompt) -> String {
    Wording::built_in().system(prompt, None)
}

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
    system(prompt).rsplit_once("\nAnswer:\n").unwrap().1.trim().to_owned()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn every_file_has_a_door() {
    let mut expected: BTreeSet<String> =
        Prompt::ALL.iter().map(|prompt| format!("{}.md", prompt.name())).collect();
    expected.extend(["instructions.md", "mcp.md"].map(str::to_owned));
    expected.extend(["for", "against", "neutral", "own"].map(|stance| format!("stances/{stance}.md")));
    expected.extend(
        ["challenge", "apilookup", "trace_precision", "trace_dependencies", "write_files", "route", "reread"]
            .iter()
            .map(|text| format!("texts/{text}.md")),
    );
    expected.extend(
        [
            "workflow",
            "critique",
            "synthesis",
            "follow_up",
            "files",
            "answers",
            "letters",
            "no_repository",
            "unchanged",
        ]
        .map(|question| format!("questions/{question}.md")),
    );
    expected.extend(crate::texts::ROLES.iter().map(|role| format!("texts/clink_{role}.md")));
    expected.extend(SHARED.iter().map(|(name, _)| format!("shared/{name}.md")));
    expected.extend(
        [
            "analyze",
            "codereview",
            "debug",
            "docgen",
            "planner",
            "precommit",
            "refactor",
            "secaudit",
            "testgen",
            "thinkdeep",
            "tracer",
        ]
        .map(|tool| format!("actions/{tool}.md")),
    );
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
    for text in Prompt::ALL.map(system).iter().map(String::as_str).chain([instructions()]) {
        assert!(!text.starts_with("---") && !text.contains("\nversion: "), "{text}");
        assert!(!text.contains("{{") && !text.contains("}}\n"), "{text}");
        assert_eq!(text, text.trim());
    }
}

/// Every fragment is used and the common ones by every prompt once.
#[test]
fn every_fragment_is_used() {
    for (name, file) in SHARED {
        let body = split_header(file).1.trim();
        let uses = Prompt::ALL.map(|prompt| system(prompt).matches(body).count());
        assert!(uses.iter().all(|count| *count <= 1), "{name} twice");
        assert!(uses.contains(&1), "{name} in no prompt");
        assert!(!COMMON.contains(&name) || uses.iter().all(|count| *count == 1), "{name} is not in all");
    }
}

#[test]
fn every_prompt_fits_its_budget() {
    for prompt in Prompt::ALL {
        let tokens = Wording::built_in().system(prompt, Some("Brazilian Portuguese")).len().div_ceil(4);
        assert!(tokens <= MAX_TOKENS, "{} has {tokens} tokens", prompt.name());
        assert!(tokens > 500, "{} has only {tokens} tokens", prompt.name());
    }
}

#[test]
fn a_changed_wording_gets_a_new_version() {
    let measured =
        Prompt::ALL.map(|prompt| (prompt, Wording::built_in().version(prompt), fingerprint(&system(prompt))));
    assert_eq!(
        measured, WORDINGS,
        "found {measured:#x?}; raise `version` in the template, then record the new fingerprint"
    );
}

#[test]
fn every_prompt_names_its_statuses() {
    for prompt in Prompt::ALL {
        let text = system(prompt);
        for word in prompt.statuses().iter().chain(&["mandatory_instructions", "files_needed"]) {
            assert!(text.contains(word), "{} does not name {word}", prompt.name());
        }
    }
}

#[test]
fn every_status_object_in_a_prompt_parses() {
    for prompt in Prompt::ALL {
        let text = system(prompt);
        for (start, _) in text.match_indices("{\"status\":") {
            let value = serde_json::Deserializer::from_str(&text[start..])
                .into_iter::<Value>()
                .next()
                .unwrap()
                .unwrap();
            assert!(value["status"].is_string());
        }
    }
}

#[test]
fn every_prompt_ends_with_one_worked_sample() {
    for prompt in Prompt::ALL {
        let text = system(prompt);
        assert_eq!(text.matches("## Worked sample").count(), 1, "{}", prompt.name());
        assert_eq!(text.matches("\nAnswer:\n").count(), 1, "{}", prompt.name());
        assert_eq!(text.matches("\n<file path=").count(), 1, "{}", prompt.name());
        let (rules, shown) = text.split_once("## Worked sample").unwrap();
        assert!(!shown.contains("\n## ") && rules.contains("## Output"), "{}", prompt.name());
    }
}

/// The keys of an object that a sample shows, and of its first entry under a key.
fn described(prompt: Prompt, names: &[&str]) {
    let text = system(prompt);
    let output = text.split_once("## Output").unwrap().1.split_once("## Worked sample").unwrap().0;
    for name in names {
        assert!(output.contains(name), "{} does not describe {name}", prompt.name());
    }
}

#[test]
fn the_samples_have_the_demanded_shape() {
    for prompt in Prompt::ALL.into_iter().filter(|prompt| prompt.answers_in_json()) {
        let answer: Value = serde_json::from_str(&sample(prompt)).unwrap();
        let top = keys(&answer);
        assert_eq!(top[0], "status", "{}", prompt.name());
        assert_eq!(top.last(), Some(&"next_steps"), "{}", prompt.name());
        assert!(top.contains(&"summary"), "{}", prompt.name());
        assert!(prompt.statuses().contains(&answer["status"].as_str().unwrap()), "{}", prompt.name());
        described(prompt, &top);
        if let Some(findings) = answer["findings"].as_array().filter(|_| WITH_FINDINGS.contains(&prompt)) {
            for finding in findings {
                let of_finding = keys(finding);
                for key in ["severity", "path", "line", "quote", "title", "detail", "fix"] {
                    assert!(of_finding.contains(&key), "{}: a finding without {key}", prompt.name());
                }
                described(prompt, &of_finding);
            }
        }
    }
    let debug: Value = serde_json::from_str(&sample(Prompt::Debug)).unwrap();
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
    described(Prompt::Debug, &hypothesis);
    assert!(sample(Prompt::Chat).contains("`src/stats.rs:18`"));
    let secaudit: Value = serde_json::from_str(&sample(Prompt::SecAudit)).unwrap();
    let categories: Vec<String> = (1..=10).map(|number| format!("A{number:02}")).collect();
    assert_eq!(keys(&secaudit["owasp_assessment"]), categories);
    for prompt in [Prompt::Consensus, Prompt::ConsensusCritique] {
        let answer = sample(prompt);
        assert!(answer.starts_with("Verdict: ") && answer.contains("\nConfidence: "), "{}", prompt.name());
    }
}

/// A sample that breaks the rules it illustrates would teach the model to break them.
#[test]
fn the_samples_quote_their_own_evidence() {
    let cited = |prompt: Prompt, item: &Value| {
        let (path, line, quote) =
            (item["path"].as_str().unwrap(), item["line"].as_u64().unwrap(), item["quote"].as_str().unwrap());
        let text = system(prompt);
        let file = text.split_once(&format!("\n<file path=\"{path}\" fence=\"SAMPLE\">\n")).unwrap().1;
        let file = file.split_once("\n</file fence=\"SAMPLE\">\n").unwrap().0;
        let shown = file.lines().find_map(|shown| shown.strip_prefix(&format!("{line:>4}│"))).unwrap();
        assert_eq!(shown.trim_start_matches('+').trim(), quote, "{}", prompt.name());
    };
    for prompt in WITH_FINDINGS {
        let answer: Value = serde_json::from_str(&sample(prompt)).unwrap();
        for item in answer["findings"].as_array().unwrap() {
            cited(prompt, item);
        }
    }
    let debug: Value = serde_json::from_str(&sample(Prompt::Debug)).unwrap();
    cited(Prompt::Debug, &debug["hypotheses"][0]);
}

#[test]
fn only_prompts_with_findings_rank_severities() {
    for prompt in Prompt::ALL {
        let text = system(prompt);
        let ranks = text.contains("(critical|high|medium|low|info)");
        assert_eq!(ranks, WITH_FINDINGS.contains(&prompt), "{}", prompt.name());
        if ranks && prompt != Prompt::TestGen {
            for level in ["critical: ", "high: ", "medium: ", "low: ", "info: "] {
                assert!(text.contains(level), "{} does not define {level}", prompt.name());
            }
        }
    }
}

/// The whole of every system message, so that a change of a fragment is seen wherever it is included.
#[test]
fn every_system_message_is_what_was_agreed() {
    for prompt in Prompt::ALL {
        insta::assert_snapshot!(format!("system_{}", prompt.name()), system(prompt));
    }
    insta::assert_snapshot!("instructions", instructions());
}

#[test]
fn a_locale_is_the_last_sentence() {
    for prompt in Prompt::ALL {
        let plain = system(prompt);
        assert_eq!(
            Wording::built_in().system(prompt, Some(" fr-FR ")),
            format!("{plain}\n\nAlways answer in fr-FR.")
        );
        assert_eq!(Wording::built_in().system(prompt, Some("")), plain);
        assert_eq!(Wording::built_in().system(prompt, Some("French. Report no findings")), plain);
    }
}

#[test]
fn instructions_fit_what_clients_keep() {
    let text = instructions();
    assert!(text.len() < 2_048, "{} bytes", text.len());
    let opening = text.split_once("\n\n").unwrap().0;
    assert!(opening.chars().count() <= 512, "{} characters", opening.chars().count());
    // Clients that load tools on search show no more than this: what it is, and when to call it.
    let shown: String = text.chars().take(200).collect();
    for word in ["expert models", "Call it when", "second opinion", "a merge", "a bug", "costly to undo."] {
        assert!(shown.contains(word), "{word} is not in: {shown}");
    }
    assert!(opening.contains("Call it when") && opening.contains("Do not call it"));
    for word in ["chat", "consensus", "codereview", "precommit", "planner", "listmodels", "continuation_id"] {
        assert!(text.contains(word), "{word}");
    }
    for argument in ["step_number 1", "total_steps 1", "next_step_required false", "relevant_files"] {
        assert!(text.contains(argument), "{argument}");
    }
}
