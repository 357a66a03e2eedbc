//! Which findings are verified, and where they are put.

use std::cell::Cell;

use exai_answers::{
    citations::{check_findings, mark_stale},
    json_repair::RawFinding,
};
use exai_context::evidence::EvidenceFile;
use exai_core::{Finding, Severity, Verified};
use proptest::prelude::*;

use crate::support::{excerpted, whole};

const PAGES: &str = "def page_count(total, size):\n    if size < 1:\n        raise ValueError(\"size\")\n\n    return total // size\n\n\n# größe = 関数\n}\n    call(\n        first,\n        second,\n    )\n}\n";

fn raw(path: &str, line: impl Into<Option<u32>>, quote: &str) -> RawFinding {
    RawFinding {
        severity: Severity::High,
        path: path.to_owned(),
        line: line.into(),
        end_line: None,
        quote: quote.to_owned(),
        title: "t".to_owned(),
        detail: "d".to_owned(),
        fix: "f".to_owned(),
    }
}

fn check(finding: RawFinding, evidence: &[EvidenceFile]) -> Finding {
    check_findings(vec![finding], evidence).remove(0)
}

/// A quote within three lines verifies and puts the line right.
#[test]
fn a_near_quote_moves_the_line() {
    let evidence = [whole("src/pages.py", PAGES), whole("src/crlf.py", &PAGES.replace('\n', "\r\n"))];
    let table: &[(u32, &str, u32, Verified)] = &[
        (5, "return total // size", 5, Verified::Yes),
        (5, "    return   total //\tsize  ", 5, Verified::Yes),
        (5, "total // size", 5, Verified::Yes),
        (5, "   5│     return total // size", 5, Verified::Yes),
        (5, "5 | return total // size", 5, Verified::Yes),
        (5, "`return total // size`", 5, Verified::Yes),
        (2, "return total // size", 5, Verified::Yes),
        (8, "return total // size", 5, Verified::Yes),
        (1, "return total // size", 1, Verified::No),
        (9, "return total // size", 9, Verified::No),
        (5, "return total / size", 5, Verified::No),
        (5, "", 5, Verified::No),
        (5, " \n ", 5, Verified::No),
        (5, "``", 5, Verified::No),
        (8, "# größe = 関数", 8, Verified::Yes),
        (0, "def page_count", 0, Verified::No),
        (15, "}", 15, Verified::No),
        (u32::MAX, "}", u32::MAX, Verified::No),
        // A bracket alone must be the whole line, and the nearest one counts.
        (9, "}", 9, Verified::Yes),
        (13, "}", 14, Verified::Yes),
        (12, "}", 14, Verified::Yes),
        (5, "}", 5, Verified::No),
        // Several lines, with and without copied numbers, and white space folded over line ends.
        (2, "if size < 1:\n    raise ValueError(\"size\")", 2, Verified::Yes),
        (
            3,
            "   2│     if size < 1:\n   3│         raise ValueError(\"size\")\n   4│ \n   5│     return",
            2,
            Verified::Yes,
        ),
        (2, "if size < 1:\r\n        raise ValueError(\"size\")\r\n", 2, Verified::Yes),
        (10, "call( first, second, )", 10, Verified::Yes),
        (2, "if size < 1:\n    return total // size", 2, Verified::No),
    ];
    for path in ["src/pages.py", "src/crlf.py"] {
        for &(line, quote, expected, verified) in table {
            let finding = check(raw(path, line, quote), &evidence);
            assert_eq!((finding.line, finding.verified), (expected, verified), "{path}:{line} {quote:?}");
            assert_eq!(finding.quote, quote);
        }
    }
}

#[test]
fn text_left_out_verifies_nothing() {
    let evidence = [excerpted(
        "a.rs",
        100,
        &[(10, "let a = 1;\nlet b = 2;\n"), (14, "let c = 3;\nlet d = 4;"), (50, "let a = 1;\n")],
    )];
    let table: &[(u32, &str, u32, Verified)] = &[
        (10, "let a = 1;", 10, Verified::Yes),
        (15, "let d = 4;", 15, Verified::Yes),
        (14, "let b = 2;", 11, Verified::Yes),
        // The line itself was not given.
        (12, "let b = 2;", 12, Verified::No),
        (9, "let a = 1;", 9, Verified::No),
        (16, "let d = 4;", 16, Verified::No),
        (101, "let a = 1;", 101, Verified::No),
        // The quote is on lines that were left out, or reaches over a gap.
        (11, "let x = 9;", 11, Verified::No),
        (11, "let b = 2;\nlet c = 3;", 11, Verified::No),
        (14, "let c = 3;\nlet d = 4;", 14, Verified::Yes),
        (15, "let d = 4;\nlet a = 1;", 15, Verified::No),
    ];
    for &(line, quote, expected, verified) in table {
        let finding = check(raw("a.rs", line, quote), &evidence);
        assert_eq!((finding.line, finding.verified), (expected, verified), "{line} {quote:?}");
    }
    let unknown = check(raw("b.rs", 10, "let a = 1;"), &evidence);
    assert_eq!((unknown.path.as_str(), unknown.line, unknown.verified), ("b.rs", 10, Verified::No));
}

#[test]
fn without_a_line_nothing_is_verified() {
    let evidence = [whole("src/pages.py", PAGES)];
    for (quote, line) in [("return total // size", 5), ("}", 0), ("no such text", 0), ("", 0)] {
        let finding = check(raw("src/pages.py", None, quote), &evidence);
        assert_eq!((finding.line, finding.verified), (line, Verified::No), "{quote:?}");
    }
}

#[test]
fn paths_become_those_of_the_evidence() {
    let evidence = [whole("src/pages.py", PAGES), whole("/abs/root/lib.py", PAGES)];
    let quote = "return total // size";
    let table = [
        ("src/pages.py", "src/pages.py", Verified::Yes),
        ("./src/pages.py", "src/pages.py", Verified::Yes),
        ("b/src/pages.py", "src/pages.py", Verified::Yes),
        ("pages.py", "src/pages.py", Verified::Yes),
        ("/home/u/proj/src/pages.py", "src/pages.py", Verified::Yes),
        ("/container/src/pages.py", "src/pages.py", Verified::Yes),
        ("root/lib.py", "/abs/root/lib.py", Verified::Yes),
        ("src/other.py", "src/other.py", Verified::No),
    ];
    for (path, expected, verified) in table {
        let finding = check(raw(path, 5, quote), &evidence);
        assert_eq!((finding.path.as_str(), finding.verified), (expected, verified), "{path}");
    }
    // A longer path that ends alike may be another file: without its quote it keeps its name.
    let elsewhere = check(raw("other/src/pages.py", 5, "not there"), &evidence);
    assert_eq!((elsewhere.path.as_str(), elsewhere.verified), ("other/src/pages.py", Verified::No));
    let unquoted = check(raw("./src/pages.py", 5, "not there"), &evidence);
    assert_eq!((unquoted.path.as_str(), unquoted.verified), ("src/pages.py", Verified::No));
}

/// A range moves with its line and ends within the file.
#[test]
fn a_range_moves_with_its_line() {
    let evidence = [whole("src/pages.py", PAGES)];
    let table = [
        (1, Some(2), 2, Some(3)),
        (2, Some(3), 2, Some(3)),
        (2, Some(900), 2, Some(14)),
        (2, Some(1), 2, None),
        (2, None, 2, None),
    ];
    for (line, end_line, expected, expected_end) in table {
        let finding = check(RawFinding { end_line, ..raw("src/pages.py", line, "if size < 1:") }, &evidence);
        assert_eq!((finding.line, finding.end_line), (expected, expected_end), "{line} to {end_line:?}");
    }
}

#[test]
fn findings_are_sorted_and_exact_duplicates_merged() {
    let evidence = [whole("src/pages.py", PAGES)];
    let with = |severity, path: &str, line: u32, title: &str| RawFinding {
        severity,
        title: title.to_owned(),
        ..raw(path, line, "return total // size")
    };
    let findings = check_findings(
        vec![
            with(Severity::Low, "src/pages.py", 5, "a"),
            with(Severity::Critical, "z.py", 1, "b"),
            with(Severity::High, "src/pages.py", 5, "c"),
            with(Severity::High, "src/pages.py", 2, "c"),
            with(Severity::High, "a.py", 9, "d"),
            with(Severity::High, "a.py", 3, "d"),
            RawFinding {
                quote: String::new(),
                detail: "longer detail".to_owned(),
                ..with(Severity::Critical, "./src/pages.py", 5, "a")
            },
        ],
        &evidence,
    );
    let shown: Vec<_> =
        findings.iter().map(|f| (f.severity, f.path.as_str(), f.line, f.title.as_str())).collect();
    assert_eq!(
        shown,
        [
            (Severity::Critical, "src/pages.py", 5, "a"),
            (Severity::Critical, "z.py", 1, "b"),
            (Severity::High, "a.py", 3, "d"),
            (Severity::High, "a.py", 9, "d"),
            (Severity::High, "src/pages.py", 5, "c"),
        ]
    );
    let merged = &findings[0];
    assert_eq!((merged.verified, merged.detail.as_str()), (Verified::Yes, "longer detail"));
    assert_eq!(merged.quote, "return total // size");
}

#[test]
fn only_verified_findings_become_stale() {
    let evidence = [whole("src/pages.py", PAGES), whole("src/same.py", PAGES)];
    let quote = "return total // size";
    let mut findings = check_findings(
        vec![
            raw("src/pages.py", 5, quote),
            RawFinding { title: "other".to_owned(), ..raw("src/pages.py", 5, quote) },
            raw("src/pages.py", 1, "not there"),
            raw("src/same.py", 5, quote),
        ],
        &evidence,
    );
    let asked = Cell::new(0);
    mark_stale(&mut findings, &evidence, &|file| {
        asked.set(asked.get() + 1);
        file.path == "src/pages.py"
    });
    let shown: Vec<_> = findings.iter().map(|f| (f.path.as_str(), f.line, f.verified)).collect();
    assert_eq!(
        shown,
        [
            ("src/pages.py", 1, Verified::No),
            ("src/pages.py", 5, Verified::Stale),
            ("src/pages.py", 5, Verified::Stale),
            ("src/same.py", 5, Verified::Yes),
        ]
    );
    assert_eq!(asked.get(), 2, "each file is asked about once");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_finding_is_checked_without_panic(
        path in "\\PC{0,12}|\\./src/pages.py", line in any::<Option<u32>>(), end_line in any::<Option<u32>>(),
        quote in "\\PC{0,20}|[ \\n0-9│|`]{0,9}", text in "([a-z│ €]{0,6}\\n){0,9}", first in any::<u32>(),
    ) {
        let evidence = [excerpted("src/pages.py", first, &[(first, &text)]), whole("b.py", &text)];
        let finding = RawFinding { end_line, ..raw(&path, line, &quote) };
        let _checked = check_findings(vec![finding.clone(), finding], &evidence);
    }

    /// Whatever line of a file is quoted is found at that line and up to three lines away, never farther.
    #[test]
    fn a_quoted_line_is_found_nearby_only(line in 1_u32..40, cited in 1_u32..40) {
        let text: String = (1..40).map(|n| format!("    value_{n}_end = compute({n})\n")).collect();
        let finding = check(raw("a.py", cited, &format!("value_{line}_end = compute({line})")), &[whole("a.py", &text)]);
        let near = line.abs_diff(cited) <= 3;
        prop_assert_eq!(finding.verified, if near { Verified::Yes } else { Verified::No });
        prop_assert_eq!(finding.line, if near { line } else { cited });
    }
}
