//! A step as it arrives, and as it is kept: gaps filled in, rules checked.

use exai_core::thread::{BACKTRACK, Issue, Step};
use serde_json::Map;

use super::{
    changes::{COMPARE_TO, DIFF},
    spec::{Flow, Spec},
};
use crate::error::EngineError;

/// The longest `step`, in characters. Longer texts belong into files.
pub const MAX_STEP_CHARS: usize = 100_000;
/// The longest `findings`, in characters.
pub const MAX_FINDINGS_CHARS: usize = 300_000;
/// The most entries of a list field.
pub const MAX_LIST: usize = 1_000;
/// The most images of one call.
pub const MAX_IMAGES: usize = 10;

/// A step as the client sent it. What is `None` was left out.
#[derive(Debug, Clone, Default)]
pub struct StepInput {
    /// What is done in this step.
    pub step: String,
    /// From 1.
    pub step_number: Option<u32>,
    /// The client's estimate.
    pub total_steps: Option<u32>,
    /// False ends the investigation.
    pub next_step_required: Option<bool>,
    /// Evidence of this step.
    pub findings: String,
    /// Files that were looked at.
    pub files_checked: Vec<String>,
    /// Files that matter.
    pub relevant_files: Vec<String>,
    /// Functions and types that matter.
    pub relevant_context: Vec<String>,
    /// Issues named by the agent.
    pub issues_found: Vec<Issue>,
    /// How sure the agent is.
    pub confidence: Option<String>,
    /// The agent's present theory.
    pub hypothesis: Option<String>,
    /// Fields of this tool alone.
    pub extra: Map<String, serde_json::Value>,
    /// The thread to continue.
    pub continuation_id: Option<String>,
    /// The model, as the user wrote it.
    pub model: Option<String>,
    /// False never asks the expert.
    pub use_assistant_model: bool,
    /// Sent only when set.
    pub temperature: Option<f32>,
    /// Thinking level; the expert's default is high.
    pub thinking: Option<exai_core::chat::Thinking>,
    /// Images for the expert: paths or `data:` URLs.
    pub images: Vec<String>,
    /// Whether the expert may search the web.
    pub web_search: bool,
    /// When the expert asks for files, add them and ask once more.
    pub add_files: bool,
    /// The findings are read by a program: an answer that is not in the form of findings is put into it by one further attempt.
    pub needs_findings: bool,
    /// Do not take the answer from the cache.
    pub fresh: bool,
    /// When no model can be asked, take a stored answer to the same question, however old.
    pub allow_stale: bool,
}

/// Fills in what the client left out and checks the tool's rules.
///
/// # Errors
/// [`EngineError::InvalidInput`] that names the field and what is expected.
pub fn accept(spec: &Spec, input: &mut StepInput, earlier: &[&Step]) -> Result<Step, EngineError> {
    check_sizes(input)?;
    let back_to = input.extra.get(BACKTRACK).and_then(serde_json::Value::as_u64);
    let back_to = back_to.and_then(|step| u32::try_from(step).ok());
    let step_number = input.step_number.or(back_to).unwrap_or_else(|| counted(&input.step, earlier));
    if step_number == 0 {
        return Err(EngineError::invalid("step_number", "steps count from 1"));
    }
    check_beginning(spec, step_number, earlier)?;
    let planned = input.total_steps.or_else(|| earlier.last().map(|step| step.total_steps));
    let total_steps = planned.unwrap_or(step_number).max(step_number);
    let next_step_required = input.next_step_required.unwrap_or(step_number < total_steps);
    // Whoever announces another step plans at least one more, whether it was counted or not.
    let is_estimate = input.total_steps.is_none() || step_number == 1;
    let total_steps = if next_step_required && is_estimate {
        total_steps.max(step_number.saturating_add(1))
    } else {
        total_steps
    };
    let brings_changes =
        [DIFF, COMPARE_TO].iter().any(|field| input.extra.get(*field).is_some_and(|value| !value.is_null()));
    if step_number == 1 && spec.first_step_needs_files && input.relevant_files.is_empty() && !brings_changes {
        return Err(EngineError::invalid(
            "relevant_files",
            format!(
                "step 1 of {} needs the files or folders to look at, for example [\"src\"] or [\"src/main.rs:10-80\"]",
                spec.name
            ),
        ));
    }
    let mut extra = std::mem::take(&mut input.extra);
    extra.retain(|name, value| {
        (name == BACKTRACK || spec.own_fields.contains(&name.as_str())) && !value.is_null()
    });
    check_backtrack(back_to, step_number)?;
    check_branch(&extra, step_number)?;
    let more_needed = flag(&extra, "more_steps_needed") && step_number >= total_steps;
    let (total_steps, next_step_required) =
        if more_needed { (step_number.saturating_add(1), true) } else { (total_steps, next_step_required) };
    Ok(Step {
        step: std::mem::take(&mut input.step),
        step_number,
        total_steps,
        next_step_required,
        findings: std::mem::take(&mut input.findings),
        files_checked: std::mem::take(&mut input.files_checked),
        relevant_files: std::mem::take(&mut input.relevant_files),
        relevant_context: std::mem::take(&mut input.relevant_context),
        issues_found: std::mem::take(&mut input.issues_found),
        confidence: input.confidence.take(),
        hypothesis: input.hypothesis.take().filter(|text| !text.trim().is_empty()),
        images: input.images.iter().filter(|image| !image.starts_with("data:")).cloned().collect(),
        extra,
    })
}

/// The number of a step that has none: one more than the latest, or the same when the latest is sent again.
fn counted(words: &str, earlier: &[&Step]) -> u32 {
    match earlier.iter().max_by_key(|step| step.step_number) {
        None => 1,
        Some(last) if last.step == words => last.step_number,
        Some(last) => last.step_number.saturating_add(1),
    }
}

fn flag(extra: &Map<String, serde_json::Value>, name: &str) -> bool {
    extra.get(name).and_then(serde_json::Value::as_bool).unwrap_or(false)
}

/// The agent's own work is nothing but its steps: without the first one, the rest would pass for the whole. An expert judges what it
/// is given, wherever the count begins.
fn check_beginning(spec: &Spec, step_number: u32, earlier: &[&Step]) -> Result<(), EngineError> {
    let needs_beginning = !matches!(spec.flow, Flow::Expert(_));
    if !needs_beginning || step_number == 1 || earlier.iter().any(|step| step.step_number == 1) {
        return Ok(());
    }
    let tool = spec.name;
    Err(EngineError::invalid(
        "continuation_id",
        format!(
            "step {step_number} of {tool} has no step 1 before it; send the continuation_id that came with step 1, or begin with \
             step_number 1. Work that has ended is begun anew"
        ),
    ))
}

/// Going back keeps what lies before; step 1 holds the request, so nothing lies before it.
fn check_backtrack(back_to: Option<u32>, step_number: u32) -> Result<(), EngineError> {
    match back_to {
        Some(1) if step_number > 1 => {
            Err(EngineError::invalid(BACKTRACK, "step 1 holds the request; to begin anew send step_number 1"))
        }
        Some(from) if from > step_number => Err(EngineError::invalid(
            BACKTRACK,
            format!("step {step_number} can only go back to an earlier step, not to step {from}"),
        )),
        _ => Ok(()),
    }
}

/// A branch needs a name and a place; a revision needs the step it revises.
fn check_branch(extra: &Map<String, serde_json::Value>, step_number: u32) -> Result<(), EngineError> {
    if flag(extra, "is_branch_point") {
        for field in ["branch_id", "branch_from_step"] {
            if !extra.contains_key(field) {
                return Err(EngineError::invalid(
                    field,
                    "a branch point needs branch_id (its name) and branch_from_step",
                ));
            }
        }
    }
    if flag(extra, "is_step_revision") && !extra.contains_key("revises_step_number") {
        return Err(EngineError::invalid("revises_step_number", "say which step this one revises"));
    }
    let earlier = [("revises_step_number", "revise"), ("branch_from_step", "branch from")];
    for (field, verb) in earlier {
        let named = extra.get(field).and_then(serde_json::Value::as_u64);
        if named.is_some_and(|named| named >= u64::from(step_number)) {
            return Err(EngineError::invalid(
                field,
                format!("step {step_number} can only {verb} an earlier step"),
            ));
        }
    }
    Ok(())
}

fn check_sizes(input: &StepInput) -> Result<(), EngineError> {
    if input.step.trim().is_empty() {
        return Err(EngineError::invalid("step", "say what this step does; step 1 states the task"));
    }
    let texts = [("step", &input.step, MAX_STEP_CHARS), ("findings", &input.findings, MAX_FINDINGS_CHARS)];
    for (field, text, limit) in texts {
        let count = text.chars().count();
        if count > limit {
            return Err(EngineError::invalid(
                field,
                format!(
                    "has {count} characters, at most {limit} are taken; put long material into a file and name it in relevant_files"
                ),
            ));
        }
    }
    let lists = [
        ("files_checked", input.files_checked.len()),
        ("relevant_files", input.relevant_files.len()),
        ("relevant_context", input.relevant_context.len()),
        ("issues_found", input.issues_found.len()),
    ];
    for (field, count) in lists {
        if count > MAX_LIST {
            return Err(EngineError::invalid(
                field,
                format!("has {count} entries, at most {MAX_LIST} are taken; name folders instead"),
            ));
        }
    }
    if input.images.len() > MAX_IMAGES {
        let count = input.images.len();
        return Err(EngineError::invalid(
            "images",
            format!("has {count} entries, at most {MAX_IMAGES} are taken"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::spec::{CODEREVIEW, DEBUG, DOCGEN, PLANNER, TRACER};

    fn input(step: &str) -> StepInput {
        StepInput { step: step.to_owned(), use_assistant_model: true, ..StepInput::default() }
    }

    fn step(number: u32, total: u32) -> Step {
        Step { step: format!("s{number}"), step_number: number, total_steps: total, ..Step::default() }
    }

    #[test]
    fn left_out_numbers_continue_the_work() {
        let (one, two) = (step(1, 5), step(2, 5));
        let accepted = accept(&DEBUG, &mut input("look"), &[&one, &two]).unwrap();
        assert_eq!((accepted.step_number, accepted.total_steps, accepted.next_step_required), (3, 5, true));
        let alone = accept(&DEBUG, &mut input("look"), &[]).unwrap();
        assert_eq!((alone.step_number, alone.total_steps, alone.next_step_required), (1, 1, false));
    }

    #[test]
    fn a_step_beyond_the_estimate_raises_it() {
        let mut late = StepInput { step_number: Some(7), total_steps: Some(3), ..input("more") };
        assert_eq!(accept(&DEBUG, &mut late, &[]).unwrap().total_steps, 7);
    }

    /// A caller that announces another step has planned one.
    #[test]
    fn an_announced_step_is_planned() {
        for (number, total, planned) in
            [(1, None, 2), (1, Some(1), 2), (1, Some(4), 4), (3, None, 4), (3, Some(3), 3)]
        {
            let (one, two) = (step(1, 2), step(2, 2));
            let mut input = StepInput {
                step_number: Some(number),
                total_steps: total,
                next_step_required: Some(true),
                ..input("more")
            };
            let accepted = accept(&PLANNER, &mut input, &[&one, &two]).unwrap();
            assert_eq!(accepted.total_steps, planned, "{number} of {total:?}");
        }
    }

    #[test]
    fn own_work_needs_its_beginning() {
        let (one, two) = (step(1, 3), step(2, 3));
        for spec in [&PLANNER, &DOCGEN, &TRACER] {
            let third = || StepInput { step_number: Some(3), ..input("third") };
            for earlier in [&[][..], &[&two][..]] {
                let told = accept(spec, &mut third(), earlier).unwrap_err().to_string();
                assert!(
                    told.starts_with(&format!("continuation_id: step 3 of {} has no step 1", spec.name)),
                    "{told}"
                );
            }
            assert!(accept(spec, &mut third(), &[&one, &two]).is_ok());
        }
    }

    #[test]
    fn a_review_without_files_is_refused() {
        let error = accept(&CODEREVIEW, &mut input("review"), &[]).unwrap_err();
        assert!(error.to_string().starts_with("relevant_files: step 1 of codereview"), "{error}");
    }

    #[test]
    fn fields_of_other_tools_are_not_kept() {
        let mut with_extra = input("look");
        with_extra.relevant_files = vec!["a.rs".to_owned()];
        with_extra.extra.insert("review_type".to_owned(), "security".into());
        with_extra.extra.insert("branch_id".to_owned(), "b".into());
        let accepted = accept(&CODEREVIEW, &mut with_extra, &[]).unwrap();
        assert_eq!(accepted.extra.keys().collect::<Vec<_>>(), ["review_type"]);
    }
}
