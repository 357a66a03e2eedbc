//! Well-formed answers, damaged in every way there is, and the committed damaged ones.

use std::{collections::BTreeMap, fmt::Write as _};

use exai_answers::{
    json_repair::{Repair, parse},
    shape::RawFinding,
};

use crate::{
    damage::{Damage, Rng},
    support::{corpus, findings},
};

#[derive(Default)]
struct Tally {
    cases: usize,
    complete: usize,
    wrong: usize,
    example: String,
}

/// Damaged answers give back every finding that is still complete.
#[test]
fn damaged_answers_keep_their_complete_findings() {
    const ROUNDS: u64 = 3;
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for (number, (name, text)) in corpus("good-").iter().enumerate() {
        let originals = findings(text);
        assert!(originals.len() >= 2, "{name}");
        for (kind_number, kind) in Damage::ALL.iter().enumerate() {
            for round in 0..ROUNDS {
                let mut rng = Rng(((number as u64) << 32) + ((kind_number as u64) << 16) + round);
                let damaged = kind.apply(text, &mut rng);
                let expected: Vec<_> = damaged.complete.iter().map(|&index| &originals[index]).collect();
                let got = findings(&damaged.text);
                let tally = tallies.entry(kind.name()).or_default();
                tally.cases += 1;
                // One in which the text breaks off says less than the original, and nothing else.
                let is_said = |finding: &RawFinding| {
                    originals.contains(finding)
                        || finding.cut && originals.iter().any(|whole| is_beginning(finding, whole))
                };
                let wrong = got.iter().filter(|finding| !is_said(finding)).count();
                tally.wrong += wrong;
                if expected.iter().all(|finding| got.contains(finding)) {
                    tally.complete += 1;
                }
                assert!(got.iter().filter(|finding| finding.cut).count() <= 1, "{name}");
                if wrong > 0 || expected.iter().any(|finding| !got.contains(finding)) {
                    tally.example = format!("{name}: {}\n  got {got:#?}", damaged.text);
                }
            }
        }
    }
    let (mut cases, mut complete, mut wrong, mut report) = (0, 0, 0, String::new());
    for (kind, tally) in &tallies {
        let Tally { cases: of, complete: all, wrong: bad, .. } = tally;
        writeln!(report, "{kind:26} {all:3} of {of:3} complete, {bad} wrong findings").unwrap();
        (cases, complete, wrong) = (cases + of, complete + all, wrong + bad);
    }
    let example =
        tallies.values().map(|tally| tally.example.as_str()).find(|text| !text.is_empty()).unwrap_or("");
    assert!(cases >= 500, "only {cases} cases");
    assert_eq!(wrong, 0, "{complete} of {cases}\n{report}\n{example}");
    assert!(complete * 100 >= cases * 95, "{complete} of {cases}\n{report}\n{example}");
}

fn is_beginning(cut: &RawFinding, whole: &RawFinding) -> bool {
    let texts = |finding: &RawFinding| {
        [&finding.path, &finding.quote, &finding.detail, &finding.fix].map(String::clone)
    };
    let begins = texts(cut).iter().zip(texts(whole)).all(|(cut, whole)| whole.starts_with(cut.as_str()));
    begins && (cut.line.is_none() || cut.line == whole.line)
}

#[test]
fn well_formed_answers_are_read_strictly() {
    for (name, text) in corpus("good-") {
        let parsed = parse(&text);
        assert_eq!(parsed.repaired, Repair::Strict, "{name}");
        assert_eq!(parsed.value, serde_json::from_str(&text).unwrap(), "{name}");
    }
}

#[test]
fn the_committed_corpus_replays() {
    let titles = |text: &str| findings(text).into_iter().map(|finding| finding.title).collect::<Vec<_>>();
    let expected: BTreeMap<&str, (&[&str], Repair)> = BTreeMap::from([
        ("damaged-cut.txt", (&["A", "y"][..], Repair::Salvaged)),
        ("damaged-fence-and-prose.txt", (&["A"][..], Repair::Repaired)),
        ("damaged-python.txt", (&["Don't"][..], Repair::Repaired)),
        ("damaged-inner-quotes.txt", (&["A \"b\" c", "B"][..], Repair::Repaired)),
        ("damaged-doubled-braces.txt", (&["A", "B"][..], Repair::Repaired)),
        ("damaged-lost-root.txt", (&["A"][..], Repair::Repaired)),
        ("damaged-draft-then-final.txt", (&["A"][..], Repair::Repaired)),
        ("damaged-hopeless.txt", (&["A", "C"][..], Repair::Salvaged)),
    ]);
    for (name, text) in corpus("damaged-") {
        let (wanted, repaired) = expected[name.as_str()];
        assert_eq!(titles(&text), wanted, "{name}");
        assert_eq!(parse(&text).repaired, repaired, "{name}");
    }
    for (name, text) in corpus("none-") {
        assert_eq!((parse(&text).value, parse(&text).repaired), (None, Repair::None), "{name}");
    }
}
