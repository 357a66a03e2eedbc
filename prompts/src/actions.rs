//! What the calling agent is asked to do with its own tools between two steps (`required_actions`).
//!
//! The three lists have one signature, `fn(u32, Option<&str>) -> &'static [String]`, so that a table of tools can
//! hold them as plain function pointers.

use std::sync::LazyLock;

use crate::template::split_header;

/// Plans of at least this many steps think before their first steps; see [`thinks_deeply`].
pub const DEEP_PLAN_STEPS: u32 = 5;

/// Last step of a long plan that has a list of its own.
const LAST_DEEP_STEP: u32 = 3;

static CODEREVIEW: LazyLock<Sheet> =
    LazyLock::new(|| Sheet::parse(include_str!("../templates/actions/codereview.md")));
static DEBUG: LazyLock<Sheet> = LazyLock::new(|| Sheet::parse(include_str!("../templates/actions/debug.md")));
static PLANNER: LazyLock<Sheet> =
    LazyLock::new(|| Sheet::parse(include_str!("../templates/actions/planner.md")));

/// Actions after step `step_number` (from 1) of a code review. They follow the step, not the confidence.
#[must_use]
pub fn codereview(step_number: u32, _confidence: Option<&str>) -> &'static [String] {
    CODEREVIEW.under(match step_number {
        0 | 1 => "step 1",
        2 => "step 2",
        _ => "step 3 and later",
    })
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

/// Actions of `analyze`.
#[must_use]
pub fn analyze(step_number: u32, _confidence: Option<&str>) -> &'static [String] {
    codereview(step_number, None)
}

/// Actions of `docgen`.
#[must_use]
pub fn docgen(step_number: u32, _confidence: Option<&str>) -> &'static [String] {
    codereview(step_number, None)
}

/// Actions of `precommit`.
#[must_use]
pub fn precommit(step_number: u32, _confidence: Option<&str>) -> &'static [String] {
    codereview(step_number, None)
}

/// Actions of `refactor`.
#[must_use]
pub fn refactor(step_number: u32, _confidence: Option<&str>) -> &'static [String] {
    codereview(step_number, None)
}

/// Actions of `secaudit`.
#[must_use]
pub fn secaudit(step_number: u32, _confidence: Option<&str>) -> &'static [String] {
    codereview(step_number, None)
}

/// Actions of `testgen`.
#[must_use]
pub fn testgen(step_number: u32, _confidence: Option<&str>) -> &'static [String] {
    codereview(step_number, None)
}

/// Actions of `thinkdeep`.
#[must_use]
pub fn thinkdeep(step_number: u32, _confidence: Option<&str>) -> &'static [String] {
    codereview(step_number, None)
}

/// Actions of `tracer`.
#[must_use]
pub fn tracer(step_number: u32, _confidence: Option<&str>) -> &'static [String] {
    codereview(step_number, None)
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

    const CONFIDENCES: [Option<&str>; 8] = [
        None,
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
                assert!(codereview(step, confidence).len() >= 3, "codereview {step} {confidence:?}");
                assert!(debug(step, confidence).len() >= 3, "debug {step} {confidence:?}");
            }
        }
    }

    #[test]
    fn no_list_is_out_of_reach() {
        let doors: [(&Sheet, Door); 3] = [(&CODEREVIEW, codereview), (&DEBUG, debug), (&PLANNER, planner)];
        for (sheet, door) in doors {
            let written: BTreeSet<&[String]> =
                sheet.lists.iter().map(|list| list.actions.as_slice()).collect();
            let reached: BTreeSet<&[String]> = (1..=5)
                .flat_map(|step| CONFIDENCES.map(|confidence| door(step, confidence)))
                .filter(|actions| !actions.is_empty())
                .collect();
            assert_eq!(written, reached);
            assert_eq!(written.len(), sheet.lists.len(), "two headings carry the same list");
        }
    }

    #[test]
    fn an_investigation_follows_the_confidence_after_its_first_step() {
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

    #[test]
    fn only_the_first_steps_of_a_long_plan_think_deeply() {
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
