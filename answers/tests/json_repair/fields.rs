//! Fields under other names and with other types.

use exai_answers::{severity::SeverityWords, shape::RawFinding};
use exai_core::Severity;
use serde_json::json;

use crate::support::{answer, from_value};

fn read(value: &serde_json::Value) -> Option<RawFinding> {
    RawFinding::from_value(value, &SeverityWords::default())
}

#[test]
fn fields_are_taken_as_models_vary_them() {
    let table = [
        (json!({"title": "t", "file": "a.rs", "line": "12-14"}), ("a.rs", Some(12), Some(14))),
        (json!({"title": "t", "file_path": "a.rs", "line": "L12"}), ("a.rs", Some(12), None)),
        (json!({"title": "t", "filePath": "a.rs", "lines": [12, 14]}), ("a.rs", Some(12), Some(14))),
        (json!({"title": "t", "path": "a.rs", "lines": "lines 12 to 14"}), ("a.rs", Some(12), Some(14))),
        (
            json!({"title": "t", "path": "a.rs", "line": {"start": 12, "end": 14}}),
            ("a.rs", Some(12), Some(14)),
        ),
        (json!({"title": "t", "path": "a.rs", "line": 12.0}), ("a.rs", Some(12), None)),
        (json!({"title": "t", "path": "a.rs", "line": 12, "end_line": 14}), ("a.rs", Some(12), Some(14))),
        (json!({"title": "t", "path": "a.rs", "line": 12, "end_line": 3}), ("a.rs", Some(12), None)),
        (
            json!({"title": "t", "path": "a.rs", "line_start": 12, "line_end": 14}),
            ("a.rs", Some(12), Some(14)),
        ),
        (json!({"title": "t", "location": "src/a.rs:12"}), ("src/a.rs", Some(12), None)),
        (json!({"title": "t", "location": "`src/a.rs:12-14`"}), ("src/a.rs", Some(12), Some(14))),
        (json!({"title": "t", "location": "src/a.rs:12:5"}), ("src/a.rs", Some(12), None)),
        (json!({"title": "t", "location": "src/a.rs#L12-L14"}), ("src/a.rs", Some(12), Some(14))),
        (json!({"title": "t", "location": {"file": "a.rs", "line": 12}}), ("a.rs", Some(12), None)),
        (json!({"title": "t", "path": "a.rs", "location": "a.rs:12"}), ("a.rs", Some(12), None)),
        (json!({"title": "t", "path": "C:\\x\\a.rs:12"}), ("C:\\x\\a.rs", Some(12), None)),
        (json!({"title": "t", "path": "C:\\x\\a.rs"}), ("C:\\x\\a.rs", None, None)),
        (json!({"title": "t", "path": "a.rs", "line": null}), ("a.rs", None, None)),
        (json!({"title": "t", "path": "a.rs", "line": -1}), ("a.rs", None, None)),
        (json!({"title": "t", "path": "a.rs", "line": 99_999_999_999_u64}), ("a.rs", None, None)),
        (json!("src/a.rs:12: leaks"), ("src/a.rs", Some(12), None)),
    ];
    for (value, (path, line, end_line)) in table {
        let finding = read(&value).unwrap();
        assert_eq!(
            (finding.path.as_str(), finding.line, finding.end_line),
            (path, line, end_line),
            "{value}"
        );
    }
}

/// Texts of a finding are taken under their other names.
#[test]
fn texts_have_other_names_too() {
    let value = json!({
        "Severity": "High (CVSS 8.1)", "snippet": "q", "issue": "First.\nSecond.", "recommendation": ["a", "b"],
    });
    let finding = read(&value).unwrap();
    assert_eq!(finding.said.severity, Severity::High);
    assert_eq!((finding.quote.as_str(), finding.title.as_str()), ("q", "First."));
    assert_eq!((finding.detail.as_str(), finding.fix.as_str()), ("First.\nSecond.", "a\nb"));
    for (word, severity) in [
        ("BLOCKER", Severity::Critical),
        ("nit", Severity::Low),
        ("banana", Severity::Unknown),
        ("", Severity::Unknown),
    ] {
        let value = json!({"title": "t", "severity": word});
        assert_eq!(read(&value).unwrap().said.severity, severity, "{word}");
    }
    assert_eq!(read(&json!({"severity": "high"})), None);
    assert_eq!(read(&json!(12)), None);
}

#[test]
fn answers_are_taken_from_their_wrappers() {
    let plain = r#"{"status": " ok ", "summary": "s", "issues": [{"title": "t"}], "next_steps": "one"}"#;
    let wrapped = format!(r#"{{"result": {plain}}}"#);
    for text in [plain, wrapped.as_str()] {
        let answer = answer(text);
        assert_eq!((answer.status.as_deref(), answer.summary.as_str()), (Some("ok"), "s"));
        assert_eq!((answer.findings.len(), answer.next_steps), (1, vec!["one".to_owned()]));
    }
    let list = answer(r#"[{"path": "a.rs", "line": 1, "title": "t"}]"#);
    assert_eq!((list.findings.len(), list.status), (1, None));
    let steps = answer(r#"{"next_steps": [{"action": "a"}, "b", 3, ""]}"#).next_steps;
    assert_eq!(steps, ["a", "b", "3"]);
    assert_eq!(from_value(json!({"findings": "none", "status": 3})).findings, []);
}
