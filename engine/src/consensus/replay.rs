//! What a thread remembers of each consensus in it.

use exai_core::thread::{Opinion, Round, Step, Thread, TurnBody};
use serde_json::{Value, json};

use super::{ConsensusInput, Spoken, TOOL, Voice, VoiceInput, roster::Consultant};

/// Where a later step names the turn of its step 1.
const BEGUN_BY: &str = "begun_by";

/// The work of one step 1 of a thread.
#[derive(Debug, Clone, Default)]
pub(super) struct Work {
    /// The turn of step 1; `None` while it is not stored.
    pub seq: Option<u32>,
    pub question: String,
    pub findings: String,
    pub files: Vec<String>,
    pub roster: Vec<VoiceInput>,
    pub critique: bool,
    pub synthesis: Option<String>,
    /// Said so far.
    pub said: Vec<Opinion>,
    /// The highest step so far.
    pub step: u32,
    /// Whether step 1 asked for everything in one call.
    pub at_once: bool,
    /// Whether it has come to its end.
    pub closed: bool,
}

impl Work {
    /// Every work of a thread, oldest first. Works may be interleaved: each turn names the step 1 that it belongs to.
    pub(super) fn all(thread: &Thread) -> Vec<Self> {
        let mut works: Vec<Self> = Vec::new();
        for turn in thread.turns.iter().filter(|turn| turn.tool == TOOL) {
            match &turn.body {
                TurnBody::Step(step) if step.step_number == 1 => works.push(Self::begun(turn.seq, step)),
                TurnBody::Step(step) => {
                    let begun_by = step.extra.get(BEGUN_BY).and_then(Value::as_u64);
                    if let Some(work) = owner(&mut works, begun_by) {
                        work.step = work.step.max(step.step_number);
                        work.add_files(&step.relevant_files);
                    }
                }
                TurnBody::Opinion(opinion) => {
                    if let Some(work) = owner(&mut works, opinion.work.map(u64::from)) {
                        work.keep(opinion.clone());
                    }
                }
                TurnBody::Answer(answer) => {
                    let ended = |work: &&mut Self| !work.closed && answer.text.starts_with(&work.headline());
                    if let Some(work) = works.iter_mut().find(ended) {
                        work.closed = true;
                    }
                }
                TurnBody::Message(_) => {}
            }
        }
        works
    }

    /// The work that a call goes on with; `None` when it begins another. `named` is the call's own roster, when it has one.
    pub(super) fn continued(
        thread: &Thread,
        input: &ConsensusInput,
        named: Option<&[VoiceInput]>,
    ) -> Option<Self> {
        let works = Self::all(thread);
        let is_named = |work: &&Self| named.is_none_or(|named| work.roster == named);
        let is_open = |work: &&Self| !work.closed;
        let repeats = |work: &&Self| work.question == input.step && !(work.closed && input.fresh);
        let found = match input.step_number {
            Some(1) => works.iter().rev().find(|work| is_named(work) && repeats(work)),
            Some(_) => {
                let own = || works.iter().rev().filter(|work| is_named(work));
                own().find(is_open).or_else(|| own().next()).or_else(|| works.last())
            }
            None => {
                let unnamed = || works.iter().rev().find(|work| named.is_none() && is_open(work));
                works.iter().rev().find(|work| is_named(work) && repeats(work)).or_else(unnamed)
            }
        };
        found.cloned()
    }

    fn begun(seq: u32, step: &Step) -> Self {
        let field = |name: &str| step.extra.get(name).cloned().unwrap_or_default();
        Self {
            seq: Some(seq),
            question: step.step.clone(),
            findings: step.findings.clone(),
            files: step.relevant_files.clone(),
            roster: serde_json::from_value(field("models")).unwrap_or_default(),
            critique: field("critique") == json!(true),
            synthesis: field("synthesis").as_str().map(str::to_owned),
            step: 1,
            at_once: !step.next_step_required,
            ..Self::default()
        }
    }

    /// Names this work in one of its later steps.
    pub(super) fn own(&self, step: &mut Step) {
        if let Some(seq) = self.seq {
            step.extra.insert(BEGUN_BY.to_owned(), seq.into());
        }
    }

    /// How the text begins that ends this work.
    pub(super) fn headline(&self) -> String {
        format!("[consensus of {} models]\nQuestion: {}\n", self.roster.len(), self.question)
    }

    pub(super) fn add_files(&mut self, files: &[String]) {
        for file in files {
            if !self.files.contains(file) {
                self.files.push(file.clone());
            }
        }
    }

    /// Takes in what was said. An answer stays what it was: two calls may have asked at once. A failure gives way to what comes
    /// later, and a synthesis to one of more answers.
    pub(super) fn keep(&mut self, opinion: Opinion) {
        let index = usize::try_from(opinion.index).unwrap_or(usize::MAX);
        if opinion.round != Round::Synthesis && self.has_answered(opinion.round, index) {
            return;
        }
        let outdates = opinion.round != Round::Synthesis && opinion.error.is_none();
        self.said.retain(|known| {
            (known.round, known.index) != (opinion.round, opinion.index)
                && !(outdates && known.round == Round::Synthesis)
        });
        self.said.push(opinion);
    }

    /// What a place said in a round.
    pub(super) fn of_round(&self, round: Round, index: usize) -> Option<&Opinion> {
        self.said.iter().find(|said| said.round == round && said.index as usize == index)
    }

    /// Whether a place has answered in a round; a failure may be tried again.
    pub(super) fn has_answered(&self, round: Round, index: usize) -> bool {
        self.of_round(round, index).is_some_and(|opinion| opinion.error.is_none())
    }

    pub(super) fn voices(&self, consultants: &[Consultant]) -> Vec<Voice> {
        let spoken = |round, index| self.of_round(round, index).cloned().map(Spoken::new);
        consultants
            .iter()
            .enumerate()
            .map(|(index, one)| Voice {
                name: one.choice.model.qualified(),
                stance: one.input.stance,
                opinion: spoken(Round::Opinion, index),
                critique: spoken(Round::Critique, index),
            })
            .collect()
    }
}

/// The work that began at a turn; the last one when a turn names none.
fn owner(works: &mut [Work], begun_by: Option<u64>) -> Option<&mut Work> {
    match begun_by {
        None => works.last_mut(),
        begun_by => works.iter_mut().find(|work| work.seq.map(u64::from) == begun_by),
    }
}
