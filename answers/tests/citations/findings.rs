//! What is found where findings cite something, and where they are put.

use std::cell::Cell;

use exai_answers::{
    citations::{check_findings, mark_stale},
    severity::Said,
    shape::RawFinding,
};
use exai_context::evidence::{EvidenceFile, Segment};
use exai_core::{
    Citation::{self, Absent, Ambiguous, Exact, LineExists, Moved, NotGiven, Removed, Stale},
    Finding, Severity,
};
use proptest::prelude::*;

use crate::support::{excerpted, whole};

const PAGES: &str = "def page_count(total, size):\n    if size < 1:\n        raise ValueError(\"size\")\n\n    return total // size\n\n\n# größe = 関数\n}\n    call(\n        first,\n        second,\n    )\n}\n";

fn raw(path: &str, line: impl Into<Option<u32>>, quote: &str) -> RawFinding {
    RawFinding {
        said: said(Severity::High),
        path: path.to_owned(),
        line: line.into(),
        end_line: None,
        quote: quote.to_owned(),
        title: "t".to_owned(),
        detail: "d".to_owned(),
        fix: "f".to_owned(),
        cut: false,
        more: serde_json::Map::new(),
    }
}

fn said(severity: Severity) -> Said {
    Said { severity, word: None }
}

fn check(finding: RawFinding, evidence: &[EvidenceFile]) -> Finding {
    check_findings(vec![finding], evidence).remove(0)
}

fn assert_found(path: &str, evidence: &[EvidenceFile], table: &[(u32, &str, u32, Citation)]) {
    for &(line, quote, expected, citation) in table {
        let finding = check(raw(path, line, quote), evidence);
        assert_eq!((finding.line, finding.citation), (expected, citation), "{path}:{line} {quote:?}");
        assert_eq!(finding.quote, quote);
    }
}

/// What others take for the end of a line is shown by its name, and is quoted as it was shown, as it is, or as a blank. A text that has
/// the name itself is compared with it first.
#[test]
fn a_quote_may_name_line_breaks() {
    let text = "first = 1\nleft = \"a\u{2028}b\";\u{85}right = 2\nname = \"<U+2028>\" # itself\nfeed()\u{c}\nlast = 1\rfine = 2\n";
    let evidence = [whole("odd.py", text)];
    let table: &[(u32, &str, u32, Citation)] = &[
        (2, "left = \"a<U+2028>b\";<U+0085>right = 2", 2, Exact),
        (2, "left = \"a\u{2028}b\";\u{85}right = 2", 2, Exact),
        (2, "left = \"a b\"; right = 2", 2, Exact),
        (2, "b\";&lt;U+0085&gt;right = 2", 2, Exact),
        (4, "   2│ left = \"a<U+2028>b\";<U+0085>right = 2", 2, Moved),
        (3, "name = \"<U+2028>\" # itself", 3, Exact),
        (5, "last = 1<U+000D>fine = 2", 5, Exact),
        (1, "last = 1<U+000D>fine = 2", 5, Moved),
        (2, "left = \"a<U+2029>c\"", 2, Absent),
    ];
    assert_found("odd.py", &evidence, table);
    // The line that seems to follow such a sign has no number of its own.
    assert_eq!(check(raw("odd.py", 6, ""), &evidence).citation, Absent);
}

#[test]
fn a_quote_puts_the_line_right() {
    let evidence = [whole("src/pages.py", PAGES), whole("src/crlf.py", &PAGES.replace('\n', "\r\n"))];
    let table: &[(u32, &str, u32, Citation)] = &[
        (5, "return total // size", 5, Exact),
        (5, "    return   total //\tsize  ", 5, Exact),
        (5, "total // size", 5, Exact),
        (2, "return total // size", 5, Moved),
        (8, "return total // size", 5, Moved),
        // A quote that is nowhere else moves the line however far.
        (13, "return total // size", 5, Moved),
        (0, "def page_count", 1, Moved),
        (5, "return total / size", 5, Absent),
        (8, "# größe = 関数", 8, Exact),
        // Without a quote only the line can be looked for.
        (5, "", 5, LineExists),
        (5, " \n ", 5, LineExists),
        (5, "``", 5, LineExists),
        (99, "", 99, Absent),
        // Too short to tell anything, unless it is a whole line near the cited one.
        (5, "size", 5, LineExists),
        (9, "}", 9, Exact),
        (13, "}", 14, Moved),
        (12, "}", 14, Moved),
        (5, "}", 5, Ambiguous),
        (u32::MAX, "}", u32::MAX, Ambiguous),
        // Several lines, and white space folded over line ends.
        (2, "if size < 1:\n    raise ValueError(\"size\")", 2, Exact),
        (2, "if size < 1:\r\n        raise ValueError(\"size\")\r\n", 2, Exact),
        (10, "call( first, second, )", 10, Exact),
        (2, "if size < 1:\n    return total // size", 2, Absent),
    ];
    for path in ["src/pages.py", "src/crlf.py"] {
        assert_found(path, &evidence, table);
    }
}

#[test]
fn dressed_up_quotes_are_found() {
    let text = "let name = \"größe\";\nif a < b && c > d {\n+ counted as text here\n12: not a number of ours\nlet dash = a - b;\n";
    let evidence = [whole("a.rs", text)];
    let table: &[(u32, &str, u32, Citation)] = &[
        (1, "   1│ let name = \"größe\";", 1, Exact),
        (1, "1 | let name = \"größe\";", 1, Exact),
        (1, "1: let name = \"größe\";", 1, Exact),
        (1, "1\tlet name = \"größe\";", 1, Exact),
        (1, "+let name = \"größe\";", 1, Exact),
        (1, "-   let name = \"größe\";", 1, Exact),
        (1, "`let name = \"größe\";`", 1, Exact),
        (1, "```rust\nlet name = \"größe\";\n```", 1, Exact),
        (1, "let name = “größe”;", 1, Exact),
        (5, "let dash = a – b;", 5, Exact),
        (2, "if a &lt; b &amp;&amp; c &gt; d {", 2, Exact),
        (1, "let name = … \";", 1, Exact),
        (1, "let name ... if a < b", 1, Exact),
        (1, "let name = \"größe… && d > c {", 1, Absent),
        // Marks that are part of the text are matched as they are.
        (3, "+ counted as text here", 3, Exact),
        (4, "12: not a number of ours", 4, Exact),
    ];
    assert_found("a.rs", &evidence, table);
}

#[test]
fn text_left_out_verifies_nothing() {
    let evidence = [excerpted(
        "a.rs",
        100,
        &[(10, "let a = 1;\nlet b = 2;\n"), (14, "let c = 3;\nlet d = 4;"), (50, "let a = 1;\n")],
    )];
    let table: &[(u32, &str, u32, Citation)] = &[
        (10, "let a = 1;", 10, Exact),
        (15, "let d = 4;", 15, Exact),
        (14, "let b = 2;", 11, Moved),
        (9, "let a = 1;", 10, Moved),
        // It is there twice, and near neither.
        (30, "let a = 1;", 30, Ambiguous),
        // The quote is on lines that were left out, or reaches over a gap.
        (11, "let x = 9;", 11, Absent),
        (12, "", 12, Absent),
        (11, "let b = 2;\nlet c = 3;", 11, Absent),
        (14, "let c = 3;\nlet d = 4;", 14, Exact),
        (15, "let d = 4;\nlet a = 1;", 15, Absent),
    ];
    assert_found("a.rs", &evidence, table);
    let unknown = check(raw("b.rs", 10, "let a = 1;"), &evidence);
    assert_eq!((unknown.path.as_str(), unknown.line, unknown.citation), ("b.rs", 10, NotGiven));
    assert_eq!(check(raw("", 10, "let a = 1;"), &evidence).citation, NotGiven);
}

#[test]
fn removed_lines_can_be_quoted() {
    let mut file = excerpted("a.rs", 30, &[(10, "let kept = 1;\nlet new = 2;\n")]);
    file.removed = vec![Segment { first_line: 11, text: "let old = 1;\nlet older = 2;\n".to_owned() }];
    let table: &[(u32, &str, u32, Citation)] = &[
        (11, "let old = 1;", 11, Removed),
        (11, "-let older = 2;", 11, Removed),
        (11, "let old = 1;\nlet older = 2;", 11, Removed),
        (11, "let new = 2;", 11, Exact),
        (11, "let older = 3;", 11, Absent),
    ];
    assert_found("a.rs", &[file], table);
}

#[test]
fn a_lone_quote_gives_the_line() {
    let evidence = [whole("src/pages.py", PAGES)];
    for (quote, line, citation) in [
        ("return total // size", 5, Exact),
        ("}", 0, Ambiguous),
        ("no such text", 0, Absent),
        ("", 0, Absent),
    ] {
        let finding = check(raw("src/pages.py", None, quote), &evidence);
        assert_eq!((finding.line, finding.citation), (line, citation), "{quote:?}");
    }
}

#[test]
fn paths_become_those_of_the_evidence() {
    let evidence = [whole("src/pages.py", PAGES), whole("/abs/root/lib.py", PAGES)];
    let quote = "return total // size";
    let table = [
        ("src/pages.py", "src/pages.py", Exact),
        ("./src/pages.py", "src/pages.py", Exact),
        ("b/src/pages.py", "src/pages.py", Exact),
        ("pages.py", "src/pages.py", Exact),
        ("/home/u/proj/src/pages.py", "src/pages.py", Exact),
        ("/container/src/pages.py", "src/pages.py", Exact),
        ("root/lib.py", "/abs/root/lib.py", Exact),
        ("src/other.py", "src/other.py", NotGiven),
    ];
    for (path, expected, citation) in table {
        let finding = check(raw(path, 5, quote), &evidence);
        assert_eq!((finding.path.as_str(), finding.citation), (expected, citation), "{path}");
    }
    // A longer path that ends alike may be another file: without its quote it keeps its name.
    let elsewhere = check(raw("other/src/pages.py", 5, "not there"), &evidence);
    assert_eq!((elsewhere.path.as_str(), elsewhere.citation), ("other/src/pages.py", NotGiven));
    let unquoted = check(raw("./src/pages.py", 5, "not there"), &evidence);
    assert_eq!((unquoted.path.as_str(), unquoted.citation), ("src/pages.py", Absent));
}

/// A range moves with its line and ends within the file.
#[test]
fn a_range_moves_with_its_line() {
    let evidence = [whole("src/pages.py", PAGES)];
    let table = [
        (6, Some(7), 2, Some(3), Moved),
        (9, Some(900), 2, Some(14), Moved),
        // A quote within the cited lines leaves them as they are.
        (1, Some(4), 1, Some(4), Exact),
        (2, Some(1), 2, None, Exact),
        (2, None, 2, None, Exact),
    ];
    for (line, end_line, expected, expected_end, citation) in table {
        let finding = check(RawFinding { end_line, ..raw("src/pages.py", line, "if size < 1:") }, &evidence);
        assert_eq!(
            (finding.line, finding.end_line, finding.citation),
            (expected, expected_end, citation),
            "{line} to {end_line:?}"
        );
    }
}

#[test]
fn the_models_order_is_kept() {
    let evidence = [whole("src/pages.py", PAGES)];
    let with = |severity, path: &str, line: u32, title: &str| RawFinding {
        said: said(severity),
        title: title.to_owned(),
        ..raw(path, line, "return total // size")
    };
    let longer = RawFinding { detail: "longer detail".to_owned(), ..with(Severity::High, "z.py", 9, "d") };
    let findings = check_findings(
        vec![
            with(Severity::Low, "src/pages.py", 5, "a"),
            with(Severity::High, "z.py", 9, "d"),
            with(Severity::Unknown, "b.py", 1, "b"),
            with(Severity::High, "a.py", 3, "c"),
            with(Severity::High, "z.py", 9, "d"),
            longer,
            with(Severity::Critical, "z.py", 1, "e"),
        ],
        &evidence,
    );
    let shown: Vec<_> =
        findings.iter().map(|f| (f.severity, f.path.as_str(), f.line, f.title.as_str())).collect();
    assert_eq!(
        shown,
        [
            (Severity::Critical, "z.py", 1, "e"),
            (Severity::High, "z.py", 9, "d"),
            (Severity::High, "a.py", 3, "c"),
            // The same place and title with other words is another finding.
            (Severity::High, "z.py", 9, "d"),
            (Severity::Unknown, "b.py", 1, "b"),
            (Severity::Low, "src/pages.py", 5, "a"),
        ]
    );
}

#[test]
fn only_what_was_found_becomes_stale() {
    let evidence = [whole("src/pages.py", PAGES), whole("src/same.py", PAGES)];
    let quote = "return total // size";
    let mut findings = check_findings(
        vec![
            raw("src/pages.py", 5, quote),
            RawFinding { title: "other".to_owned(), ..raw("src/pages.py", 5, "") },
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
    let shown: Vec<_> = findings.iter().map(|f| (f.path.as_str(), f.line, f.citation)).collect();
    assert_eq!(
        shown,
        [
            ("src/pages.py", 5, Stale),
            ("src/pages.py", 5, Stale),
            ("src/pages.py", 1, Absent),
            ("src/same.py", 5, Exact)
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

    /// Whatever line of a file is quoted is found, wherever the model says that it is.
    #[test]
    fn a_quoted_line_is_always_found(line in 1_u32..40, cited in 1_u32..40) {
        let text: String = (1..40).map(|n| format!("    value_{n}_end = compute({n})\n")).collect();
        let finding = check(raw("a.py", cited, &format!("value_{line}_end = compute({line})")), &[whole("a.py", &text)]);
        prop_assert_eq!(finding.citation, if line == cited { Exact } else { Moved });
        prop_assert_eq!(finding.line, line);
    }
}
