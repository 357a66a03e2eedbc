//! Any text: no panic, no overflow, linear time.

use std::time::Instant;

use exai_answers::{
    json_repair::{MAX_REPAIR_BYTES, Repair, parse},
    severity::SeverityWords,
    shape::ExpertAnswer,
};
use proptest::prelude::*;
use serde_json::json;

use crate::support::findings;

/// Deep nesting is refused and what follows is still found.
#[test]
fn deep_nesting_is_refused() {
    let answer = r#"{"status": "ok", "findings": [{"path": "a.rs", "line": 1, "title": "t"}],}"#;
    for unit in ["[", "{", "{\"a\":", "[{", "[{\"a\":[", "{a:", "(", "\"[", "{\"a\":{\"b"] {
        let deep = unit.repeat(100_000);
        assert_eq!(parse(&deep).repaired, Repair::None, "{unit}");
    }
    let closed = format!("{}{}\n{answer}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(findings(&closed).len(), 1);
}

#[test]
fn the_deepest_value_can_be_read_again() {
    let nested = |depth: usize| format!("{}1{},}}", "{\"a\":".repeat(depth), "}".repeat(depth - 1));
    let deepest = parse(&nested(127));
    assert_eq!(deepest.repaired, Repair::Repaired);
    assert_eq!(parse(&deepest.value.unwrap().to_string()).repaired, Repair::Strict);
}

#[test]
fn a_very_long_text_is_not_repaired() {
    let filler = "x".repeat(MAX_REPAIR_BYTES);
    assert_eq!(parse(&format!(r#"{{"summary": "{filler}"}}"#)).repaired, Repair::Strict);
    assert_eq!(parse(&format!(r#"{{"summary": "{filler}",}}"#)).repaired, Repair::None);
}

/// Doubling the length may not much more than double the time. The texts are those that tempt a reader to look far ahead
/// again and again.
#[test]
fn time_grows_linearly_with_the_text() {
    let units = [
        "{\"a\":\"",
        "\"",
        "\" ",
        "\"//",
        "{\"a\":1}//",
        "{\"a\":1}/*",
        "}",
        "[{}}",
        "{\"findings\":[{\"severity\":\"",
        "{\"severity\":1,",
        "\\\"",
        "{'a':'",
        "\" ,\"a",
        "[\"a\":",
        "{\"a\":[{}",
        "{a b ",
        "``` {\"a\" ",
        "[{\"a\":{}}}",
        "#",
        " \n",
    ];
    for unit in units {
        let seconds = |bytes: usize| {
            let texts = [
                unit.repeat(bytes / unit.len()),
                format!("{{\"a\":[{{\"b\":1}}{}", unit.repeat(bytes / unit.len())),
            ];
            let start = Instant::now();
            for text in texts {
                drop(parse(&text));
            }
            start.elapsed().as_secs_f64()
        };
        let (small, large) = (seconds(20_000), seconds(160_000));
        // Eight times the text: linear is 8, quadratic 64. The constant absorbs noise of short runs.
        assert!(large < small * 24.0 + 0.5, "{unit:?}: {small:.3} s, then {large:.3} s");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let parsed = parse(&String::from_utf8_lossy(&bytes));
        parsed.value.map(|value| ExpertAnswer::from_value(value, &SeverityWords::default()));
    }

    #[test]
    fn any_json_pieces_are_read_without_panic(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..80)) {
        let parsed = parse(&pieces.concat());
        if let Some(value) = parsed.value {
            prop_assert_eq!(parse(&value.to_string()).repaired, Repair::Strict, "what was read is JSON");
            let _answer = ExpertAnswer::from_value(value, &SeverityWords::default());
        }
    }

    #[test]
    fn any_strings_survive_a_trailing_comma(quote in "\\PC{0,40}", title in "\\PC{1,40}") {
        let finding = json!({"severity": "low", "path": "a.rs", "line": 1, "quote": quote, "title": title, "detail": "d"});
        let text = json!({"status": "ok", "findings": [finding.clone(), finding]}).to_string();
        let damaged = format!("{},}}", &text[..text.len() - 1]);
        prop_assert_eq!(findings(&damaged), findings(&text));
    }
}

const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "'",
    "“",
    "”",
    "‘",
    "`",
    "\\",
    "\\u",
    "\\ud83d",
    "d83d",
    "\n",
    " ",
    "//",
    "/*",
    "*/",
    "#",
    "findings",
    "\"findings\":[",
    "severity",
    "\"severity\":",
    "\"path\":\"a.rs\"",
    "\"line\":12",
    "title:",
    "True",
    "NaN",
    "12-14",
    "1e999",
    "...",
    "…",
    "```json",
    "{{",
    "}}",
    "},{",
    "}}]",
    "€",
    "\u{0}",
    "\u{feff}",
    "é",
    "日本",
];
