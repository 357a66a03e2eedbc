//! A consensus within a thread: the question, the models, and their answers so far.

use exai_core::{
    Mention,
    thread::{Opinion, Round},
};

use super::{Spoken, Voice, VoiceInput, roster::Consultant};

/// One consensus of a thread, from its step 1 on.
#[derive(Debug, Clone, Default)]
pub(super) struct Session {
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
    /// The places that answers of this call cite, checked against the files that their models were given.
    pub mentions: Vec<(Round, u32, Vec<Mention>)>,
    /// The highest step so far.
    pub step: u32,
    /// Whether step 1 asked for everything in one call.
    pub at_once: bool,
    /// Whether it has ended.
    pub closed: bool,
}

impl Session {
    /// How the answer begins that ends this session.
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

    /// Adds what a model said. The first answer of a place stays, because two calls may have asked it at once. A later opinion
    /// replaces a failure, and a synthesis is dropped when there are more answers than it has seen.
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

    /// The same, and how it counts.
    pub(super) fn spoken(&self, round: Round, index: usize) -> Option<Spoken> {
        let opinion = self.of_round(round, index)?.clone();
        let cited = self.mentions.iter().find(|(cited, place, _)| (*cited, *place) == (round, opinion.index));
        let mentions = cited.map(|(.., mentions)| mentions.clone()).unwrap_or_default();
        Some(Spoken { mentions, ..Spoken::new(opinion) })
    }

    /// Whether a place has answered in a round; a failure may be tried again.
    pub(super) fn has_answered(&self, round: Round, index: usize) -> bool {
        self.of_round(round, index).is_some_and(|opinion| opinion.error.is_none())
    }

    /// Everyone on the roster, with what they said.
    pub(super) fn voices(&self, consultants: &[Consultant]) -> Vec<Voice> {
        let spoken = |round, index| self.spoken(round, index);
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
