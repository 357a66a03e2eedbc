//! The offline inspection: what it finds in bad files, what it leaves alone in good ones, and how it behaves on any text.

#![expect(clippy::unwrap_used, reason = "the functions that the tests share fail the test by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use exai_context::evidence::{EvidenceFile, Segment};
use exai_core::{Citation, Severity};
use exai_inspect::{Inspection, inspect};
use proptest::prelude::*;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Fixtures keep made-up credentials apart with this mark, so that scanners of the repository do not take them for real ones.
const SPLIT: &str = "@@";

fn fixture(name: &str) -> String {
    std::fs::read_to_string(fixtures().join(name)).unwrap().replace(SPLIT, "")
}

fn part(path: &str, lines: u32, segments: &[(u32, &str)]) -> EvidenceFile {
    let segments =
        segments.iter().map(|(first_line, text)| Segment { first_line: *first_line, text: (*text).into() });
    EvidenceFile {
        path: path.into(),
        absolute: Path::new("/").join(path),
        hash: String::new(),
        bytes: 0,
        lines,
        segments: segments.collect(),
        removed: Vec::new(),
    }
}

fn whole(path: &str, text: &str) -> EvidenceFile {
    part(path, u32::try_from(text.lines().count()).unwrap(), &[(1, text)])
}

/// Rule and line of every finding but the two that are always listed.
fn found(inspection: &Inspection) -> BTreeSet<(&str, u32)> {
    let listed = inspection.findings.iter().filter(|located| !located.rule.starts_with("longest-"));
    listed.map(|located| (located.rule, located.finding.line)).collect()
}

fn expected(text: &str) -> BTreeSet<(&str, u32)> {
    let lines = text.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (rule, line) = line.split_once(' ').unwrap();
            (rule, line.parse().unwrap())
        })
        .collect()
}

const BAD: &[&str] = &[
    "rust/bad.rs",
    "python/bad.py",
    "typescript/bad.ts",
    "go/bad.go",
    "java/bad.java",
    "c/bad.c",
    "cpp/bad.cpp",
    "secrets/bad.py",
    "secrets/bad.yaml",
];

const GOOD: &[&str] = &[
    "rust/good.rs",
    "python/good.py",
    "typescript/good.ts",
    "go/good.go",
    "java/good.java",
    "c/good.c",
    "cpp/good.cpp",
    "secrets/good.py",
    "secrets/good.yaml",
];

fn inspect_fixture(name: &str) -> (String, Inspection) {
    let text = fixture(name);
    let inspection = inspect(&[whole(&format!("src/{}", name.replace('/', "_")), &text)]);
    (text, inspection)
}

#[test]
fn bad_files_give_exactly_the_expected_findings() {
    let mut wrong = Vec::new();
    for name in BAD {
        let (_, inspection) = inspect_fixture(name);
        let expectation = fixture(&format!("{name}.expected"));
        let (found, expected) = (found(&inspection), expected(&expectation));
        let missing: Vec<_> = expected.difference(&found).collect();
        let extra: Vec<_> = found.difference(&expected).collect();
        if !(missing.is_empty() && extra.is_empty()) {
            wrong.push(format!("{name}: missing {missing:?}, extra {extra:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn good_files_give_nothing_but_facts() {
    for name in GOOD {
        let (_, inspection) = inspect_fixture(name);
        assert_eq!(found(&inspection), BTreeSet::new(), "{name}");
        assert!(inspection.findings.iter().any(|located| located.rule == "longest-file"), "{name}");
    }
}

#[test]
fn quotes_are_the_cited_lines() {
    for name in BAD.iter().chain(GOOD).filter(|name| !name.starts_with("secrets")) {
        let (text, inspection) = inspect_fixture(name);
        for located in &inspection.findings {
            let finding = &located.finding;
            assert_eq!(text.lines().nth(finding.line as usize - 1), Some(finding.quote.as_str()), "{name}");
            assert_eq!(finding.citation, Citation::Exact);
        }
    }
}

#[test]
fn secrets_are_masked_wherever_they_are_quoted() {
    for name in ["secrets/bad.py", "secrets/bad.yaml"] {
        let (_, inspection) = inspect_fixture(name);
        let shown = serde_json::to_string(&inspection).unwrap();
        for secret in ["VxK1m", "Q3ZV7YMKT5", "kQ7mZp2"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(shown.contains("****"));
    }
    let text = format!("# TODO: drop gh{}p_q8Zt3VxK1mWc7RbY5nJd0LsP2hGf9TuAe4Xo\n", "");
    let inspection = inspect(&[whole("a.py", &text)]);
    let quotes: BTreeSet<_> =
        inspection.findings.iter().map(|located| located.finding.quote.as_str()).collect();
    assert_eq!(quotes, BTreeSet::from(["# TODO: drop ghp_****"]));
}

#[test]
fn the_longest_are_always_listed() {
    let files = [whole("src/a.rs", "fn f() {}\n"), whole("src/b.rs", "// B\n\nfn g() {\n    f();\n}\n")];
    let inspection = inspect(&files);
    let shown: Vec<_> =
        inspection.findings.iter().map(|l| (l.finding.line, l.finding.title.as_str())).collect();
    assert_eq!(shown, [(1, "Longest file: 5 lines"), (3, "Longest function: `g` has 3 lines")]);
    assert!(
        inspection
            .findings
            .iter()
            .all(|l| l.finding.path == "src/b.rs" && l.finding.severity == Severity::Info)
    );
    assert_eq!((inspection.facts.files, inspection.facts.lines, inspection.facts.functions), (2, 6, 2));
    assert_eq!(inspection.facts.by_language["rust"].files, 2);
}

#[test]
fn length_is_judged() {
    let function = |lines: usize| format!("fn f() {{\n{}}}\n", "    g();\n".repeat(lines - 2));
    let severity = |text: &str, rule: &str| {
        let inspection = inspect(&[whole("src/a.rs", text)]);
        inspection
            .findings
            .iter()
            .find(|located| located.rule == rule)
            .map(|located| located.finding.severity)
    };
    assert_eq!(severity(&function(80), "long-function"), None);
    assert_eq!(severity(&function(81), "long-function"), Some(Severity::Low));
    assert_eq!(severity(&function(201), "long-function"), Some(Severity::Medium));
    assert_eq!(severity(&function(500), "long-file"), None);
    assert_eq!(severity(&function(501), "long-file"), Some(Severity::Low));
    assert_eq!(severity(&function(1001), "long-file"), Some(Severity::Medium));
}

/// Missing tests are reported as far as they are given.
#[test]
fn missing_tests_are_reported_where_visible() {
    let code = "def f():\n    pass\n".repeat(8);
    let alone = inspect(&[whole("a.py", "def g():\n    pass\n"), whole("b.py", &code)]);
    let told: Vec<_> = alone.findings.iter().filter(|located| located.rule == "no-tests").collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].finding.path, "b.py");
    assert_eq!(told[0].finding.title, "No python tests among the given files");
    let tested = inspect(&[whole("b.py", &code), whole("test_b.py", "def test_f():\n    pass\n")]);
    assert_eq!(found(&tested), BTreeSet::new());
    assert_eq!(tested.facts.tests, 1);
}

#[test]
fn excerpts_are_judged_by_given_lines() {
    let body = "    g();\n".repeat(60);
    let head = format!("fn f() {{\n{body}");
    let tail = format!("{body}}}\n");
    // The function has more than 80 lines, but the end that belongs to its beginning is not given.
    let inspection = inspect(&[part("src/a.rs", 400, &[(1, &head), (200, &tail)])]);
    assert_eq!(found(&inspection), BTreeSet::new());
    assert_eq!(inspection.facts.longest_function, None);
    assert!(
        inspection.notes.iter().any(|note| note.starts_with("Only the given lines were inspected")),
        "{:?}",
        inspection.notes
    );

    // Indented code of an excerpt may stand in a test module; code of an item at the margin does not.
    let text = "    fn a() {\n        b().unwrap();\n    }\n}\n\nfn c() {\n    d().unwrap();\n}\n";
    let inspection = inspect(&[part("src/a.rs", 400, &[(100, text)])]);
    assert_eq!(found(&inspection), BTreeSet::from([("rust-unwrap", 106)]));

    // An excerpt that ends inside a string may have begun inside one.
    let text = "eval(x)\n\"\"\"\nprose\n";
    let inspection = inspect(&[part("a.py", 400, &[(100, text)])]);
    assert_eq!(found(&inspection), BTreeSet::new());
    assert!(inspection.notes.iter().any(|note| note.contains("inside a string")), "{:?}", inspection.notes);
}

#[test]
fn segments_that_touch_are_read_together() {
    let inspection = inspect(&[part("a.go", 4, &[(1, "package a\n/*\n"), (3, "panic(1)\n*/\n")])]);
    assert_eq!(found(&inspection), BTreeSet::new());
    let inspection = inspect(&[part("a.c", 9, &[(5, "it's prose; gets(x) */\n  gets(y);\n")])]);
    assert_eq!(found(&inspection), BTreeSet::from([("c-gets", 6)]));
}

#[test]
fn tests_and_examples_are_no_production() {
    let text = "fn f() {\n    g().unwrap();\n}\n";
    for path in
        ["tests/a.rs", "src/a/tests.rs", "examples/a.rs", "benches/a.rs", "build.rs", "vendor/a/src/lib.rs"]
    {
        assert_eq!(found(&inspect(&[whole(path, text)])), BTreeSet::new(), "{path}");
    }
    assert_eq!(found(&inspect(&[whole("src/a.rs", text)])), BTreeSet::from([("rust-unwrap", 2)]));
    let only = "describe.only('x', () => {\n});\n";
    assert_eq!(found(&inspect(&[whole("a.test.ts", only)])), BTreeSet::from([("script-only", 1)]));
    assert_eq!(found(&inspect(&[whole("a.ts", only)])), BTreeSet::new());
}

#[test]
fn findings_are_bounded_and_counted() {
    let text = format!("fn f() {{\n{}}}\n", "    g().unwrap();\n".repeat(70));
    let inspection = inspect(&[whole("src/a.rs", &text)]);
    assert_eq!(found(&inspection).len(), 5);
    assert_eq!(inspection.notes, ["At least 65 more of `rust-unwrap` in 1 file are not listed."]);
    let files: Vec<_> = (0..90).map(|number| whole(&format!("src/{number}.rs"), &text)).collect();
    let inspection = inspect(&files);
    assert_eq!(inspection.findings.iter().filter(|located| located.rule == "rust-unwrap").count(), 30);
    assert_eq!(inspection.notes, ["At least 6270 more of `rust-unwrap` in 90 files are not listed."]);
    assert!(inspection.findings.is_sorted_by_key(|located| located.finding.severity));
}

#[test]
fn nothing_given_is_nothing_found() {
    let inspection = inspect(&[]);
    assert!(inspection.findings.is_empty() && inspection.notes.is_empty());
    let inspection =
        inspect(&[part("a.rs", 0, &[]), part("b.rs", 1, &[(0, "")]), part("c.py", 1, &[(u32::MAX, "x\ny")])]);
    assert_eq!(inspection.facts.files, 3);
}

const NAMES: &[&str] =
    &["a.rs", "a.py", "a.js", "a.tsx", "a.go", "a.java", "a.c", "a.cpp", "a.sh", "a.yaml", "a.md", ".env"];

/// Pieces that open, close and look like something.
const PIECES: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "`",
    "\"\"\"",
    "'''",
    "/*",
    "*/",
    "//",
    "#",
    "\\",
    "\n",
    " ",
    "\t",
    "r#\"",
    "${",
    "fn a",
    "def b():",
    "func c() ",
    "unsafe ",
    "x = ",
    "eval(",
    ".unwrap()",
    "execute(",
    "SELECT a",
    "+",
    "%",
    "é",
    "😀",
    "/",
    "struct",
    ": ",
    "=>",
    ";",
    ",",
    "requests.get(",
    "password = ",
    "for ",
    "defer ",
    "#if",
    "#else",
    "#endif",
    "malloc(",
    "R\"(",
    "\u{0}",
    "\r\n",
    "except:",
    "catch (e) ",
    "interface",
    "class A ",
    "sk-",
    "-----BEGIN PRIVATE KEY-----",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_inspected(text in "\\PC{0,400}", first in 1_u32..50, name in prop::sample::select(NAMES)) {
        let file = part(name, 100, &[(first, &text)]);
        let inspection = inspect(std::slice::from_ref(&file));
        for located in &inspection.findings {
            prop_assert!(file.line(located.finding.line).is_some());
        }
    }

    #[test]
    fn any_pieces_are_inspected_the_same_twice(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..300),
        first in prop::sample::select(&[1_u32, 7]),
        name in prop::sample::select(NAMES),
    ) {
        let text = pieces.concat();
        let file = part(name, 1_000, &[(first, &text)]);
        let inspection = inspect(std::slice::from_ref(&file));
        for located in &inspection.findings {
            let line = file.line(located.finding.line).unwrap_or_default();
            let quote = located.finding.quote.as_str();
            prop_assert!(line.starts_with(quote) || quote.contains("****"), "{quote:?} is not {line:?}");
        }
        prop_assert_eq!(&inspection, &inspect(std::slice::from_ref(&file)));
    }
}

/// Text of `size` bytes from pieces, without an outside source of randomness.
fn noise(pieces: &[&str], size: usize) -> String {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut text = String::with_capacity(size + 32);
    while text.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push_str(pieces[usize::try_from(state % pieces.len() as u64).unwrap()]);
    }
    text
}

/// Quadratic work on a megabyte would take hours; the bound only has to tell that apart from a slow machine.
#[test]
fn noise_is_inspected_in_bounded_time() {
    let brackets = ["(", ")", "[", "]", "{", "}", "\"", "'", "`", " ", "\n"];
    let texts = [
        noise(&brackets, 1_000_000),
        noise(PIECES, 250_000),
        "'\\".repeat(100_000),
        "=/[".repeat(100_000),
        "{".repeat(200_000),
        ": {} <  ".repeat(30_000),
        "unsafe {".repeat(30_000),
        "requests.get(".repeat(30_000),
        ".execute(\"SELECT a\" + ".repeat(20_000),
        "def f(a=[],".repeat(30_000),
    ];
    for text in &texts {
        for name in ["a.rs", "a.py", "a.ts", "a.go", "a.c"] {
            let started = Instant::now();
            let inspection = inspect(&[whole(name, text)]);
            let took = started.elapsed();
            assert!(inspection.findings.len() <= 200);
            let head: String = text.chars().take(20).collect();
            assert!(took < Duration::from_secs(60), "{took:?} for {name} of {head:?}");
        }
    }
}
