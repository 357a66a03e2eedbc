//! Places that running text mentions.

use exai_answers::citations::{MAX_CITATIONS, cite_text};
use exai_core::Citation::{self, Absent, Ambiguous, Exact, LineExists, Moved, NotGiven};
use proptest::prelude::*;

use crate::support::{excerpted, whole};

type Mention<'t> = (&'t str, u32, Citation);

#[test]
fn mentions_are_found_in_running_text() {
    let evidence = [
        excerpted("src/a.rs", 40, &[(10, "a\nb\nc\n"), (20, "d\n")]),
        whole("Makefile", "a\nb\n"),
        whole("app/[id]/my page.tsx", "a\nb\n"),
        whole("größe/関数.py", "a\n"),
    ];
    let table: &[(&str, &[Mention<'_>])] = &[
        ("see src/a.rs:12.", &[("src/a.rs", 12, LineExists)]),
        (
            "see `src/a.rs:12`, (src/a.rs:11) and **src/a.rs:13**",
            &[("src/a.rs", 12, LineExists), ("src/a.rs", 11, LineExists), ("src/a.rs", 13, Absent)],
        ),
        ("src/a.rs:10-12", &[("src/a.rs", 10, LineExists)]),
        ("src/a.rs:12-20", &[("src/a.rs", 12, LineExists)]),
        ("src/a.rs:12-21", &[("src/a.rs", 12, Absent)]),
        ("src/a.rs:12:5: error", &[("src/a.rs", 12, LineExists)]),
        ("src/a.rs#L12 and src/a.rs#L10-L12", &[("src/a.rs", 12, LineExists), ("src/a.rs", 10, LineExists)]),
        ("[a.rs:12](src/a.rs#L12)", &[("a.rs", 12, LineExists)]),
        ("[here](./src/a.rs#L20)", &[("./src/a.rs", 20, LineExists)]),
        ("/home/u/proj/src/a.rs:12", &[("/home/u/proj/src/a.rs", 12, LineExists)]),
        ("file:///home/u/proj/src/a.rs:12", &[("/home/u/proj/src/a.rs", 12, LineExists)]),
        ("C:\\x\\y.rs:3", &[("C:\\x\\y.rs", 3, NotGiven)]),
        ("/other/src/a.rs:12", &[("/other/src/a.rs", 12, NotGiven)]),
        ("src/a.rs:99 src/a.rs:0 src/a.rs:99999999999", &[("src/a.rs", 99, Absent)]),
        ("Makefile:2 and README:2", &[("Makefile", 2, LineExists)]),
        ("in app/[id]/my page.tsx:2!", &[("app/[id]/my page.tsx", 2, LineExists)]),
        ("größe/関数.py:1", &[("größe/関数.py", 1, LineExists)]),
        ("src/unknown.go:7", &[("src/unknown.go", 7, NotGiven)]),
        ("at 12:30, std::vec:3, http://h:80/x, example.com:443, localhost:1, 10.0.0.1:80, v1.2:3, x:1", &[]),
        ("https://github.com/o/r/blob/main/src/b.rs#L12", &[]),
        ("#L12 :12 ::12 .:1 ..:2 .rs:3 /:4", &[]),
        ("", &[]),
    ];
    for (text, expected) in table {
        let found = cite_text(text, &evidence);
        let found: Vec<_> = found.iter().map(|c| (c.path.as_str(), c.line, c.citation)).collect();
        assert_eq!(found, *expected, "{text}");
    }
}

#[test]
fn text_beside_a_place_is_looked_for() {
    let code = "fn total(items: &[Item]) -> u64 {\n    items.iter().map(Item::price).sum()\n}\n\nfn main() {\n    run(items);\n    run(items);\n    let x = 1;\n    other();\n    run(items);\n}\n";
    let evidence = [whole("src/a.rs", code)];
    let table: &[(&str, Citation)] = &[
        ("src/a.rs:2 `items.iter().map(Item::price).sum()` overflows", Exact),
        ("`src/a.rs:2`: `items.iter().map(Item::price).sum()`", Exact),
        ("`items.iter().map(Item::price).sum()` (src/a.rs:2)", Exact),
        ("src/a.rs:11 – `fn total(items: &[Item])`", Moved),
        ("src/a.rs:2 (`items.into_iter().sum()`)", Absent),
        ("src/a.rs:1, where `run(items);` is called", Ambiguous),
        ("src/a.rs:2: `run(items);`", Ambiguous),
        // Too short to tell anything.
        ("src/a.rs:2 `sum`", LineExists),
        ("src/a.rs:99 `sum`", Absent),
        ("src/b.rs:2 `fn total(items: &[Item])`", NotGiven),
    ];
    for (text, citation) in table {
        let found = cite_text(text, &evidence);
        assert_eq!((found.len(), found[0].citation), (1, *citation), "{text}");
    }
}

/// A given file wins over the look of a host.
#[test]
fn a_given_file_wins_over_a_host() {
    let found = cite_text("example.com:1", &[whole("zones/example.com", "a\n")]);
    assert_eq!((found.len(), found[0].citation), (1, LineExists));
}

#[test]
fn mentions_are_counted_once_and_bounded() {
    let evidence = [whole("src/a.rs", "a\n")];
    assert_eq!(cite_text(&"src/a.rs:1 ./src/a.rs:1 a.rs:1 ".repeat(50), &evidence).len(), 1);
    let many: String = (1..1_000).map(|n| format!("src/a.rs:{n} ")).collect();
    assert_eq!(cite_text(&many, &evidence).len(), MAX_CITATIONS);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_searched_without_panic(text in "(\\PC|[ a-zé日/\\\\.:#L0-9-]|file://|C:|a\\.rs:1){0,60}") {
        let _found = cite_text(&text, &[whole("a.rs", "a\n"), whole("é b.rs", "a\n")]);
    }
}
