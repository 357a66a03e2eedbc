//! Any text as an expert's answer: it is read, typed, checked and searched for citations without a panic.

#![no_main]

use std::path::PathBuf;

use exai_answers::{
    Rules,
    citations::{check_findings, cite_text},
    json_repair::{Repair, parse},
    read,
    refusal::is_refusal,
    severity::SeverityWords,
};
use exai_context::evidence::{EvidenceFile, Segment};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let parsed = parse(&text);
    assert_eq!(parsed.value.is_none(), parsed.repaired == Repair::None);
    assert!(text.get(parsed.span.clone()).is_some(), "what was read is a part of the text");
    if let Some(value) = parsed.value {
        assert_eq!(parse(&value.to_string()).repaired, Repair::Strict, "what was read is JSON");
    }
    let evidence = [EvidenceFile {
        path: "src/a.rs".to_owned(),
        absolute: PathBuf::from("/project/src/a.rs"),
        hash: String::new(),
        bytes: 0,
        lines: 40,
        segments: vec![Segment { first_line: 10, text: "let a = 1;\n}\n".to_owned() }],
        removed: vec![Segment { first_line: 11, text: "let b = 2;\n".to_owned() }],
    }];
    let _ = cite_text(&text, &evidence);
    let _ = is_refusal(&text);
    let words = SeverityWords::default();
    let reading = read(&text, Rules { words: &words, without_findings: &["files_required_to_continue"], for_gate: true });
    if let Some(answer) = reading.answer {
        let _ = check_findings(answer.findings, &evidence);
    }
});
