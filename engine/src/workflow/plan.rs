//! A finished plan: every step of it, in the order of their numbers, with its branches and what was revised.

use exai_core::thread::{BACKTRACK, Step};
use serde::Serialize;
use serde_json::Value;

use super::{StoredStep, spec::Flow};

/// The field that names the step that is revised.
const REVISES: &str = "revises_step_number";
/// The field that names the step that a branch begins after.
const BRANCHES_FROM: &str = "branch_from_step";

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanStep {
    /// From 1.
    pub step_number: u32,
    /// What it says.
    pub step: String,
    /// The branch that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch_id: Option<String>,
    /// The step that its branch begins after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch_from_step: Option<u64>,
    /// The step that it takes the place of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revises_step_number: Option<u64>,
    /// The step that has taken its place: it no longer holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revised_by_step: Option<u32>,
}

impl StoredStep<'_> {
    /// The plan with this step; empty for tools that do not plan.
    pub(super) fn plan(&self) -> Vec<PlanStep> {
        if !matches!(self.spec.flow, Flow::Planning) {
            return Vec::new();
        }
        let mut steps: Vec<&Step> =
            self.thread.map(|thread| thread.work_of(self.spec.name)).unwrap_or_default();
        steps.push(self.step);
        plan_of(&steps)
    }
}

/// The plan that steps make, oldest first. A step that was sent again counts as it was sent last, and what was gone back behind is
/// dropped; a revised step stays with the number of its revision.
fn plan_of(steps: &[&Step]) -> Vec<PlanStep> {
    let begin = steps.iter().rposition(|step| step.step_number == 1 && step.branch().is_none()).unwrap_or(0);
    let mut kept: Vec<(&Step, Option<u32>)> = Vec::new();
    for step in steps.iter().skip(begin) {
        kept.retain(|(earlier, _)| !step.replaces(earlier) || only_revises(step, earlier));
        for (_, revised_by) in kept.iter_mut().filter(|(earlier, _)| step.replaces(earlier)) {
            *revised_by = Some(step.step_number);
        }
        kept.push((step, None));
    }
    kept.sort_by_key(|(step, _)| step.step_number);
    kept.into_iter().map(|(step, revised_by)| shown(step, revised_by)).collect()
}

fn only_revises(step: &Step, earlier: &Step) -> bool {
    step.step_number != earlier.step_number && !step.extra.contains_key(BACKTRACK)
}

fn shown(step: &Step, revised_by_step: Option<u32>) -> PlanStep {
    let number = |field: &str| step.extra.get(field).and_then(Value::as_u64);
    PlanStep {
        step_number: step.step_number,
        step: step.step.clone(),
        branch_id: step.branch().map(str::to_owned),
        branch_from_step: number(BRANCHES_FROM),
        revises_step_number: number(REVISES),
        revised_by_step,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn step(number: u32, words: &str, extra: &Value) -> Step {
        let extra = extra.as_object().cloned().unwrap_or_default();
        Step { step: words.to_owned(), step_number: number, extra, ..Step::default() }
    }

    fn brief(steps: &[Step]) -> Vec<String> {
        let all: Vec<&Step> = steps.iter().collect();
        let told = |one: PlanStep| format!("{} {} {:?}", one.step_number, one.step, one.revised_by_step);
        plan_of(&all).into_iter().map(told).collect()
    }

    #[test]
    fn a_plan_keeps_branches_and_revisions() {
        let steps = [
            step(1, "an older plan", &json!({})),
            step(1, "goal", &json!({})),
            step(2, "way", &json!({})),
            step(3, "by table", &json!({"branch_id": "table", "branch_from_step": 2})),
            step(4, "another way", &json!({"revises_step_number": 2})),
        ];
        assert_eq!(brief(&steps), ["1 goal None", "2 way Some(4)", "3 by table None", "4 another way None"]);
        let all: Vec<&Step> = steps.iter().collect();
        let branch = serde_json::to_value(&plan_of(&all)[2]).unwrap();
        assert_eq!(
            branch,
            json!({"step_number": 3, "step": "by table", "branch_id": "table", "branch_from_step": 2})
        );
    }

    #[test]
    fn repeats_and_dropped_steps_are_left_out() {
        let steps = [
            step(1, "goal", &json!({})),
            step(2, "first", &json!({})),
            step(3, "third", &json!({})),
            step(2, "second", &json!({})),
        ];
        assert_eq!(brief(&steps), ["1 goal None", "2 second None", "3 third None"]);
        let back = [steps.as_slice(), &[step(2, "anew", &json!({BACKTRACK: 2}))]].concat();
        assert_eq!(brief(&back), ["1 goal None", "2 anew None"]);
    }
}
