//! What a thread remembers of each consensus in it.

use exai_core::thread::{Step, Thread, TurnBody};
use serde_json::{Value, json};

use super::{ConsensusInput, TOOL, VoiceInput, session::Session};

/// Where a later step names the turn of its step 1.
const BEGUN_BY: &str = "begun_by";

impl Session {
    /// Every session of a thread, oldest first. Sessions may be interleaved: each turn names the step 1 that it belongs to.
    pub(super) fn all(thread: &Thread) -> Vec<Self> {
        let mut sessions: Vec<Self> = Vec::new();
        for turn in thread.turns.iter().filter(|turn| turn.tool == TOOL) {
            match &turn.body {
                TurnBody::Step(step) if step.step_number == 1 => sessions.push(Self::begun(turn.seq, step)),
                TurnBody::Step(step) => {
                    let begun_by = step.extra.get(BEGUN_BY).and_then(Value::as_u64);
                    if let Some(session) = owner(&mut sessions, begun_by) {
                        session.step = session.step.max(step.step_number);
                        session.add_files(&step.relevant_files);
                    }
                }
                TurnBody::Opinion(opinion) => {
                    if let Some(session) = owner(&mut sessions, opinion.work.map(u64::from)) {
                        session.keep(opinion.clone());
                    }
                }
                TurnBody::Answer(answer) => {
                    let ended =
                        |session: &&mut Self| !session.closed && answer.text.starts_with(&session.headline());
                    if let Some(session) = sessions.iter_mut().find(ended) {
                        session.closed = true;
                    }
                }
                TurnBody::Message(_) => {}
            }
        }
        sessions
    }

    /// The session that a call goes on with; `None` when it begins another. `named` is the call's own roster, when it has one.
    pub(super) fn continued(
        thread: &Thread,
        input: &ConsensusInput,
        named: Option<&[VoiceInput]>,
    ) -> Option<Self> {
        let sessions = Self::all(thread);
        let is_named = |session: &&Self| named.is_none_or(|named| session.roster == named);
        let is_open = |session: &&Self| !session.closed;
        let repeats = |session: &&Self| session.question == input.step && !(session.closed && input.fresh);
        let found = match input.step_number {
            Some(1) => sessions.iter().rev().find(|session| is_named(session) && repeats(session)),
            Some(_) => {
                let own = || sessions.iter().rev().filter(|session| is_named(session));
                own().find(is_open).or_else(|| own().next()).or_else(|| sessions.last())
            }
            None => {
                let unnamed = || sessions.iter().rev().find(|session| named.is_none() && is_open(session));
                sessions.iter().rev().find(|session| is_named(session) && repeats(session)).or_else(unnamed)
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

    /// Names this session in one of its later steps.
    pub(super) fn own(&self, step: &mut Step) {
        if let Some(seq) = self.seq {
            step.extra.insert(BEGUN_BY.to_owned(), seq.into());
        }
    }
}

/// The session that began at a turn; the last one when a turn names none.
fn owner(sessions: &mut [Session], begun_by: Option<u64>) -> Option<&mut Session> {
    match begun_by {
        None => sessions.last_mut(),
        begun_by => sessions.iter_mut().find(|session| session.seq.map(u64::from) == begun_by),
    }
}
