//! The call that begins a consensus or carries it on.

use exai_core::{
    ThreadId,
    thread::{Answer, Round, Step, Thread, Turn, TurnBody},
};
use futures::FutureExt as _;
use serde_json::{Map, Value, json};

use super::{
    ConsensusInput, ConsensusOutcome, Spoken, TOOL, Voice, attribution, letters::letters, plan::Plan,
    prompt::Matter, rounds::Rounds, session::Session, synthesiser::voter_of,
};
use crate::{
    call::Call,
    engine::Engine,
    error::EngineError,
    threads::Appended,
    workflow::step::{MAX_FINDINGS_CHARS, MAX_STEP_CHARS},
};
use exai_inference::{delivery::Unwritten, routing::Choice};

/// A step that was appended, and what it is to do.
struct Planned {
    thread: Option<Thread>,
    plan: Plan,
    synthesiser: Option<Choice>,
    appended: Appended,
}

impl Engine {
    /// Asks several models, all at once or one a step, and reports the state of the consensus.
    ///
    /// # Errors
    /// Anything that [`EngineError`] names; a model that fails while others answer is no error of the call. Answers that
    /// came before the error are in the thread.
    pub async fn consensus(
        &self,
        mut input: ConsensusInput,
        call: &Call,
    ) -> Result<ConsensusOutcome, EngineError> {
        check(&mut input)?;
        let thread_id = self.threads.parse(input.continuation_id.as_deref())?;
        let planned = self
            .threads
            .retrying(thread_id, call, |thread| self.take_step(thread, &input, call).boxed())
            .await?;
        let Planned { thread, plan, synthesiser, appended } = planned;
        let question = plan.session.question.clone();
        let matter = Matter {
            question: &question,
            input: &input,
            files: plan.session.files.clone(),
            before: thread.as_ref().and_then(own_words),
        };
        let rounds =
            Rounds { engine: self, matter: &matter, call, appended, files: Vec::new(), first_error: None };
        self.carry_on(rounds, plan, synthesiser).await
    }

    /// Plans a step and appends it.
    async fn take_step(
        &self,
        thread: Option<Thread>,
        input: &ConsensusInput,
        call: &Call,
    ) -> Result<Planned, EngineError> {
        let mut plan = self.plan(thread.as_ref(), input, call).await?;
        let synthesiser = self.synthesiser(&plan.session, &plan.consultants, call).await?;
        let appended = self.begin(thread.as_ref(), &plan, input, call).await?;
        plan.session.seq.get_or_insert(appended.next_seq.saturating_sub(1));
        Ok(Planned { thread, plan, synthesiser, appended })
    }

    /// Stores the step, unless it only repeats what is there.
    async fn begin(
        &self,
        thread: Option<&Thread>,
        plan: &Plan,
        input: &ConsensusInput,
        call: &Call,
    ) -> Result<Appended, EngineError> {
        if let (Some(thread), true) = (thread, plan.step_number <= plan.session.step) {
            call.kept_in(thread.id);
            return Ok(Appended { thread: thread.id, next_seq: thread.next_seq(), persisted: true });
        }
        let body = TurnBody::Step(step_of(plan, input));
        self.threads.append(thread, TOOL, body, call).await
    }

    async fn carry_on(
        &self,
        mut rounds: Rounds<'_>,
        mut plan: Plan,
        synthesiser: Option<Choice>,
    ) -> Result<ConsensusOutcome, EngineError> {
        // A model that failed may be asked again after the end.
        let was_closed = plan.session.closed;
        let reopened = was_closed && !plan.asked.is_empty();
        rounds.opinions(&mut plan).await?;
        let answered = |session: &Session| {
            (0..plan.consultants.len()).all(|index| session.of_round(Round::Opinion, index).is_some())
        };
        let complete = was_closed || answered(&plan.session);
        let nobody = plan
            .session
            .voices(&plan.consultants)
            .iter()
            .all(|voice| voice.opinion.as_ref().is_none_or(|spoken| spoken.opinion.error.is_some()));
        if let (true, Some(error)) = (nobody, rounds.first_error.take()) {
            return Err(error);
        }
        if complete && (!was_closed || reopened) {
            if plan.session.critique {
                rounds.critiques(&mut plan).await?;
            }
            if let Some(choice) = synthesiser {
                rounds.synthesis(&mut plan, choice).await?;
            }
            let mut news = plan.session.voices(&plan.consultants);
            if reopened {
                // The answers of the others are in the thread already.
                let mut index = 0..;
                news.retain(|_| index.next().is_some_and(|index| plan.asked.contains(&index)));
            }
            rounds.close(&plan.session, &news).await;
        }
        let total = u32::try_from(plan.consultants.len()).unwrap_or(u32::MAX);
        let synthesis = plan.session.spoken(Round::Synthesis, 0);
        let mut notes = std::mem::take(&mut plan.notes);
        if complete {
            notes.extend(attribution::notes(
                &plan.session,
                &plan.session.voices(&plan.consultants),
                synthesis.as_ref(),
            ));
        }
        let Rounds { appended, files, .. } = rounds;
        let voices = plan.session.voices(&plan.consultants);
        Ok(ConsensusOutcome {
            letters: letters(&voices),
            synthesised_by_voter: synthesis.as_ref().is_some_and(|made| voter_of(made, &voices).is_some()),
            voices,
            question: plan.session.question,
            findings: plan.session.findings,
            asked_now: plan.asked,
            synthesis,
            step_number: plan.step_number,
            total_steps: if plan.at_once { plan.step_number } else { total.max(plan.step_number) },
            complete,
            at_once: plan.at_once,
            files,
            notes,
            thread: appended.thread,
            remaining_turns: self.settings.max_turns.saturating_sub(appended.next_seq),
            persisted: appended.persisted,
        })
    }
}

fn check(input: &mut ConsensusInput) -> Result<(), EngineError> {
    input.step = input.step.trim().to_owned();
    if input.step.is_empty() {
        return Err(EngineError::invalid("step", "state the question that every model is asked"));
    }
    if input.step_number == Some(0) {
        return Err(EngineError::invalid("step_number", "steps count from 1"));
    }
    for (field, text, limit) in
        [("step", &input.step, MAX_STEP_CHARS), ("findings", &input.findings, MAX_FINDINGS_CHARS)]
    {
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
    Ok(())
}

fn step_of(plan: &Plan, input: &ConsensusInput) -> Step {
    let mut extra = Map::new();
    if plan.step_number == 1 {
        extra.insert("models".to_owned(), json!(plan.session.roster));
        extra.insert("critique".to_owned(), Value::Bool(plan.session.critique));
        extra.insert("synthesis".to_owned(), json!(plan.session.synthesis));
    }
    let mut step = Step {
        step: input.step.clone(),
        step_number: plan.step_number,
        total_steps: u32::try_from(plan.consultants.len()).unwrap_or(u32::MAX).max(plan.step_number),
        next_step_required: !plan.at_once,
        findings: input.findings.clone(),
        relevant_files: input.relevant_files.clone(),
        extra,
        ..Step::default()
    };
    plan.session.own(&mut step);
    step
}

/// What the user has said in the thread. No model sees what another one said, nor what the agent has found: it would not be blind.
fn own_words(thread: &Thread) -> Option<Thread> {
    let is_own = |turn: &&Turn| turn.tool != TOOL && matches!(turn.body, TurnBody::Message(_));
    let turns: Vec<_> = thread.turns.iter().filter(is_own).cloned().collect();
    (!turns.is_empty()).then(|| Thread { turns, ..thread.clone() })
}

/// What other tools see of a finished consensus.
fn digest(session: &Session, voices: &[Voice]) -> String {
    let mut text = session.headline();
    for voice in voices {
        text.push_str(&format!("\n## {} (stance: {})\n", voice.name, voice.stance.as_str()));
        match voice.last() {
            Some(Spoken { ballot: super::Ballot::NoVote(why), .. }) => {
                text.push_str(&format!("No vote: {}\n", why.reason()));
            }
            Some(spoken) => text.push_str(&format!("{}\n", spoken.opinion.text.trim())),
            None => text.push_str("No vote: not asked\n"),
        }
    }
    if let Some(synthesis) = session.of_round(Round::Synthesis, 0).filter(|said| said.error.is_none()) {
        text.push_str(&format!("\n## Synthesis\n{}\n", synthesis.text.trim()));
    }
    text
}

impl Rounds<'_> {
    /// Ends the session with the text that other tools read.
    async fn close(&mut self, session: &Session, voices: &[Voice]) {
        let body = TurnBody::Answer(Answer { text: digest(session, voices), ..Answer::default() });
        let appended = self.appended;
        let persisted =
            self.engine.threads.append_next(appended, TOOL, body, Unwritten::default(), self.call).await;
        self.appended = Appended {
            next_seq: appended.next_seq.saturating_add(1),
            persisted: appended.persisted && persisted,
            thread: ThreadId::clone(&appended.thread),
        };
    }
}
