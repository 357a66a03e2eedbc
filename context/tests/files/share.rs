//! How the budget is shared.

use exai_context::evidence::FileStatus;
use proptest::prelude::*;

use crate::support::{Project, budget, check};

/// Source-like lines of many lengths.
fn source(lines: usize) -> String {
    (0..lines).map(|line| format!("{}let v{line} = f({line});\n", "    ".repeat(line % 4))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nearly the whole budget is used when more is offered than fits, and every file is accounted for.
    #[test]
    fn nearly_the_whole_budget_is_used(
        sizes in prop::collection::vec(prop_oneof![1_usize..20, 20_usize..400, 400_usize..3_000], 1..25),
        total in 4_000_u32..60_000,
    ) {
        let project = Project::new();
        let names: Vec<String> = (0..sizes.len()).map(|at| format!("src/file{at}.rs")).collect();
        for (name, size) in names.iter().zip(&sizes) {
            project.write(name, source(*size));
        }
        let paths: Vec<&str> = names.iter().map(String::as_str).collect();
        let all = project.pack(&paths).tokens;
        let packed = project.pack_into(&paths, budget(total));
        check(&packed, budget(total));
        prop_assert_eq!(packed.report.len(), sizes.len());
        if all <= total {
            prop_assert_eq!(packed.tokens, all);
            prop_assert!(packed.report.iter().all(|line| line.status == FileStatus::Included));
        } else {
            prop_assert!(packed.tokens * 100 >= total * 95, "{} of {total}, {:?}", packed.tokens, packed.report);
        }
    }
}

#[test]
fn the_callers_order_decides_what_is_whole() {
    let project = Project::with(&[("a.rs", &source(400)), ("b.rs", &source(400)), ("c.rs", &source(20))]);
    let one = project.pack(&["a.rs"]).tokens;
    let total = one + one / 2;
    let packed = project.pack_into(&["b.rs", "a.rs", "c.rs"], budget(total));
    check(&packed, budget(total));
    let given: Vec<_> = packed.report.iter().map(|line| (line.path.as_str(), line.status)).collect();
    let expected =
        [("b.rs", FileStatus::Included), ("a.rs", FileStatus::Excerpted), ("c.rs", FileStatus::Included)];
    assert_eq!(given, expected);
}

/// When the last file cannot be cut the others grow.
#[test]
fn others_grow_when_one_cannot() {
    let project = Project::with(&[("a.rs", &source(3_000)), ("one.json", &"[1,2],".repeat(100_000))]);
    let packed = project.pack_into(&["a.rs", "one.json"], budget(20_000));
    check(&packed, budget(20_000));
    assert!(packed.tokens >= 19_000, "{}", packed.tokens);
}
