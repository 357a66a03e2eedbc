//! Nothing that a model says is lost: it is in the parts that were read, or the answer is not said to be understood.

use exai_answers::{Reading, Rules, Understood, read, severity::SeverityWords, shape::RawFinding};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// The shortest text that has to be found again, in characters.
const SHORTEST: usize = 12;

/// Names that models give the parts of an answer, and names that nobody knows.
const KEYS: [&str; 24] = [
    "findings",
    "issues",
    "results",
    "critical_issues",
    "summary",
    "status",
    "next_steps",
    "severity",
    "title",
    "path",
    "location",
    "line",
    "detail",
    "description",
    "fix",
    "quote",
    "category",
    "extra",
    "files",
    "review",
    "result",
    "hypotheses",
    "问题",
    "zebra",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{4,9}( [a-z]{4,9}){2,5}",
        Just("src/shop/orders.py:12".to_owned()),
        Just("high".to_owned()),
        Just(r#"{"title": "inside a text", "severity": "low", "path": "a.rs"}"#.to_owned()),
        Just("none".to_owned()),
        Just(String::new()),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => text().prop_map(Value::String),
        1 => any::<u16>().prop_map(|number| json!(number)),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
    ];
    leaf.prop_recursive(5, 60, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((prop::sample::select(&KEYS[..]), inner), 0..6).prop_map(|members| {
                Value::Object(
                    members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>(),
                )
            }),
        ]
    })
}

fn leaves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(elements) => elements.iter().for_each(|element| leaves(element, found)),
        Value::Object(members) => members.values().for_each(|member| leaves(member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Every text that the caller gets of an answer that was understood.
fn delivered(reading: &Reading) -> String {
    let Some(answer) = &reading.answer else { return String::new() };
    let mut texts =
        vec![answer.summary.clone(), reading.remarks.clone(), answer.status.clone().unwrap_or_default()];
    texts.extend(answer.next_steps.iter().cloned());
    leaves(&Value::Object(answer.rest.clone()), &mut texts);
    for RawFinding { said, path, line, end_line, quote, title, detail, fix, more, .. } in &answer.findings {
        texts.extend([path, quote, title, detail, fix].map(String::clone));
        texts.push(format!("{path}:{}", line.unwrap_or_default()));
        texts.push(format!("{path}:{}-{}", line.unwrap_or_default(), end_line.unwrap_or_default()));
        texts.push(said.word.clone().unwrap_or_default());
        leaves(&Value::Object(more.clone()), &mut texts);
    }
    texts.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_text_of_an_answer_arrives(answer in value()) {
        let reading = read(&answer.to_string(), Rules { words: &SeverityWords::default(), without_findings: &[], for_gate: true });
        if reading.understood == Understood::Whole {
            let all = delivered(&reading);
            let mut texts = Vec::new();
            leaves(&answer, &mut texts);
            for text in texts.iter().filter(|text| text.chars().count() >= SHORTEST && !text.starts_with('{')) {
                prop_assert!(all.contains(text.trim()), "{text:?} of {answer} is not in {all}");
            }
        }
    }

    #[test]
    fn any_text_is_read_without_panic(text in "(\\PC|[ \\n\\[\\]{}:,\"|#*`-]|HIGH|a\\.rs:1|findings|severity){0,80}") {
        let _reading = read(&text, Rules { words: &SeverityWords::default(), without_findings: &[], for_gate: true });
    }
}
