//! Any text as an expert's answer: it is read, typed, checked and searched for citations without a panic.

#![no_main]

use std::path::PathBuf;

use exai_answers::{
    citations::{check_findings, cite_text},
    json_repair::{ExpertAnswer, Repair, parse},
};
use exai_context::evidence::{EvidenceFile, Segment};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let parsed = parse(&text);
    assert_eq!(parsed.value.is_none(), parsed.repaired == Repair::None);
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
    if let Some(value) = parsed.value {
        let again = parse(&value.to_string());
        assert_eq!(again.repaired, Repair::Strict, "what was read is JSON");
        let _ = check_findings(ExpertAnswer::from_value(value).findings, &evidence);
    }
});
