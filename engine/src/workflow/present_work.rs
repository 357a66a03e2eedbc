//! Which steps of a thread count for the present piece of work.

use exai_core::thread::{Step, Thread};

/// The steps of a tool's present piece of work, oldest first. A step that was sent again replaces its earlier version, and a new
/// step 1 begins again, so that a call repeated after a failure never counts twice.
pub(super) fn present_work<'t>(thread: &'t Thread, tool: &str) -> Vec<&'t Step> {
    let all = thread.work_of(tool);
    let begin = all.iter().rposition(|step| step.step_number == 1 && step.branch().is_none()).unwrap_or(0);
    let mut kept: Vec<&Step> = Vec::new();
    for step in all.into_iter().skip(begin) {
        kept.retain(|earlier| !step.replaces(earlier));
        kept.push(step);
    }
    kept
}

/// The steps that count when `new` has been taken: the earlier ones without those that it replaces.
pub(super) fn work_with<'s>(earlier: &[&'s Step], new: &'s Step) -> Vec<&'s Step> {
    if new.step_number == 1 && new.branch().is_none() {
        return vec![new];
    }
    let mut work: Vec<&Step> = earlier.iter().copied().filter(|step| !new.replaces(step)).collect();
    work.push(new);
    work
}

/// The latest value of one of a tool's own fields.
pub(super) fn latest<'s>(work: &[&'s Step], field: &str) -> Option<&'s serde_json::Value> {
    work.iter().rev().find_map(|step| step.extra.get(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(number: u32, total: u32) -> Step {
        Step { step: format!("s{number}"), step_number: number, total_steps: total, ..Step::default() }
    }

    /// A step that is sent again replaces its earlier version, and step 1 begins again.
    #[test]
    fn a_repeated_step_replaces_its_earlier_version() {
        let (one, two, again) = (step(1, 3), step(2, 3), step(2, 3));
        assert_eq!(work_with(&[&one, &two], &again).len(), 2);
        assert!(std::ptr::eq(work_with(&[&one, &two], &again)[1], &again));
        let fresh = step(1, 3);
        assert_eq!(work_with(&[&one, &two], &fresh), vec![&fresh]);
    }
}
