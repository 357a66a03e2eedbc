//! Single repairs, one text each.

use exai_answers::json_repair::{Repair, parse};
use serde_json::json;

#[test]
fn single_repairs() {
    let table = [
        (r#"{"a": [1, 2,], "b": {"c": 1,},}"#, json!({"a": [1, 2], "b": {"c": 1}})),
        (r#"{"a": NaN, "b": Infinity, "c": undefined}"#, json!({"a": null, "b": null, "c": null})),
        ("{'a': True, 'b': None, 'c': 'it\\'s'}", json!({"a": true, "b": null, "c": "it's"})),
        ("{“status”: “he said \\”hi\\””}", json!({"status": "he said \"hi\""})),
        ("{status: ok, n: 12, m: -1.5, r: 12-14}", json!({"status": "ok", "n": 12, "m": -1.5, "r": "12-14"})),
        ("{\"a\": \"one\ntwo\tthree\u{1}\"}", json!({"a": "one\ntwo\tthree\u{1}"})),
        (r#"{"a": "\d+\.rs", "b": "x"}"#, json!({"a": "\\d+\\.rs", "b": "x"})),
        (r#"{"a": "\ud83d\ude00 \ud83d x", "b": 1,}"#, json!({"a": "😀 \u{fffd} x", "b": 1})),
        ("{\"a\": \"\\ud83d\\u€€€€\", }", json!({"a": "\u{fffd}\\u€€€€"})),
        (
            r#"{"a": "x" /* one */, // two
             "b": "y" # three
            }"#,
            json!({"a": "x", "b": "y"}),
        ),
        (r#"{"a": "http://x/#y" , "b": "y",}"#, json!({"a": "http://x/#y", "b": "y"})),
        (r#"{"a": "x" "b": "y"}"#, json!({"a": "x", "b": "y"})),
        (
            r#"{"a": ["x" "y"], "b": [{"c": 1} {"c": 2}]}"#,
            json!({"a": ["x", "y"], "b": [{"c": 1}, {"c": 2}]}),
        ),
        (r#"{"a": {"b": 1}}, "c": 2}"#, json!({"a": {"b": 1}, "c": 2})),
        (r#"{"a": ["x", "b": 2}"#, json!({"a": ["x"], "b": 2})),
        (r#"{"a": [1, 2}, "b": 3}"#, json!({"a": [1, 2], "b": 3})),
        (r#"{"a": , "b": 3}"#, json!({"a": null, "b": 3})),
        ("{\"title\": \"lost,\n \"detail\": \"x\"}", json!({"title": "lost", "detail": "x"})),
        ("\u{feff}{\"a\": 1,}", json!({"a": 1})),
        ("\"{\\\"a\\\": 1}\"", json!({"a": 1})),
        (r#"{"a": "x",, "b": ["y",,],,}"#, json!({"a": "x", "b": ["y"]})),
        (r#"see [1] and {"a": 1}"#, json!({"a": 1})),
        ("[{\"a\": 1},]", json!([{"a": 1}])),
    ];
    for (text, expected) in table {
        let parsed = parse(text);
        assert_eq!(parsed.value, Some(expected), "{text}");
        assert_eq!(parsed.repaired, Repair::Repaired, "{text}");
    }
}

/// What was cut off is left out unless it is prose.
#[test]
fn what_was_cut_off_is_left_out() {
    let table = [
        (r#"{"status": "code_rev"#, None),
        (r#"{"status": "ok", "summary": "It is lo"#, Some(json!({"status": "ok", "summary": "It is lo"}))),
        (r#"{"status": "ok", "line": 12"#, Some(json!({"status": "ok"}))),
        (
            r#"{"status": "ok", "next_steps": ["one", "tw"#,
            Some(json!({"status": "ok", "next_steps": ["one"]})),
        ),
        (r#"{"status": "ok", "findings": [{"title": "A", "#, Some(json!({"status": "ok", "findings": []}))),
    ];
    for (text, expected) in table {
        let parsed = parse(text);
        let repaired = if expected.is_some() { Repair::Salvaged } else { Repair::None };
        assert_eq!((parsed.value, parsed.repaired), (expected, repaired), "{text}");
    }
}

#[test]
fn among_several_objects_the_answer_is_taken() {
    let table = [
        (
            r#"{"tool": "x", "big": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"} {"status": "ok"}"#,
            json!({"status": "ok"}),
        ),
        (
            r#"{"status": "draft", "findings": []} then {"status": "final", "findings": []}"#,
            json!({"status": "final", "findings": []}),
        ),
        (r#"{"status": "ok", "findings": []} as {"status": "x"}"#, json!({"status": "ok", "findings": []})),
        (r#"{"a": 1} and {"b": [1, 2, 3]} and {"c": 2}"#, json!({"b": [1, 2, 3]})),
        (
            r#"{"status": "final", "findings": []} {"status": "cut", "findings": ["#,
            json!({"status": "final", "findings": []}),
        ),
        ("```\n{\"a\": 1}\n```\n```json\n{\"status\": 2}\n```", json!({"status": 2})),
    ];
    for (text, expected) in table {
        assert_eq!(parse(text).value, Some(expected), "{text}");
    }
}

#[test]
fn texts_without_an_answer_give_nothing() {
    for text in
        ["", " ", "no", "42", "\"text\"", "true", "{", "[", "}", "{}x{", "{ fn main() }", "a[0] = {b}"]
    {
        let parsed = parse(text);
        assert!(parsed.value.as_ref().is_none_or(|value| *value == json!({})), "{text}: {parsed:?}");
    }
}
