//! The sentence a pausing step ends with: what the agent does now, and how it comes back.

/// Tells the calling agent how to go on after step `step_number` of about `total_steps` of `tool`.
///
/// `actions` is what the same answer carries as `required_actions`. The sentence counts them but does not repeat
/// them, so that nobody pays for the list twice. Without actions it only says how the next step is called.
#[must_use]
pub fn next_step(tool: &str, step_number: u32, total_steps: u32, actions: &[String]) -> String {
    let next = step_number.saturating_add(1);
    let before = match actions.len() {
        0 => format!("Work out the next step, then call {tool}"),
        1 => format!(
            "Do not call {tool} again now. First do the action in required_actions with your own tools. \
             Then call {tool}"
        ),
        count => format!(
            "Do not call {tool} again now. First do the {count} actions in required_actions with your own tools. \
             Then call {tool}"
        ),
    };
    let call = format!("{before} with step_number {next}, the same continuation_id, and what you found.");
    match total_steps.saturating_sub(step_number) {
        0 => format!(
            "{call} That is past the planned total: raise total_steps, or finish with next_step_required: false."
        ),
        1 => format!(
            "{call} It is the last planned step: if nothing is left to look at, send next_step_required: false."
        ),
        left => format!(
            "{call} {left} steps remain as planned; finish earlier with next_step_required: false when nothing is left."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actions(count: usize) -> Vec<String> {
        vec!["Read the file.".to_owned(); count]
    }

    /// A pause forbids the next call until the actions are done.
    #[test]
    fn a_pause_forbids_the_next_call() {
        let text = next_step("debug", 1, 3, &actions(4));
        assert!(text.starts_with("Do not call debug again now. First do the 4 actions in required_actions"));
        assert!(text.contains("Then call debug with step_number 2, the same continuation_id"));
        assert!(text.contains("2 steps remain"));
        assert!(!text.contains("Read the file."), "the list is in required_actions already");
    }

    #[test]
    fn one_action_is_in_the_singular() {
        assert!(next_step("debug", 1, 3, &actions(1)).contains("the action in required_actions"));
    }

    #[test]
    fn without_actions_nothing_is_forbidden() {
        let text = next_step("planner", 4, 6, &[]);
        assert!(text.starts_with("Work out the next step, then call planner with step_number 5,"));
        assert!(!text.contains("required_actions"));
    }

    #[test]
    fn the_plans_end_names_the_way_out() {
        for (step, words) in
            [(2, "last planned step"), (3, "past the planned total"), (u32::MAX, "past the planned total")]
        {
            let text = next_step("codereview", step, 3, &actions(2));
            assert!(text.contains(words) && text.contains("next_step_required: false"), "{text}");
        }
    }
}
