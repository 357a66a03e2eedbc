//! What one call of a consensus is to do, from what the caller says and what the thread remembers.

use exai_answers::options::offers_options;
use exai_core::thread::{Round, Thread};

use super::{
    ConsensusInput, Stance, VoiceInput,
    roster::{Consultant, Roster},
    session::Session,
};
use crate::{call::Call, engine::Engine, error::EngineError, named_files::check_named};

/// What one call is to do.
pub(super) struct Plan {
    pub session: Session,
    pub consultants: Vec<Consultant>,
    pub step_number: u32,
    pub at_once: bool,
    /// Places to ask in the first round.
    pub asked: Vec<usize>,
    /// What the caller should know about it.
    pub notes: Vec<String>,
}

impl Engine {
    /// Plans a call. Stores nothing and asks no model.
    pub(super) async fn plan(
        &self,
        thread: Option<&Thread>,
        input: &ConsensusInput,
        call: &Call,
    ) -> Result<Plan, EngineError> {
        check_named(&input.relevant_files, call).await?;
        let with_images = !input.images.is_empty();
        let named = if input.models.is_empty() {
            None
        } else {
            Some(self.roster(input.models.clone(), with_images, call).await?)
        };
        let named = named.as_ref().map(|roster| by_full_name(&roster.consultants));
        let earlier = thread.and_then(|thread| Session::continued(thread, input, named.as_deref()));
        let (mut session, Roster { consultants, notes }) = match earlier {
            Some(session) => {
                let roster = self.roster(session.roster.clone(), with_images, call).await?;
                (session, roster)
            }
            None if input.step_number.is_some_and(|step| step > 1) => {
                return Err(EngineError::invalid(
                    "continuation_id",
                    "this step belongs to no consensus; begin with step_number 1, or send the continuation_id of step 1",
                ));
            }
            None => {
                check_stances(input)?;
                let roster = self.roster(input.models.clone(), with_images, call).await?;
                (begun(input, &roster.consultants), roster)
            }
        };
        session.add_files(&input.relevant_files);
        let unanswered: Vec<usize> =
            (0..consultants.len()).filter(|index| !session.has_answered(Round::Opinion, *index)).collect();
        let repeats = session.step > 0 && session.question == input.step;
        let counted = if repeats { 1 } else { session.step.saturating_add(1) };
        let step_number = input.step_number.unwrap_or(counted);
        let at_once = all_at_once(input, session.step == 0 || session.at_once);
        let asked = if at_once {
            unanswered
        } else {
            unanswered.into_iter().filter(|index| *index + 1 == step_number as usize).collect()
        };
        Ok(Plan { session, consultants, step_number, at_once, asked, notes })
    }
}

/// Nobody can be for or against a question that lets its reader choose: each model would take the word for another option.
fn check_stances(input: &ConsensusInput) -> Result<(), EngineError> {
    let takes_side = |voice: &&VoiceInput| voice.stance != Stance::Neutral;
    match input.models.iter().find(takes_side) {
        Some(voice) if offers_options(&input.step) => Err(EngineError::invalid(
            "models",
            format!(
                "{} has stance `{}`, but `step` lets the models choose among options, and one cannot be for or against a choice; \
                 put one option to the vote as a proposal for yes or no (\"Should we use A instead of B?\"), or leave the stances out",
                voice.model,
                voice.stance.as_str()
            ),
        )),
        _ => Ok(()),
    }
}

/// Whether everything happens in one call: the caller ends the session, plans one step, or does not mention steps.
fn all_at_once(input: &ConsensusInput, usually: bool) -> bool {
    match input.next_step_required {
        Some(wanted) => !wanted,
        None => input.total_steps == Some(1) || (usually && input.total_steps.is_none()),
    }
}

fn begun(input: &ConsensusInput, consultants: &[Consultant]) -> Session {
    Session {
        question: input.step.clone(),
        findings: input.findings.clone(),
        files: input.relevant_files.clone(),
        roster: by_full_name(consultants),
        critique: input.critique,
        synthesis: input.synthesis.clone(),
        ..Session::default()
    }
}

/// The roster by full names, so that a later change of the configuration does not swap a model in the middle.
fn by_full_name(consultants: &[Consultant]) -> Vec<VoiceInput> {
    let full = |one: &Consultant| VoiceInput { model: one.choice.model.qualified(), ..one.input.clone() };
    consultants.iter().map(full).collect()
}
