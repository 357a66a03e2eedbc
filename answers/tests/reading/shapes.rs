//! Answers that language models wrote when they were asked for the same review, each in its own way.

use std::{fs, path::PathBuf};

use exai_answers::{Reading, Rules, Understood, read, refusal, severity::SeverityWords};
use serde_json::Value;

struct Shape {
    name: String,
    text: String,
    /// What a person reads in it.
    about: Value,
}

impl Shape {
    fn read(&self) -> Reading {
        read(&self.text, Rules { words: &SeverityWords::default(), without_findings: &[], for_gate: true })
    }

    fn is_refusal(&self) -> bool {
        self.about["refusal"] == true
    }

    /// Whether a person would say that this is a severity of the finding at `index`.
    fn allows(&self, index: usize, severity: &str) -> bool {
        let also = &self.about["severities_also"][index];
        self.about["severities"][index] == severity
            || *also == severity
            || also.as_array().is_some_and(|words| words.iter().any(|word| word == severity))
    }
}

fn shapes() -> Vec<Shape> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/shapes");
    let texts = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts = texts.filter(|path| path.extension().is_some_and(|extension| extension == "txt"));
    let mut shapes: Vec<Shape> = texts
        .map(|path| Shape {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            text: fs::read_to_string(&path).unwrap(),
            about: serde_json::from_str(&fs::read_to_string(path.with_extension("json")).unwrap()).unwrap(),
        })
        .collect();
    shapes.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(shapes.len() >= 56);
    shapes
}

/// An answer that is said to be understood has every finding of it, in its order and with its severity.
#[test]
fn what_is_understood_is_complete() {
    let mut whole = 0;
    for shape in shapes().iter().filter(|shape| !shape.is_refusal()) {
        let (name, reading) = (&shape.name, shape.read());
        if reading.understood != Understood::Whole {
            continue;
        }
        whole += 1;
        let findings = reading.answer.unwrap().findings;
        assert_eq!(findings.len(), shape.about["findings"].as_u64().unwrap() as usize, "{name}");
        for (index, finding) in findings.iter().enumerate() {
            let title = shape.about["titles"][index].as_str().unwrap();
            let more = Value::Object(finding.more.clone()).to_string();
            let said = [&finding.title, &finding.detail, &finding.fix, &finding.quote, &more];
            assert!(said.iter().any(|text| text.contains(title)), "{name}: {title:?} in {finding:#?}");
            let severity = finding.said.severity.as_str();
            assert!(shape.allows(index, severity), "{name}: {severity} in {finding:#?}");
            assert_eq!(
                shape.about["paths"] == true,
                finding.path.contains("orders.py"),
                "{name}: {finding:#?}"
            );
        }
    }
    assert!(whole >= 38, "only {whole} of them are understood");
}

/// What is not understood is no good news.
#[test]
fn what_is_cut_is_never_whole() {
    for shape in shapes().iter().filter(|shape| shape.about["complete"] == false && !shape.is_refusal()) {
        assert_ne!(shape.read().understood, Understood::Whole, "{}", shape.name);
    }
}

/// A finding of which only the tail was cut off is kept and marked.
#[test]
fn a_finding_without_its_end_is_marked() {
    let cut = |name: &str| {
        let shape = shapes().into_iter().find(|shape| shape.name.starts_with(name)).unwrap();
        shape.read().answer.unwrap().findings.iter().map(|finding| finding.cut).collect::<Vec<_>>()
    };
    assert_eq!(cut("16-"), [false, true]);
    assert_eq!(cut("17-"), [false, false, true]);
}

#[test]
fn refusals_are_seen_in_any_form() {
    for shape in shapes() {
        let read = shape.read().answer;
        let is_refused = refusal::is_refusal(&shape.text) || read.as_ref().is_some_and(refusal::is_refused);
        assert_eq!(is_refused, shape.is_refusal(), "{}", shape.name);
    }
}

#[test]
fn words_around_the_object_are_kept() {
    let shape = shapes().into_iter().find(|shape| shape.about["caveat"].is_string()).unwrap();
    let caveat = shape.about["caveat"].as_str().unwrap();
    assert!(shape.read().remarks.contains(caveat), "{caveat}");
}
