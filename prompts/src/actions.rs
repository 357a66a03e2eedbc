//! What the calling agent is asked to do with its own tools between two steps (`required_actions`).
//!
//! All lists have one signature, `fn(u32, Option<&str>) -> &'static [String]`, so that a table of tools can
//! hold them as plain function pointers.

use std::sync::LazyLock;

use crate::template::split_header;

/// Plans of at least this many steps think before their first steps; see [`thinks_deeply`].
pub const DEEP_PLAN_STEPS: u32 = 5;

/// Last step of a long plan that has a list of its own.
const LAST_DEEP_STEP: u32 = 3;

static ANALYZE: LazyLock<Sheet> =
    LazyLock::new(|| Sheet::parse(include_str!("../templates/actions/analyze.md")));
static CODEREVIEW: LazyLock<Sheet> =
    LazyLock::new(|| Sheet::parse(include_str!("../templates/actions/codereview.md")));
static DEBUG: LazyLock<Sheet> = LazyLock::new(|| Sheet::parse(include_str!("../templates/actions/debug.md")));
static DOCGEN: LazyLock<Sheet> =
    LazyLock::new(|| Sheet::parse(include_str!("../templates/actions/docgen.md")));
static PLANNER: LazyLock<Sheet> =
    LazyLock::new(|| Sheet::parse(include_str!("../templates/actions/planner.md")));
static PRECOMMIT: LazyLock<Sheet> =
    LazyLock::new(|| Sheet::parse(include_str!("../templates/actions/precommit.md")));
static REFACTOR: LazyLock<Sheet> =
    LazyLock::new(|| Sheet::parse(include_str!("../templates/actions/refactor.md")));
static SECAUDIT: LazyLock<Sheet> =
    LazyLock::new(|| Sheet::parse(include_str!("../templates/actions/secaudit.md")));
static TESTGEN: LazyLock<Sheet> =
    LazyLock::new(|| Sheet::parse(include_str!("../templates/actions/testgen.md")));
static THINKDEEP: LazyLock<Sheet> =
    LazyLock::new(|| Sheet::parse(include_str!("../templates/actions/thinkdeep.md")));
static TRACER: LazyLock<Sheet> =
    LazyLock::new(|| Sheet::parse(include_str!("../templates/actions/tracer.md")));

/// Actions after step `step_number` (from 1) of a code review. They follow the step, not the confidence.
#[must_use]
pub fn codereview(step_number: u32, _confidence: Option<&str>) -> &'static [String] {
    CODEREVIEW.under(by_step(step_number))
}

/// Actions after step `step_number` (from 1) of an investigation. After the first step they follow `confidence`;
/// an absent or unknown word counts as `low`, the field's default.
#[must_use]
pub fn debug(step_number: u32, confidence: Option<&str>) -> &'static [String] {
    DEBUG.under(match (step_number, confidence) {
        (0 | 1, _) => "step 1",
        (_, Some("exploring")) => "confidence exploring",
        (_, Some("high")) => "confidence high",
        (_, Some("very_high" | "almost_certain" | "certain")) => {
            "confidence very_high, almost_certain, certain"
        }
        _ => "confidence low, medium",
    })
}

/// Actions after step `step_number` (from 1) of an assessment. They follow the step.
#[must_use]
pub fn analyze(step_number: u32, _confidence: Option<&str>) -> &'static [String] {
    ANALYZE.under(by_step(step_number))
}

/// Actions after step `step_number` (from 1) of writing documentation: first counting, then one file a step.
#[must_use]
pub fn docgen(step_number: u32, _confidence: Option<&str>) -> &'static [String] {
    DOCGEN.under(if step_number <= 1 { "step 1" } else { "step 2 and later" })
}

/// Actions after step `step_number` (from 1) of a check before a commit. They follow the step.
#[must_use]
pub fn precommit(step_number: u32, _confidence: Option<&str>) -> &'static [String] {
    PRECOMMIT.under(by_step(step_number))
}

/// Actions after step `step_number` (from 1) of a search for what to restructure. After the first step they follow `confidence`,
/// which has words of its own here; an absent or unknown word counts as `incomplete`.
#[must_use]
pub fn refactor(step_number: u32, confidence: Option<&str>) -> &'static [String] {
    REFACTOR.under(match (step_number, confidence) {
        (0 | 1, _) => "step 1",
        (_, Some("partial")) => "confidence partial",
        (_, Some("complete")) => "confidence complete",
        _ => "confidence exploring, incomplete",
    })
}

/// Actions after step `step_number` (from 1) of a security audit. They follow the step.
#[must_use]
pub fn secaudit(step_number: u32, _confidence: Option<&str>) -> &'static [String] {
    SECAUDIT.under(match step_number {
        0 | 1 => "step 1",
        2 => "step 2",
        3 => "step 3",
        4 => "step 4",
        5 => "step 5",
        _ => "step 6 and later",
    })
}

/// Actions after step `step_number` (from 1) of planning tests. After the first step they follow `confidence`; an absent or
/// unknown word counts as `low`.
#[must_use]
pub fn testgen(step_number: u32, confidence: Option<&str>) -> &'static [String] {
    TESTGEN.under(match (step_number, confidence) {
        (0 | 1, _) => "step 1",
        (_, Some("medium" | "high")) => "confidence medium, high",
        (_, Some("very_high" | "almost_certain" | "certain")) => {
            "confidence very_high, almost_certain, certain"
        }
        _ => "confidence exploring, low",
    })
}

/// Actions while something is thought through. They follow `confidence`; an absent or unknown word counts as `exploring`.
#[must_use]
pub fn thinkdeep(_step_number: u32, confidence: Option<&str>) -> &'static [String] {
    THINKDEEP.under(match confidence {
        Some("low") => "confidence low",
        Some("medium") => "confidence medium",
        Some("high") => "confidence high",
        Some("very_high" | "almost_certain" | "certain") => "confidence very_high, almost_certain, certain",
        _ => "confidence exploring",
    })
}

/// Actions after step `step_number` (from 1) of a trace. After the first step they follow `confidence`; an absent or unknown word
/// counts as `low`.
#[must_use]
pub fn tracer(step_number: u32, confidence: Option<&str>) -> &'static [String] {
    TRACER.under(match (step_number, confidence) {
        (0 | 1, _) => "step 1",
        (_, Some("medium")) => "confidence medium",
        (_, Some("high" | "very_high" | "almost_certain" | "certain")) => "confidence high and above",
        _ => "confidence exploring, low",
    })
}

/// The lists of the tools that look, dig and then verify.
fn by_step(step_number: u32) -> &'static str {
    match step_number {
        0 | 1 => "step 1",
        2 => "step 2",
        _ => "step 3 and later",
    }
}

/// Thoughts asked for after step `step_number` (from 1) of a long plan; empty from step 4 on. Only for plans that
/// [`thinks_deeply`] names. Planning knows no confidence.
#[must_use]
pub fn planner(step_number: u32, _confidence: Option<&str>) -> &'static [String] {
    match step_number {
        0 | 1 => PLANNER.under("step 1"),
        2 => PLANNER.under("step 2"),
        LAST_DEEP_STEP => PLANNER.under("step 3"),
        _ => &[],
    }
}

/// Whether a plan pauses for deep thinking after this step: one of the first three of a long plan.
#[must_use]
pub const fn thinks_deeply(step_number: u32, total_steps: u32) -> bool {
    total_steps >= DEEP_PLAN_STEPS && step_number <= LAST_DEEP_STEP
}

/// The lists of one file, in its order.
#[derive(Debug)]
struct Sheet {
    lists: Vec<List>,
}

#[derive(Debug)]
struct List {
    heading: String,
    actions: Vec<String>,
}

impl Sheet {
    /// Reads `## heading` lines and the `- ` bullets beneath them; everything else is commentary.
    fn parse(file: &str) -> Self {
        let mut lists: Vec<List> = Vec::new();
        for line in split_header(file).1.lines() {
            if let Some(heading) = line.strip_prefix("## ") {
                lists.push(List { heading: heading.trim().to_owned(), actions: Vec::new() });
            } else if let (Some(bullet), Some(list)) = (line.strip_prefix("- "), lists.last_mut()) {
                list.actions.push(bullet.trim().to_owned());
            }
        }
        Self { lists }
    }

    /// The list under `heading`; empty when there is none, which the tests of this crate rule out.
    fn under(&self, heading: &str) -> &[String] {
        self.lists.iter().find(|list| list.heading == heading).map_or(&[], |list| &list.actions)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    type Door = fn(u32, Option<&str>) -> &'static [String];

    const DOORS: [(&str, &LazyLock<Sheet>, Door); 11] = [
        ("analyze", &ANALYZE, analyze),
        ("codereview", &CODEREVIEW, codereview),
        ("debug", &DEBUG, debug),
        ("docgen", &DOCGEN, docgen),
        ("planner", &PLANNER, planner),
        ("precommit", &PRECOMMIT, precommit),
        ("refactor", &REFACTOR, refactor),
        ("secaudit", &SECAUDIT, secaudit),
        ("testgen", &TESTGEN, testgen),
        ("thinkdeep", &THINKDEEP, thinkdeep),
        ("tracer", &TRACER, tracer),
    ];

    const CONFIDENCES: [Option<&str>; 11] = [
        None,
        Some("incomplete"),
        Some("partial"),
        Some("complete"),
        Some("exploring"),
        Some("low"),
        Some("medium"),
        Some("high"),
        Some("very_high"),
        Some("almost_certain"),
        Some("certain"),
    ];

    #[test]
    fn every_phase_of_an_investigation_has_actions() {
        for step in [0, 1, 2, 3, 4, u32::MAX] {
            for confidence in CONFIDENCES {
                for (name, _, door) in DOORS.iter().filter(|(name, ..)| *name != "planner") {
                    assert!(door(step, confidence).len() >= 2, "{name} {step} {confidence:?}");
                }
            }
        }
    }

    #[test]
    fn no_list_is_out_of_reach() {
        for (name, sheet, door) in DOORS {
            let written: BTreeSet<&[String]> =
                sheet.lists.iter().map(|list| list.actions.as_slice()).collect();
            let reached: BTreeSet<&[String]> = (1..=7)
                .flat_map(|step| CONFIDENCES.map(|confidence| door(step, confidence)))
                .filter(|actions| !actions.is_empty())
                .collect();
            assert_eq!(written, reached, "{name}");
            assert_eq!(written.len(), sheet.lists.len(), "two headings carry the same list");
        }
    }

    #[test]
    fn actions_follow_the_confidence() {
        assert_eq!(debug(1, Some("certain")), debug(1, None));
        assert_ne!(debug(2, Some("certain")), debug(1, Some("certain")));
        assert_eq!(debug(2, Some("very_high")), debug(9, Some("almost_certain")));
        assert_eq!(debug(2, Some("no such word")), debug(2, Some("low")));
        assert_ne!(debug(2, Some("exploring")), debug(2, Some("low")));
        assert_ne!(debug(2, Some("high")), debug(2, Some("medium")));
    }

    #[test]
    fn a_review_follows_the_step() {
        assert_ne!(codereview(1, None), codereview(2, None));
        assert_ne!(codereview(2, None), codereview(3, None));
        assert_eq!(codereview(3, None), codereview(30, Some("low")));
    }

    /// Only the first steps of a long plan think deeply.
    #[test]
    fn only_the_first_steps_think_deeply() {
        assert!(thinks_deeply(1, 5) && thinks_deeply(3, 9));
        assert!(!thinks_deeply(1, 4) && !thinks_deeply(4, 5));
        assert!((1..=3).all(|step| !planner(step, None).is_empty()));
        assert!(planner(4, None).is_empty());
    }

    #[test]
    fn commentary_is_not_an_action() {
        let sheet = Sheet::parse(
            "---\nversion: 1\n---\n- stray\n# Title\n## a\ntext\n- one\n\n- two \n## b\n- three\n",
        );
        assert_eq!(sheet.under("a"), ["one", "two"]);
        assert_eq!(sheet.under("b"), ["three"]);
        assert!(sheet.under("Title").is_empty());
    }
}
